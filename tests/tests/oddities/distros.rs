//! Where a distribution names itself.

use plimsoll_tests::image::Layer;

use crate::content::{debian, dpkg_status, os_release};
use crate::{Case, Umoci};

const BASH: &[&str] = &["deb/bash@5.2-1"];

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "os-release symlinked into /usr/lib, over two layers",
        layers: symlinked_over_two_layers,
        packages: BASH,
        umoci: Umoci::Agrees,
    },
    Case {
        name: "os-release absolutely symlinked to what a later layer brings",
        layers: target_comes_later,
        packages: BASH,
        umoci: Umoci::Agrees,
    },
    Case {
        name: "os-release in /etc before the one in /usr/lib",
        layers: two_of_them,
        packages: BASH,
        umoci: Umoci::Agrees,
    },
    Case {
        name: "os-release in /etc whited out, the one in /usr/lib left",
        layers: one_whited_out,
        packages: BASH,
        umoci: Umoci::Agrees,
    },
    Case {
        name: "os-release out of the image and back in",
        layers: out_and_in,
        packages: BASH,
        umoci: Umoci::Agrees,
    },
];

fn linked(target: &str) -> Layer {
    Layer::new("FROM debian")
        .directories("etc")
        .directories("usr/lib")
        .directories("var/lib/dpkg")
        .symlink("etc/os-release", target)
        .file("var/lib/dpkg/status", dpkg_status(&[("bash", "5.2-1")]))
}

fn symlinked_over_two_layers() -> Vec<Layer> {
    vec![
        linked("../usr/lib/os-release").file("usr/lib/os-release", os_release("debian", "11")),
        Layer::new("RUN apt-get dist-upgrade").file("usr/lib/os-release", os_release("debian", "12")),
    ]
}

fn target_comes_later() -> Vec<Layer> {
    vec![
        linked("/usr/share/os/os-release"),
        Layer::new("COPY").file("usr/share/os/os-release", os_release("debian", "12")),
    ]
}

fn two_of_them() -> Vec<Layer> {
    vec![debian(), Layer::new("COPY").file("usr/lib/os-release", os_release("alpine", "3.18"))]
}

fn one_whited_out() -> Vec<Layer> {
    let lower = debian().file("usr/lib/os-release", os_release("debian", "13"));
    vec![lower, Layer::new("RUN rm").whiteout("etc/os-release")]
}

fn out_and_in() -> Vec<Layer> {
    vec![linked("../../../../usr/lib/os-release").file("usr/lib/os-release", os_release("debian", "12"))]
}
