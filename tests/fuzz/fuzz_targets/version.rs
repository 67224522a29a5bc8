//! Versions and ranges of every ecosystem: comparing is the same both ways round, and a range holds what its events say.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_version::{Event, MAX_VERSION_BYTES, Range, Scheme, Version};

fuzz_target!(|data: &[u8]| {
    let Some((scheme, data)) = data.split_first() else { return };
    let scheme = Scheme::ALL[usize::from(*scheme) % Scheme::ALL.len()];
    let texts: Vec<_> = data.splitn(4, |byte| *byte == b'\n').map(String::from_utf8_lossy).collect();
    let versions: Vec<Version> = texts.iter().filter_map(|text| Version::parse(scheme, text).ok()).collect();
    for version in &versions {
        assert!(version.as_str().len() <= MAX_VERSION_BYTES);
        assert!(version.compare(version).is_eq());
        for other in &versions {
            assert_eq!(version.compare(other), other.compare(version).reverse());
        }
    }
    if let [introduced, fixed, version] = &texts[..] {
        let text = |text: &str| text.to_owned();
        let events = [Event::Introduced(text(introduced)), Event::Fixed(text(fixed))];
        let Ok(range) = Range::new(scheme, events.clone()) else { return };
        let backwards = Range::new(scheme, events.into_iter().rev()).expect("events come in any order");
        let Ok(version) = Version::parse(scheme, version) else { return };
        assert_eq!(range.contains(&version), backwards.contains(&version));
        if let Some(fixed) = range.fixed_after(&version) {
            assert!(range.contains(&version));
            assert!(Version::parse(scheme, fixed).expect("it was read before").compare(&version).is_gt());
        }
    }
});
