//! Handwritten oddities: what the layers of an image add up to is what `umoci unpack`, an independent implementation,
//! makes of them on a disk. Distribution, packages (with locations and owners) and files are compared. One theme a file.

mod compare;
mod content;
mod databases;
mod distros;
mod languages;
mod links;
mod names;
mod whiteouts;

use plimsoll_tests::image::Layer;

/// One image, and what is to come of it.
struct Case {
    name: &'static str,
    layers: fn() -> Vec<Layer>,
    /// `type/name@version` of every package, sorted: without it, two empty lists would be equal.
    packages: &'static [&'static str],
    umoci: Umoci,
}

/// What umoci makes of a case.
enum Umoci {
    /// The same as we.
    Agrees,
    /// Nothing: it refuses the image with these words. `why` says what the reading we take rests on.
    Refuses { says: &'static str, why: &'static str },
    /// Something else at exactly these paths and packages.
    Differs { at: &'static [&'static str], why: &'static str },
}

/// Holds every case of a theme against umoci, and names all that fail.
fn hold(cases: &[Case]) {
    if compare::lacks_umoci() {
        return;
    }
    let failed: Vec<_> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case.name, compare::fault(case)?))).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn distributions_are_those_of_the_unpacked_image() {
    hold(distros::CASES);
}

#[test]
fn databases_are_those_of_the_unpacked_image() {
    hold(databases::CASES);
}

#[test]
fn language_packages_are_those_of_the_unpacked_image() {
    hold(languages::CASES);
}

#[test]
fn links_lead_where_they_lead_in_the_unpacked_image() {
    hold(links::CASES);
}

#[test]
fn whiteouts_hide_what_is_not_in_the_unpacked_image() {
    hold(whiteouts::CASES);
}

#[test]
fn names_are_those_of_the_unpacked_image() {
    hold(names::CASES);
}
