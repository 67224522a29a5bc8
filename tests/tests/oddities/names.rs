//! Names, kinds and attributes a tar can have.

use plimsoll_tests::image::{Entry, Layer};

use crate::{Case, Umoci};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "`..` in names",
        layers: || {
            let layer = Layer::new("a").directories("dir").file("../../outside", "1");
            vec![layer.file("dir/../beside", "2"), Layer::new("b").file("dir/../../dir/in", "3")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "names with `./`, `/` and `//`",
        layers: || {
            let layer = Layer::new("a").entry(&Entry::directory(".")).file("./one", "1").file("/two", "2");
            vec![layer.file("three//four", "3"), Layer::new("b").whiteout("./one").file("//two", "again")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "the same name twice in a layer: the last one counts",
        layers: || {
            let layer = Layer::new("a").file("name", "first").file("name", "second");
            vec![layer.file("kind", "file").directories("kind").file("kind/in", "1")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "directories nobody describes, or only after what is in them",
        layers: || {
            let late = Entry::directory("late").mode(0o750).owner(7, 8);
            vec![Layer::new("a").file("implied/deep/file", "1").file("late/file", "2").entry(&late)]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "directory described anew by a later layer",
        layers: || {
            let anew = Entry::directory("dir").mode(0o1777).owner(1, 2);
            vec![Layer::new("a").directories("dir").file("dir/kept", "1"), Layer::new("b").entry(&anew)]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "file where a lower layer has a directory, and the other way round",
        layers: || {
            let lower = Layer::new("a").directories("dir/sub").file("dir/sub/in", "1").file("file", "2");
            vec![lower, Layer::new("b").file("dir", "now a file").directories("file").file("file/in", "3")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "names that are no text, in no case folded",
        layers: || {
            let layer = Layer::new("a").entry(&Entry::file(b"latin-\xe9", "1")).file("README", "2");
            vec![layer.file("readme", "3").file("e\u{301}", "4").file("\u{e9}", "5").file("with\nline", "6")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "names and link targets longer than a header holds",
        layers: || {
            let name = format!("{}/{}", "d".repeat(120), "f".repeat(200));
            vec![Layer::new("a").file(&name, "1").symlink("long", &"t".repeat(300)).hard_link("hard", &name)]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "sparse files",
        layers: || {
            let holes = Entry::sparse("holes", 1 << 20, &[(4096, b"island"), (500_000, b"another")]);
            let empty = Entry::sparse("empty", 300_000, &[]);
            vec![Layer::new("a").entry(&holes), Layer::new("b").entry(&empty).hard_link("second", "holes")]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "devices, pipes, owners and all twelve mode bits",
        layers: || {
            let suid = Entry::file("suid", "x").mode(0o6755).owner(1000, 2_000_000);
            let pipe = Entry::fifo("pipe").mode(0o600);
            vec![Layer::new("a").entry(&Entry::char_device("null", 1, 3)).entry(&pipe).entry(&suid)]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "extended attributes, kept, changed and dropped",
        layers: || {
            let with = |name: &str, value: &str| Entry::file(name, "x").xattr("user.mark", value);
            let lower = Layer::new("a").entry(&with("kept", "1")).entry(&with("changed", "1"));
            let upper = Layer::new("b").entry(&with("changed", "2")).file("dropped", "x");
            vec![lower.entry(&with("dropped", "1")), upper]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
];
