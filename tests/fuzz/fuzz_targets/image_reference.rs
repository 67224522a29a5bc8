//! Names of images, platforms, digests and package URLs: what is read is written in one way, and that way reads the same.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use plimsoll_types::{Digest, ImageSource, Platform, Purl, Reference, dockerfile_line};

fuzz_target!(|text: &str| {
    if let Some(reference) = read::<Reference>(text) {
        assert!(!reference.selector().is_empty());
        let at_digest = reference.with_digest(Digest::from_bytes([1; 32]));
        assert_eq!(at_digest.to_string().parse(), Ok(at_digest));
    }
    read::<Platform>(text);
    read::<Digest>(text);
    read::<Purl>(text);
    match text.parse::<ImageSource>() {
        // A registry may be called like a scheme, `oci:5000`: the reference alone is the name that is unmistakable.
        Ok(ImageSource::Registry(reference)) => assert_eq!(reference.to_string().parse(), Ok(reference)),
        Ok(source) => assert_eq!(source.to_string().parse(), Ok(source)),
        Err(error) => assert!(error.to_string().len() < 4_000),
    }
    let line = dockerfile_line(text);
    assert!(!line.contains(['\n', '\t']) && line.len() <= text.len() + "RUN ".len());
});

/// What the text says, if it says anything.
fn read<T: FromStr<Err: Debug + Display> + Display + Debug + PartialEq>(text: &str) -> Option<T> {
    match text.parse::<T>() {
        Ok(value) => {
            let written = value.to_string();
            let again = written.parse::<T>().expect("what was written reads");
            assert_eq!(again, value);
            assert_eq!(again.to_string(), written);
            Some(value)
        }
        Err(error) => {
            assert!(error.to_string().len() < 4_000, "an error does not repeat the whole text");
            None
        }
    }
}
