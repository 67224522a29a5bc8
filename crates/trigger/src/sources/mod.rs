//! Those who tell of images: one file for each.

mod distribution;
mod ecr;
mod harbor;

use crate::{Malformed, Reading};

pub use distribution::Distribution;
pub use ecr::Ecr;
pub use harbor::Harbor;

/// Turns what one kind of registry sends into events. Pure: bytes in, readings out, and no byte of the input is trusted.
pub trait Source: Send + Sync {
    /// Its name, in the path of its webhook, in metrics and in labels of scans.
    fn name(&self) -> &'static str;

    /// True if its events say in which registry they happened, and can be believed; otherwise the configuration has to.
    fn names_its_registry(&self) -> bool {
        false
    }

    /// What `body` says. `registry` is the host that references to the images have; empty if the events say so themselves.
    ///
    /// # Errors
    /// If any of it cannot be understood: then nothing of it counts.
    fn read(&self, body: &[u8], registry: &str) -> Result<Vec<Reading>, Malformed>;
}

/// Every source, by name.
pub const ALL: &[&dyn Source] = &[&Distribution, &Ecr, &Harbor];

/// The source of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Source> {
    ALL.iter().find(|source| source.name() == name).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sources_are_listed_by_name_and_once() {
        let names: Vec<_> = ALL.iter().map(|source| source.name()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        assert!(names.iter().all(|name| by_name(name).is_some()) && by_name("nobody").is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_are_an_accident(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for source in ALL {
                let _malformed = source.read(&bytes, "r.io");
            }
        }
    }

    /// The published samples, for whoever has them.
    #[test]
    fn samples_of_vendors_are_understood() {
        let Some(data) = std::env::var_os("PLIMSOLL_TEST_DATA") else {
            return println!("skipped: PLIMSOLL_TEST_DATA names no folder of samples");
        };
        let samples = std::path::Path::new(&data).join("policy-events/webhooks");
        let mut read = 0;
        for source in ALL {
            let Ok(files) = std::fs::read_dir(samples.join(source.name())) else { continue };
            for file in files.map(|file| file.unwrap().path()) {
                let text = std::fs::read_to_string(&file).unwrap();
                let readings = source.read(text.as_bytes(), "r.io");
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                let pushes = |readings: &[Reading]| readings.iter().filter(|it| !it.is_idle()).count();
                match (source.name(), name.as_str()) {
                    // Their digests have sixty digits, where real ones have sixty-four.
                    ("ecr", "image-push.json" | "image-delete.json") => {
                        let why = readings.unwrap_err().to_string();
                        assert!(why.contains("digest"), "{why}");
                        let mended = text.replace("abcd1234", "abcd1234abcd");
                        assert_eq!(pushes(&source.read(mended.as_bytes(), "").unwrap()), 1, "{name}");
                    }
                    ("distribution", "delete-target-only.json") => assert!(readings.is_err(), "{name}"),
                    ("distribution", "push-envelope.json") | ("harbor", _) => {
                        assert_eq!(pushes(&readings.unwrap()), 1, "{name}");
                    }
                    _ => assert_eq!(pushes(&readings.unwrap()), 0, "{name}"),
                }
                read += 1;
            }
        }
        assert!(read > 6, "{read} samples");
    }
}
