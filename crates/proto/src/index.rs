//! Group `index`: the columns of a file index.

use plimsoll_types::{FileEntry, IndexEvidence, KeptFile};

use crate::column::{Gaps, Run, RunReader, digest, positions, runs, same_length};
use crate::envelope::{Kind, check, open, seal};
use crate::kinds::{content, content_number, kind, kind_number};
use crate::paths::{self, PathBudget};
use crate::{CodecError, DecodeLimits, pb};

#[cfg(test)]
mod tests;

/// The stored bytes of a file index.
pub fn encode_index(index: &IndexEvidence) -> Vec<u8> {
    seal(Kind::Index, &to_message(index))
}

/// The file index in stored bytes.
pub fn decode_index(stored: &[u8], limits: &DecodeLimits) -> Result<IndexEvidence, CodecError> {
    from_message(open(Kind::Index, stored, limits)?, limits)
}

fn to_message(index: &IndexEvidence) -> pb::FileIndex {
    let entries = &index.entries;
    let hashed = |entry: &FileEntry| u8::from(entry.sha256.is_some());
    pb::FileIndex {
        diff_id: index.diff_id.as_bytes().to_vec().into(),
        uncompressed_size: index.uncompressed_size,
        entry_count: entries.len() as u64,
        paths: Some(paths::encode(entries.iter().map(|entry| &entry.path))),
        kinds: entries.iter().map(|entry| kind_number(entry.kind)).collect(),
        contents: entries.iter().map(|entry| content_number(entry.content)).collect(),
        modes: Some(runs(entries.iter().map(|entry| u32::from(entry.mode)))),
        uids: Some(runs(entries.iter().map(|entry| entry.uid))),
        gids: Some(runs(entries.iter().map(|entry| entry.gid))),
        mtime_deltas: deltas(entries),
        sizes: entries.iter().map(|entry| entry.size).collect(),
        hashed: entries.iter().map(hashed).collect(),
        hashes: entries.iter().filter_map(|entry| entry.sha256).flatten().collect(),
        link_targets: Some(link_targets(entries)),
        link_groups: Some(link_groups(entries)),
        devices: Some(devices(entries)),
        attributes: Some(attributes(entries)),
        kept: index.kept.iter().map(kept_message).collect(),
        ambiguities: index.ambiguities.clone(),
    }
}

fn kept_message(kept: &KeptFile) -> pb::KeptFile {
    pb::KeptFile { path: kept.path.as_bytes().to_vec().into(), content: kept.bytes.clone().into() }
}

fn deltas(entries: &[FileEntry]) -> Vec<i64> {
    let mut before = 0_i64;
    let delta = |entry: &FileEntry| {
        let delta = entry.mtime.wrapping_sub(before);
        before = entry.mtime;
        delta
    };
    entries.iter().map(delta).collect()
}

fn link_targets(entries: &[FileEntry]) -> pb::SparseBytes {
    let (mut gaps, mut lengths, mut bytes) = (Gaps::default(), Vec::new(), Vec::new());
    for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.link_target.is_empty()) {
        gaps.push(at);
        lengths.push(entry.link_target.len() as u32);
        bytes.extend_from_slice(&entry.link_target);
    }
    pb::SparseBytes { gaps: gaps.into_column(), lengths, bytes: bytes.into() }
}

fn link_groups(entries: &[FileEntry]) -> pb::SparseNumbers {
    let (mut gaps, mut values) = (Gaps::default(), Vec::new());
    for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.link_group != 0) {
        gaps.push(at);
        values.push(entry.link_group);
    }
    pb::SparseNumbers { gaps: gaps.into_column(), values }
}

fn devices(entries: &[FileEntry]) -> pb::Devices {
    let (mut gaps, mut majors, mut minors) = (Gaps::default(), Vec::new(), Vec::new());
    for (at, (major, minor)) in entries.iter().enumerate().filter_map(|(at, entry)| Some(at).zip(entry.rdev))
    {
        gaps.push(at);
        majors.push(major);
        minors.push(minor);
    }
    pb::Devices { gaps: gaps.into_column(), majors, minors }
}

fn attributes(entries: &[FileEntry]) -> pb::Attributes {
    let mut column = pb::Attributes::default();
    let (mut gaps, mut names, mut values) = (Gaps::default(), Vec::new(), Vec::new());
    for (at, entry) in entries.iter().enumerate() {
        for (name, value) in &entry.xattrs {
            gaps.push(at);
            column.name_lengths.push(name.len() as u32);
            names.extend_from_slice(name);
            column.value_lengths.push(value.len() as u32);
            values.extend_from_slice(value);
        }
    }
    pb::Attributes { gaps: gaps.into_column(), names: names.into(), values: values.into(), ..column }
}

fn from_message(message: pb::FileIndex, limits: &DecodeLimits) -> Result<IndexEvidence, CodecError> {
    check("entries", message.entry_count, limits.entries)?;
    let mut budget = PathBudget::new(limits.path_bytes);
    let mut entries = dense(&message, &mut budget)?;
    set_hashes(&mut entries, &message)?;
    set_link_targets(&mut entries, &message.link_targets.unwrap_or_default())?;
    set_link_groups(&mut entries, &message.link_groups.unwrap_or_default())?;
    set_devices(&mut entries, &message.devices.unwrap_or_default())?;
    set_attributes(&mut entries, &message.attributes.unwrap_or_default())?;
    let kept = |kept: pb::KeptFile| {
        Ok(KeptFile { path: paths::clean("kept.path", &kept.path)?, bytes: kept.content.into() })
    };
    Ok(IndexEvidence {
        diff_id: digest("diff_id", &message.diff_id)?,
        uncompressed_size: message.uncompressed_size,
        entries,
        kept: message.kept.into_iter().map(kept).collect::<Result<_, CodecError>>()?,
        ambiguities: message.ambiguities,
    })
}

/// The columns every entry has a value in.
fn dense(message: &pb::FileIndex, budget: &mut PathBudget) -> Result<Vec<FileEntry>, CodecError> {
    let count = usize::try_from(message.entry_count)
        .map_err(|_| CodecError::column("entry_count", "more than this machine can address"))?;
    for (column, found) in [
        ("paths", message.paths.as_ref().map_or(0, |paths| paths.shared.len())),
        ("kinds", message.kinds.len()),
        ("contents", message.contents.len()),
        ("mtime_deltas", message.mtime_deltas.len()),
        ("sizes", message.sizes.len()),
        ("hashed", message.hashed.len()),
    ] {
        if found != count {
            return Err(CodecError::column(column, "not as many values as entries"));
        }
    }
    let mut modes = RunReader::new("modes", message.modes.as_ref())?;
    let mut uids = RunReader::new("uids", message.uids.as_ref())?;
    let mut gids = RunReader::new("gids", message.gids.as_ref())?;
    let mut entries = Vec::with_capacity(count);
    let mut mtime = 0_i64;
    paths::decode_each("paths", message.paths.as_ref(), budget, |path| {
        let at = entries.len();
        mtime = mtime.wrapping_add(message.mtime_deltas[at]);
        entries.push(FileEntry {
            path,
            kind: kind(message.kinds[at])?,
            link_target: Box::default(),
            mode: mode(modes.next()?)?,
            uid: uids.next()?,
            gid: gids.next()?,
            mtime,
            rdev: None,
            size: message.sizes[at],
            xattrs: Vec::new(),
            link_group: 0,
            content: content(message.contents[at])?,
            sha256: None,
        });
        Ok(())
    })?;
    [modes, uids, gids].iter().try_for_each(RunReader::finish)?;
    Ok(entries)
}

fn mode(number: u32) -> Result<u16, CodecError> {
    match u16::try_from(number) {
        Ok(mode) if mode <= 0o7777 => Ok(mode),
        _ => Err(CodecError::column("modes", "more than twelve bits")),
    }
}

fn set_hashes(entries: &mut [FileEntry], message: &pb::FileIndex) -> Result<(), CodecError> {
    let damaged = |why| CodecError::column("hashes", why);
    let (hashes, rest) = message.hashes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(damaged("not a multiple of 32 bytes"));
    }
    let mut hashes = hashes.iter();
    for (entry, &hashed) in entries.iter_mut().zip(message.hashed.iter()) {
        entry.sha256 = match hashed {
            0 => None,
            1 => Some(*hashes.next().ok_or_else(|| damaged("fewer hashes than entries that have one"))?),
            _ => return Err(CodecError::column("hashed", "neither 0 nor 1")),
        };
    }
    if hashes.next().is_none() { Ok(()) } else { Err(damaged("more hashes than entries that have one")) }
}

fn set_link_targets(entries: &mut [FileEntry], column: &pb::SparseBytes) -> Result<(), CodecError> {
    const NAME: &str = "link_targets";
    same_length(NAME, column.gaps.len(), column.lengths.len())?;
    let mut run = Run::new(NAME, &column.bytes);
    for (position, &length) in positions(NAME, &column.gaps, entries.len(), false).zip(&column.lengths) {
        entries[position?].link_target = run.take(length)?.into();
    }
    run.finish()
}

fn set_link_groups(entries: &mut [FileEntry], column: &pb::SparseNumbers) -> Result<(), CodecError> {
    const NAME: &str = "link_groups";
    same_length(NAME, column.gaps.len(), column.values.len())?;
    for (position, &group) in positions(NAME, &column.gaps, entries.len(), false).zip(&column.values) {
        entries[position?].link_group = group;
    }
    Ok(())
}

fn set_devices(entries: &mut [FileEntry], column: &pb::Devices) -> Result<(), CodecError> {
    const NAME: &str = "devices";
    same_length(NAME, column.gaps.len(), column.majors.len())?;
    same_length(NAME, column.gaps.len(), column.minors.len())?;
    let numbers = column.majors.iter().zip(&column.minors);
    for (position, (&major, &minor)) in positions(NAME, &column.gaps, entries.len(), false).zip(numbers) {
        entries[position?].rdev = Some((major, minor));
    }
    Ok(())
}

fn set_attributes(entries: &mut [FileEntry], column: &pb::Attributes) -> Result<(), CodecError> {
    const NAME: &str = "attributes";
    same_length(NAME, column.gaps.len(), column.name_lengths.len())?;
    same_length(NAME, column.gaps.len(), column.value_lengths.len())?;
    let (mut names, mut values) = (Run::new(NAME, &column.names), Run::new(NAME, &column.values));
    let lengths = column.name_lengths.iter().zip(&column.value_lengths);
    for (position, (&name, &value)) in positions(NAME, &column.gaps, entries.len(), true).zip(lengths) {
        entries[position?].xattrs.push((names.take(name)?.into(), values.take(value)?.into()));
    }
    names.finish()?;
    values.finish()
}
