//! One case: our reading of its layers, and our reading of what umoci unpacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use plimsoll_fleet::{Engine, EngineLimits, analyze, fold, plan, resolve};
use plimsoll_oci::{Options, Source};
use plimsoll_store::MemoryStore;
use plimsoll_tests::image::{ImageBuilder, oci_layout};
use plimsoll_types::{Digest, FileEntry, ImageSource, Inventory, Package, Platform};

use crate::{Case, Umoci};

/// Says so, and why, if umoci cannot be asked.
pub(crate) fn lacks_umoci() -> bool {
    let output = Command::new("id").arg("-u").output();
    if !output.is_ok_and(|output| output.stdout == b"0\n") {
        println!("skipped: umoci unpack restores owners and devices only for root");
        return true;
    }
    let status = Command::new("umoci").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.is_err() {
        println!("skipped: umoci is not installed");
        return true;
    }
    false
}

/// What is wrong with a case, if anything.
pub(crate) fn fault(case: &Case) -> Option<String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (layout, bundle) = (directory.path().join("layout"), directory.path().join("bundle"));
    let builder = ImageBuilder::new("amd64");
    let image = (case.layers)().into_iter().fold(builder, ImageBuilder::layer).build();
    oci_layout(&layout, &[("odd", &image)]).expect("a layout");

    let ours = View::of(&ImageSource::OciDir { path: layout.clone(), tag: Some("odd".to_owned()) });
    if ours.names != case.packages {
        return Some(format!("packages are {:?}, not {:?}", ours.names, case.packages));
    }
    let unpacked = unpack(&layout, &bundle);
    match (&case.umoci, unpacked) {
        (Umoci::Refuses { says, .. }, Err(words)) if words.contains(says) => None,
        (Umoci::Refuses { why, .. }, Err(words)) => Some(format!("refused in other words ({why}): {words}")),
        (Umoci::Refuses { why, .. }, Ok(())) => Some(format!("umoci refuses no longer ({why})")),
        (_, Err(words)) => Some(format!("umoci refuses: {words}")),
        (expected, Ok(())) => {
            let theirs = View::of(&ImageSource::Rootfs { path: bundle.join("rootfs") });
            let differing = ours.differing(&theirs);
            match expected {
                Umoci::Differs { at, .. } if differing.iter().eq(at.iter()) => None,
                Umoci::Differs { at, why } => Some(format!("differs at {differing:?}, not {at:?} ({why})")),
                _ if ours == theirs => None,
                _ => Some(format!(
                    "only in the layers: {:#?}\nonly unpacked: {:#?}",
                    ours.lines_not_in(&theirs),
                    theirs.lines_not_in(&ours)
                )),
            }
        }
    }
}

fn unpack(layout: &Path, bundle: &Path) -> Result<(), String> {
    let image = format!("{}:odd", layout.display());
    let output = Command::new("umoci").args(["unpack", "--image", &image]).arg(bundle).output();
    let output = output.expect("umoci runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Everything of an inventory that both readings have. A layer's index and times are not among it: the unpacked image
/// has one layer, and directories that no entry describes are as old as the unpacking.
#[derive(Debug, PartialEq, Eq)]
struct View {
    distro: String,
    names: Vec<String>,
    packages: Vec<String>,
    nested_roots: Vec<String>,
    files: BTreeMap<String, String>,
}

impl View {
    fn of(source: &ImageSource) -> Self {
        let inventory = inventory(source);
        let owners: BTreeMap<_, _> = inventory.packages.iter().map(|one| (one.id.as_str(), one)).collect();
        let mut names: Vec<_> = inventory.packages.iter().map(name).collect();
        names.sort_unstable();
        let package = |package: &Package| {
            let owner = package.owned_by.as_deref().map(|id| owners.get(id).map(|one| name(one)));
            let Package { purl, arch, source, licenses, locations, root, .. } = package;
            format!(
                "{} {purl:?} {arch:?} {source:?} {licenses:?} in {locations:?} of {root} owner {owner:?}",
                name(package)
            )
        };
        let mut packages: Vec<_> = inventory.packages.iter().map(package).collect();
        packages.sort_unstable();
        Self {
            distro: format!("{:?}", inventory.distro),
            names,
            packages,
            nested_roots: inventory.nested_roots.iter().map(|root| format!("{root:?}")).collect(),
            files: inventory
                .files
                .iter()
                .filter(|file| !file.path().is_root())
                .map(|file| (file.path().as_bytes().escape_ascii().to_string(), attributes(file.entry())))
                .collect(),
        }
    }

    fn lines(&self) -> BTreeSet<String> {
        let files = self.files.iter().map(|(path, attributes)| format!("{path}: {attributes}"));
        let lists = self.packages.iter().chain(&self.nested_roots).chain([&self.distro]);
        lists.cloned().chain(files).collect()
    }

    fn lines_not_in(&self, other: &Self) -> Vec<String> {
        self.lines().difference(&other.lines()).cloned().collect()
    }

    /// The paths and packages where two views differ, sorted.
    fn differing(&self, other: &Self) -> BTreeSet<String> {
        let lines = self.lines_not_in(other).into_iter().chain(other.lines_not_in(self));
        lines.map(|line| line.split([' ', ':']).next().unwrap_or_default().to_owned()).collect()
    }
}

fn name(package: &Package) -> String {
    format!("{}/{}@{}", package.package_type, package.name, package.version)
}

fn attributes(entry: &FileEntry) -> String {
    let FileEntry { kind, mode, uid, gid, size, rdev, .. } = entry;
    let hash = entry.sha256.map_or_else(String::new, |hash| Digest::from_bytes(hash).to_string());
    // The others belong to the host that unpacks.
    let ours = entry.xattrs.iter().filter(|(name, _)| name.starts_with(b"user."));
    let xattrs: Vec<_> =
        ours.map(|(name, value)| format!("{}={}", name.escape_ascii(), value.escape_ascii())).collect();
    let link = entry.link_target.escape_ascii();
    format!("{kind:?} {mode:o} {uid}:{gid} {size} bytes {hash} -> '{link}' {rdev:?} {xattrs:?}")
}

/// The steps of a scan, up to the inventory.
fn inventory(source: &ImageSource) -> Inventory {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let engine = Engine::new(Arc::new(MemoryStore::new()), EngineLimits::default());
        let platform: Platform = "linux/amd64".parse().expect("a platform");
        let options = Options { platform: Some(platform.clone()), ..Options::default() };
        let source: Arc<dyn Source> =
            plimsoll_oci::open(source, &options).await.expect("an image of ours").into();
        let image = resolve::resolve(&engine, &*source, &platform).await.expect("a manifest");
        let plan = plan::plan(&engine, &image).await.expect("a plan");
        analyze::analyze(&engine, source, &plan, Arc::new(|_| {})).await.expect("layers that can be read");
        fold::fold(&engine, &plan).await.expect("an inventory").inventory
    })
}
