//! Symbolic and hard links across layers.

use plimsoll_tests::image::{Entry, Layer};

use crate::{Case, Umoci};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "hard link to a name whited out after it",
        layers: || {
            let lower = Layer::new("a").file("kept", "content");
            vec![lower, Layer::new("b").hard_link("second", "kept").whiteout("kept")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "hard link to a name whited out before it",
        layers: || {
            let lower = Layer::new("a").file("kept", "content");
            vec![lower, Layer::new("b").whiteout("kept").hard_link("second", "kept")]
        },
        packages: &[],
        umoci: Umoci::Refuses {
            says: "no such file or directory",
            why: "a whiteout hides lower layers wherever it stands in the tar, and a link binds an inode",
        },
    },
    Case {
        name: "hard link whose first name a later layer writes anew",
        layers: || {
            vec![
                Layer::new("a").file("first", "old").hard_link("second", "first"),
                Layer::new("b").file("first", "new, and longer"),
            ]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "hard link through a symlinked directory of a lower layer",
        layers: || {
            let lower = Layer::new("a").directories("usr/lib").symlink("lib", "usr/lib");
            vec![
                lower.file("usr/lib/one", "1"),
                Layer::new("b").hard_link("lib/two", "lib/one").file("lib/three", "3"),
            ]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "hard link to a symlink",
        layers: || {
            let layer = Layer::new("a").file("file", "1").symlink("soft", "file");
            vec![layer.hard_link("hard", "soft")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "a directory replaced by a symlink and back",
        layers: || {
            vec![
                Layer::new("a").directories("lib").file("lib/old", "old").directories("usr/lib"),
                Layer::new("b").symlink("lib", "usr/lib"),
                Layer::new("c").file("lib/through", "lands in usr/lib"),
                Layer::new("d").entry(&Entry::directory("lib").mode(0o700)).file("lib/new", "new"),
            ]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "file over a symlink",
        layers: || {
            vec![
                Layer::new("a").file("target", "untouched").symlink("name", "target"),
                Layer::new("b").file("name", "own content"),
            ]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "symlinks out of the image, dangling, and to themselves",
        layers: || {
            let layer = Layer::new("a").symlink("up", "../../../../..").symlink("void", "/no/where");
            let layer = layer.symlink("self", "self").symlink("far", "/up/../etc");
            vec![layer.directories("etc"), Layer::new("b").file("far/in", "1").file("up/top", "2")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "parent that is a dangling symlink",
        layers: || vec![Layer::new("a").symlink("data", "mnt/data"), Layer::new("b").file("data/in", "1")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "chain of symlinked parents",
        layers: || {
            let lower = Layer::new("a").symlink("one", "two").symlink("two", "/three/four");
            vec![lower.directories("three/four"), Layer::new("b").file("one/five/six", "1")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
];
