//! What registries send when something happened: any bytes, as every source reads them. What comes out names an image as
//! references do.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_trigger::{Change, Reading, sources};
use plimsoll_types::Reference;

fuzz_target!(|data: &[u8]| {
    for source in sources::ALL {
        match source.read(data, "registry.example") {
            Ok(readings) => readings.iter().for_each(check),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});

fn check(reading: &Reading) {
    let Reading::Event(event) = reading else { return };
    let text = event.image.to_string();
    assert_eq!(text.parse::<Reference>().as_ref(), Ok(&event.image), "{text}");
    assert!(event.image.digest.is_some() || (event.change == Change::Deleted && event.image.tag.is_some()));
}
