//! Group `packages`: sections, facts, packages.

use plimsoll_types::{
    DatabaseState, LicenseClaim, OsRelease, OwnedPaths, PackageRecord, PackageType, PackagesEvidence,
    Payload, Record, Section, SectionStatus, SourcePackage,
};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::column::{digest, same_length};
use crate::envelope::{Kind, check, open, seal};
use crate::paths::{self, PathBudget};
use crate::{CodecError, DecodeLimits, pb};

#[cfg(test)]
mod tests;

/// The stored bytes of a layer's packages.
pub fn encode_packages(packages: &PackagesEvidence) -> Vec<u8> {
    let message = pb::Packages {
        diff_id: packages.diff_id.as_bytes().to_vec().into(),
        sections: packages.sections.iter().map(section_message).collect(),
    };
    seal(Kind::Packages, &message)
}

/// The packages of a layer in stored bytes.
pub fn decode_packages(stored: &[u8], limits: &DecodeLimits) -> Result<PackagesEvidence, CodecError> {
    let message: pb::Packages = open(Kind::Packages, stored, limits)?;
    let mut budget = PathBudget::new(limits.path_bytes);
    let section = |section| section_from(section, limits, &mut budget);
    Ok(PackagesEvidence {
        diff_id: digest("diff_id", &message.diff_id)?,
        sections: message.sections.into_iter().map(section).collect::<Result<_, _>>()?,
    })
}

fn section_message(section: &Section) -> pb::Section {
    pb::Section {
        analyzer: section.analyzer.clone(),
        version: section.version,
        failure: match &section.status {
            SectionStatus::Complete => None,
            SectionStatus::Failed(why) => Some(why.clone()),
        },
        paths: Some(paths::encode(section.records.iter().map(|record| &record.path))),
        facts: section
            .records
            .iter()
            .map(|record| pb::Fact { payload: Some(payload_message(&record.payload)) })
            .collect(),
    }
}

fn payload_message(payload: &Payload) -> pb::fact::Payload {
    use pb::fact::Payload as Message;
    match payload {
        Payload::Package(package) => Message::Package(Box::new(package_message(package))),
        Payload::Database(state) => Message::Database(database_message(state)),
        Payload::Owned(owned) => Message::Owned(pb::Owned {
            package: owned.package.clone(),
            arch: owned.arch.clone(),
            paths: Some(paths::encode(owned.paths.iter())),
        }),
        Payload::Diversion { from, to, by } => Message::Diversion(pb::Diversion {
            from: from.as_bytes().to_vec().into(),
            to: to.as_bytes().to_vec().into(),
            by: by.clone(),
        }),
        Payload::Licenses { package, licenses } => Message::Licenses(pb::Licenses {
            package: package.clone(),
            licenses: licenses.iter().map(license_message).collect(),
        }),
        Payload::OsRelease(release) => Message::OsRelease(pb::OsRelease {
            id: release.id.clone(),
            id_like: release.id_like.clone(),
            version_id: release.version_id.clone(),
            codename: release.codename.clone(),
            pretty_name: release.pretty_name.clone(),
            variant_id: release.variant_id.clone(),
        }),
        Payload::Unreadable { limit, message } => {
            Message::Unreadable(pb::Unreadable { limit: *limit, message: message.clone() })
        }
        Payload::ReadFrom(file) => Message::ReadFrom(file.as_bytes().to_vec().into()),
    }
}

fn package_message(package: &PackageRecord) -> pb::Package {
    let owned = &package.owned_paths;
    let extra = |(key, value): &(String, String)| pb::Extra { key: key.clone(), value: value.clone() };
    pb::Package {
        package_type: package.package_type.as_str().to_owned(),
        name: package.name.clone(),
        version: package.version.clone(),
        epoch: package.epoch,
        arch: package.arch.clone(),
        source: package
            .source
            .as_ref()
            .map(|source| pb::Source { name: source.name.clone(), version: source.version.clone() }),
        licenses: package.licenses.iter().map(license_message).collect(),
        maintainer: package.maintainer.clone(),
        vendor: package.vendor.clone(),
        status: package.status.clone(),
        owned_paths: (!owned.is_empty()).then(|| paths::encode(owned.iter())),
        nested_in: package.nested_in.clone(),
        extra: package.extra.iter().map(extra).collect(),
    }
}

fn license_message(license: &LicenseClaim) -> pb::License {
    let LicenseClaim { value, spdx, source } = license.clone();
    pb::License { value, spdx, source }
}

fn database_message(state: &DatabaseState) -> pb::Database {
    use pb::database::State;
    let (state, format, packages, message) = match state {
        DatabaseState::Read { format, packages } => (State::Read, format, *packages, ""),
        DatabaseState::Unreadable { format, message } => (State::Unreadable, format, 0, message.as_str()),
        DatabaseState::Unsupported { format } => (State::Unsupported, format, 0, ""),
    };
    pb::Database { state: state.into(), format: format.clone(), packages, message: message.to_owned() }
}

fn section_from(
    section: pb::Section,
    limits: &DecodeLimits,
    budget: &mut PathBudget,
) -> Result<Section, CodecError> {
    check("facts", section.facts.len() as u64, limits.entries)?;
    let paths = paths::decode("sections.paths", section.paths.as_ref(), budget)?;
    same_length("sections.paths", section.facts.len(), paths.len())?;
    let record = |(path, fact): (_, pb::Fact)| Ok(Record { path, payload: payload_from(fact, budget)? });
    Ok(Section {
        analyzer: section.analyzer,
        version: section.version,
        status: section.failure.map_or(SectionStatus::Complete, SectionStatus::Failed),
        records: paths.into_iter().zip(section.facts).map(record).collect::<Result<_, CodecError>>()?,
    })
}

fn payload_from(fact: pb::Fact, budget: &mut PathBudget) -> Result<Payload, CodecError> {
    use pb::fact::Payload as Message;
    // A fact whose only field is unknown was written by a newer version: refuse it, for a fact that is left
    // out is an image that looks cleaner than it is.
    let unknown = || CodecError::column("facts.payload", "a kind of fact this version does not know");
    Ok(match fact.payload.ok_or_else(unknown)? {
        Message::Package(package) => Payload::Package(Box::new(package_from(*package, budget)?)),
        Message::Database(database) => Payload::Database(database_from(database)?),
        Message::Owned(owned) => Payload::Owned(OwnedPaths {
            package: owned.package,
            arch: owned.arch,
            paths: paths::decode("owned.paths", owned.paths.as_ref(), budget)?,
        }),
        Message::Diversion(diversion) => Payload::Diversion {
            from: paths::clean("diversion.from", &diversion.from)?,
            to: paths::clean("diversion.to", &diversion.to)?,
            by: diversion.by,
        },
        Message::Licenses(licenses) => Payload::Licenses {
            package: licenses.package,
            licenses: licenses.licenses.into_iter().map(license_from).collect(),
        },
        Message::OsRelease(release) => Payload::OsRelease(OsRelease {
            id: release.id,
            id_like: release.id_like,
            version_id: release.version_id,
            codename: release.codename,
            pretty_name: release.pretty_name,
            variant_id: release.variant_id,
        }),
        Message::Unreadable(pb::Unreadable { limit, message }) => Payload::Unreadable { limit, message },
        Message::ReadFrom(file) => Payload::ReadFrom(paths::clean("read_from", &file)?),
    })
}

fn package_from(package: pb::Package, budget: &mut PathBudget) -> Result<PackageRecord, CodecError> {
    Ok(PackageRecord {
        package_type: package_type(&package.package_type)?,
        name: package.name,
        version: package.version,
        epoch: package.epoch,
        arch: package.arch,
        source: package.source.map(|source| SourcePackage { name: source.name, version: source.version }),
        licenses: package.licenses.into_iter().map(license_from).collect(),
        maintainer: package.maintainer,
        vendor: package.vendor,
        status: package.status,
        owned_paths: paths::decode("package.owned_paths", package.owned_paths.as_ref(), budget)?,
        nested_in: package.nested_in,
        extra: package.extra.into_iter().map(|extra| (extra.key, extra.value)).collect(),
    })
}

/// A package type by its text form, which is also its serde form.
fn package_type(text: &str) -> Result<PackageType, CodecError> {
    let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
    PackageType::deserialize(text).map_err(|_| {
        CodecError::column("package.package_type", "a type of package this version does not know")
    })
}

fn license_from(license: pb::License) -> LicenseClaim {
    LicenseClaim { value: license.value, spdx: license.spdx, source: license.source }
}

fn database_from(database: pb::Database) -> Result<DatabaseState, CodecError> {
    use pb::database::State;
    let state = State::try_from(database.state).unwrap_or_default();
    let pb::Database { format, packages, message, .. } = database;
    match state {
        State::Read => Ok(DatabaseState::Read { format, packages }),
        State::Unreadable => Ok(DatabaseState::Unreadable { format, message }),
        State::Unsupported => Ok(DatabaseState::Unsupported { format }),
        State::Unspecified => Err(CodecError::column("database.state", "a state this version does not know")),
    }
}
