//! Packages of languages, in places of every kind.

use plimsoll_tests::image::Layer;

use crate::content::{archive, debian, jar, node, python};
use crate::{Case, Umoci};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "site-packages behind a symlinked directory",
        layers: site_packages_behind_symlink,
        packages: &["pypi/quay@1.0", "pypi/quay@1.1"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "the symlink to site-packages turned to another directory",
        layers: symlink_turned,
        packages: &["pypi/jetty@2.0", "pypi/quay@1.0"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "same jar twice",
        layers: || {
            let jar = jar("org.example", "crane", "3.1");
            let layer = Layer::new("COPY").directories("srv/a").directories("srv/b");
            vec![
                layer.file("srv/a/crane.jar", &jar).file("srv/b/crane.jar", &jar),
                Layer::new("COPY").file("srv/c.jar", &jar),
            ]
        },
        packages: &[
            "maven/org.example:crane@3.1",
            "maven/org.example:crane@3.1",
            "maven/org.example:crane@3.1",
        ],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "jar under a hard link of an unwanted name, which goes",
        layers: || {
            let jar = jar("org.example", "crane", "3.1");
            vec![
                Layer::new("COPY")
                    .directories("srv")
                    .file("srv/cache", &jar)
                    .hard_link("srv/crane.jar", "srv/cache"),
                Layer::new("RUN rm").whiteout("srv/cache"),
            ]
        },
        packages: &["maven/org.example:crane@3.1"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "jar whose only wanted name is a hard link into a lower layer",
        layers: || {
            vec![
                Layer::new("COPY")
                    .directories("srv")
                    .file("srv/crane.jar", jar("org.example", "crane", "3.1")),
                Layer::new("RUN mv")
                    .hard_link("srv/lib/crane.jar", "srv/crane.jar")
                    .whiteout("srv/crane.jar"),
            ]
        },
        packages: &["maven/org.example:crane@3.1"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "jar in a war, the war replaced by its directory",
        layers: || {
            let inner = jar("org.example", "crane", "3.1");
            vec![
                Layer::new("COPY")
                    .directories("srv")
                    .file("srv/app.war", archive(&[("WEB-INF/lib/crane.jar", &inner)])),
                Layer::new("RUN unzip")
                    .directories("srv/app.war/WEB-INF/lib")
                    .file("srv/app.war/WEB-INF/lib/crane.jar", &inner),
            ]
        },
        packages: &["maven/org.example:crane@3.1"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "node_modules as links into a shared store",
        layers: || {
            let layer = Layer::new("RUN pnpm").directories("srv/node_modules");
            vec![
                node(layer, "srv/.pnpm/ship@2.0.0/node_modules", "ship", "2.0.0")
                    .symlink("srv/node_modules/ship", "../.pnpm/ship@2.0.0/node_modules/ship"),
                node(Layer::new("RUN pnpm up"), "srv/node_modules", "dock", "1.0.0")
                    .file("srv/node_modules/ship/extra.js", "1"),
            ]
        },
        packages: &["npm/dock@1.0.0", "npm/ship@2.0.0"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "half of a Python package taken away",
        layers: || {
            vec![
                python(debian(), "opt/lib", "quay", "1.0"),
                Layer::new("RUN rm").whiteout("opt/lib/quay-1.0.dist-info/RECORD").whiteout("opt/lib/quay"),
            ]
        },
        packages: &["deb/bash@5.2-1", "pypi/quay@1.0"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "METADATA that is a symlink",
        layers: || vec![linked_metadata()],
        packages: &["pypi/quay@1.0"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "METADATA that is a symlink, its file taken away",
        layers: || vec![linked_metadata(), Layer::new("RUN rm").whiteout("opt/elsewhere")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "METADATA that is a symlink, taken away",
        layers: || vec![linked_metadata(), Layer::new("RUN rm").whiteout("opt/quay-1.0.dist-info/METADATA")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "METADATA that is a symlink, its directory moved behind another one",
        layers: || {
            let moved = Layer::new("RUN mv").directories("srv").hard_link("srv/elsewhere", "opt/elsewhere");
            vec![
                linked_metadata(),
                moved.whiteout("opt/elsewhere").symlink("opt/elsewhere", "/srv/elsewhere"),
            ]
        },
        packages: &["pypi/quay@1.0"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "METADATA that is a symlink, its file replaced by one of another layer",
        layers: || vec![linked_metadata(), Layer::new("RUN sed").file("opt/elsewhere", QUAY)],
        packages: &[],
        umoci: Umoci::Differs {
            at: &["pypi/quay@1.0"],
            why: "a layer is read alone, and the name that makes this file metadata is in another one; a blind spot \
                  says so",
        },
    },
    Case {
        name: "package.json as symlinks into a store of hashes, in one layer and across two",
        layers: || {
            let store = Layer::new("RUN install")
                .directories("srv/store")
                .file("srv/store/4f1d", r#"{"name": "ship", "version": "2.0.0", "license": "MIT"}"#)
                .file("srv/store/a90c", r#"{"name": "dock", "version": "1.0.0", "license": "MIT"}"#)
                .symlink("srv/current", "store")
                .directories("srv/node_modules/ship")
                .symlink("srv/node_modules/ship/package.json", "../../current/4f1d");
            let upper = Layer::new("RUN link")
                .directories("srv/node_modules/dock")
                .symlink("srv/node_modules/dock/package.json", "/srv/store/a90c");
            vec![store, upper]
        },
        packages: &["npm/ship@2.0.0"],
        umoci: Umoci::Differs {
            at: &["npm/dock@1.0.0"],
            why: "a layer is read alone, and the name that makes this file metadata is in another one; a blind spot \
                  says so",
        },
    },
    Case {
        name: "METADATA under a hard link of its layer to a name nobody wants",
        layers: || {
            let layer = Layer::new("RUN uv").directories("opt/quay-1.0.dist-info").file("opt/cached", QUAY);
            vec![layer.hard_link("opt/quay-1.0.dist-info/METADATA", "opt/cached")]
        },
        packages: &["pypi/quay@1.0"],
        umoci: Umoci::Agrees,
    },
];

const QUAY: &str = "Metadata-Version: 2.1\nName: quay\nVersion: 1.0\n";

/// A distribution whose metadata lies in a file of another name.
fn linked_metadata() -> Layer {
    Layer::new("COPY")
        .directories("opt/quay-1.0.dist-info")
        .file("opt/elsewhere", QUAY)
        .symlink("opt/quay-1.0.dist-info/METADATA", "../elsewhere")
}

const PLACE: &str = "usr/lib/python3/site-packages";

fn site_packages_behind_symlink() -> Vec<Layer> {
    let lower = Layer::new("FROM python")
        .directories("usr/lib/python3")
        .directories("opt/packages")
        .symlink(PLACE, "/opt/packages");
    vec![
        python(lower, "opt/packages", "quay", "1.0"),
        python(Layer::new("RUN pip install --upgrade"), PLACE, "quay", "1.1"),
    ]
}

fn symlink_turned() -> Vec<Layer> {
    let lower = Layer::new("FROM python").directories("usr/lib/python3").symlink(PLACE, "/opt/one");
    vec![
        python(lower, "opt/one", "quay", "1.0"),
        python(Layer::new("RUN ln").symlink(PLACE, "/opt/two"), PLACE, "jetty", "2.0"),
    ]
}
