//! Whiteouts in every place they can stand.

use plimsoll_tests::image::Layer;

use crate::{Case, Umoci};

fn tree() -> Layer {
    let layer = Layer::new("a").directories("dir/sub").directories("usr/lib").symlink("lib", "usr/lib");
    layer.file("dir/one", "1").file("dir/sub/two", "2").file("usr/lib/three", "3")
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "whiteout after its own file",
        layers: || vec![tree(), Layer::new("b").file("dir/one", "mine").whiteout("dir/one")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "whiteout before its own file",
        layers: || vec![tree(), Layer::new("b").whiteout("dir/one").file("dir/one", "mine")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "directory whited out and made anew",
        layers: || vec![tree(), Layer::new("b").whiteout("dir").directories("dir").file("dir/new", "n")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "opaque mark before what it makes room for",
        layers: || vec![tree(), Layer::new("b").directories("dir").opaque("dir").file("dir/new", "n")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "opaque mark after what it makes room for",
        layers: || {
            let upper = Layer::new("b").directories("dir/sub").file("dir/sub/new", "n").opaque("dir");
            vec![tree(), upper]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "opaque mark through a symlink",
        layers: || vec![tree(), Layer::new("b").opaque("lib").file("lib/new", "n")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "whiteout through a symlink",
        layers: || vec![tree(), Layer::new("b").whiteout("lib/three")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "whiteout of a symlink, not of what it leads to",
        layers: || vec![tree(), Layer::new("b").whiteout("lib")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "whiteout of nothing",
        layers: || vec![tree(), Layer::new("b").whiteout("dir/none").whiteout("none")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "whiteout, and the file again two layers later",
        layers: || {
            vec![tree(), Layer::new("b").whiteout("dir/one"), Layer::new("c").file("dir/one", "again")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
];
