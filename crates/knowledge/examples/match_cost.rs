//! What matching an image's 285 packages costs: against a snapshot that was never asked, and against one that was asked
//! before. Prints the least time of each in µs: `cargo run --release -p plimsoll-knowledge --example match_cost --
//! SNAPSHOT`.

use std::path::Path;
use std::time::Instant;

use plimsoll_knowledge::{Matches, Snapshot, match_inventory};
use plimsoll_types::{Distro, Inventory, Package, PackageType, Purl};

const PYPI: &str = "\
    aiohttp ansible asyncssh babel bleach bottle celery certifi click cryptography django djangorestframework docker \
    fastapi flask flask-cors gitpython gunicorn httplib2 httpx idna ipython jinja2 joblib jsonschema keras kombu lxml \
    mako markdown2 mistune nltk notebook numpy oauthlib opencv-python paramiko pillow pip protobuf psutil py pyarrow \
    pycrypto pydantic pygments pyjwt pymysql pyopenssl pysaml2 pyyaml redis reportlab requests rsa scikit-learn scrapy \
    setuptools sqlalchemy sqlparse starlette tensorflow torch tornado tqdm transformers twisted urllib3 waitress \
    werkzeug wheel zipp";

fn main() {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: match_cost SNAPSHOT");
        return;
    };
    let open = || Snapshot::open(Path::new(&path)).expect("a snapshot");
    let image = image();
    let matched = |snapshot: &Snapshot| match_inventory(&image, snapshot).expect("it matches");
    let snapshot = open();
    let Matches { vulnerabilities, .. } = matched(&snapshot);
    println!("{} packages, {} findings", image.packages.len(), vulnerabilities.len());
    let fresh: Vec<_> = (0..50).map(|_| open()).collect();
    let mut fresh = fresh.iter();
    println!("new       {} µs", least(50, || drop(fresh.next().map(matched))));
    println!("a second  {} µs", least(1, || drop(matched(&snapshot))));
    println!("known     {} µs", least(200, || drop(matched(&snapshot))));
}

fn least(runs: usize, mut run: impl FnMut()) -> u128 {
    let times = (0..runs).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_micros()
    });
    times.min().unwrap_or_default()
}

fn image() -> Inventory {
    let distro = Distro { id: "debian".into(), version_id: Some("12".into()), ..Distro::default() };
    let debs =
        (0..95).map(|number| package(PackageType::Deb, &format!("library-{number}"), "1:1.2-3+deb12u1"));
    let python = PYPI.split_whitespace().map(|name| package(PackageType::Pypi, name, "2.3.4"));
    let others = (0..46).map(|number| package(PackageType::Pypi, &format!("own-{number}"), "1.2.3"));
    let node = (0..71).map(|number| package(PackageType::Npm, &format!("module-{number}"), "1.2.3"));
    let packages = debs.chain(python).chain(others).chain(node).collect();
    Inventory { distro: Some(distro), packages, ..Inventory::default() }
}

fn package(package_type: PackageType, name: &str, version: &str) -> Package {
    Package {
        id: format!("{package_type}/{name}@{version}"),
        name: name.to_owned(),
        version: version.to_owned(),
        package_type,
        arch: None,
        epoch: None,
        purl: Some(Purl::new(package_type.as_str(), None, name, Some(version))),
        source: None,
        origin: None,
        maintainer: Some("Debian <d@debian.org>".to_owned()),
        licenses: Vec::new(),
        layer: Some(0),
        locations: vec![format!("/srv/{name}")],
        analyzer: "bench".to_owned(),
        owned_by: None,
        root: "/".to_owned(),
    }
}
