//! Layers that harm the process that reads them. This needs a binary of its own, which `make poison` builds: with the
//! feature `poison`, files of certain names make it abort, allocate without end or hang.

use std::path::PathBuf;

use plimsoll_tests::image::{Image, Layer};
use plimsoll_tests::registry::Registry;

use crate::fleet::{image, installs};
use crate::home::Home;

/// Small, so that allocating without end does not take long; and enough for any layer of these tests.
const LIMITS: &[&str] = &["--open-access", "--job-memory", "1024", "--job-time", "6"];

/// Attempts that end badly before a layer is given up.
const ATTEMPTS: usize = 5;

/// The binary with the feature.
pub(crate) fn binary() -> Option<PathBuf> {
    let named = std::env::var_os("PLIMSOLL_POISON_BIN").map(PathBuf::from);
    if named.is_none() {
        println!(
            "skipped: PLIMSOLL_POISON_BIN names no binary built with the feature poison; `make poison` does"
        );
    }
    named
}

fn poisoned(how: &str) -> Image {
    let poison = Layer::new("COPY poison /").file(&format!("plimsoll-poison/{how}"), "x");
    image("amd64", &[installs("jetty", "1.2"), poison])
}

#[test]
fn a_layer_that_harms_its_reader_is_given_up_by_name_and_harms_nobody_else() {
    let Some(binary) = binary() else { return };
    let (home, registry) = (Home::of(binary), Registry::start().expect("a registry on loopback"));
    let process = home.serve(LIMITS);
    let server = process.server();
    let submit = |reference: &str| home.ask(&server, None, &["submit", reference]).word();
    let poisons = [("abort", "(died)"), ("allocate", "(died)"), ("hang", "(time)")].map(|(how, kind)| {
        let image = poisoned(how);
        let scan = submit(&registry.push(how, "1", &image));
        (image, scan, kind)
    });
    // While the poison is at work, and tried again and again.
    for n in 0..6 {
        let neighbour = image("amd64", &[installs("jetty", "1.2"), installs(&format!("crane{n}"), "3.1")]);
        let reference = registry.push(&format!("neighbour{n}"), "1", &neighbour);
        let answer = home.ask(&server, None, &["submit", &reference, "--wait"]);
        assert_eq!(answer.code, 0, "{answer:?}");
    }
    for (image, scan, kind) in &poisons {
        let answer = home.ask(&server, None, &["watch", scan, "--quiet"]);
        assert_eq!(answer.code, 3, "{answer:?}");
        let layer = &image.layers[1].blob.digest;
        assert!(answer.stderr.contains(layer) && answer.stderr.contains(kind), "{answer:?}");
        assert_eq!(registry.layer_pulls(image), [1, ATTEMPTS], "{answer:?}");
    }
}
