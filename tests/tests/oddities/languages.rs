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
        layers: || {
            vec![
                Layer::new("COPY")
                    .directories("opt/quay-1.0.dist-info")
                    .file("opt/elsewhere", "Metadata-Version: 2.1\nName: quay\nVersion: 1.0\n")
                    .symlink("opt/quay-1.0.dist-info/METADATA", "../elsewhere"),
            ]
        },
        packages: &[],
        umoci: Umoci::Agrees,
    },
];

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
