//! Package databases that move, vanish, or lie where nobody expects them.

use plimsoll_tests::image::Layer;

use crate::content::{apk_installed, debian, dpkg_status, os_release, python, rpm_ndb};
use crate::{Case, Umoci};

const BASH: &[&str] = &["deb/bash@5.2-1"];

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "/var/lib/rpm moved to /usr/lib/sysimage/rpm",
        layers: rpm_moved,
        packages: &["rpm/zlib@1.2.13-4"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "/var/lib/rpm behind a symlink that no distribution has",
        layers: rpm_elsewhere,
        packages: &["rpm/zlib@1.2.13-4"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "/var/lib behind a symlink, status rewritten through it",
        layers: dpkg_through_symlink,
        packages: &["deb/bash@5.2-2", "deb/tar@1.34-1"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "dpkg's status as a symlink to a file of another name",
        layers: || vec![status_elsewhere(), Layer::new("COPY").file("bin/ls", "#!/bin/true\n")],
        packages: BASH,
        umoci: Umoci::Agrees,
    },
    Case {
        name: "dpkg's status as a symlink to a file that goes",
        layers: || vec![status_elsewhere(), Layer::new("RUN rm").whiteout("srv/packages")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case { name: "database whited out", layers: whited_out, packages: &[], umoci: Umoci::Agrees },
    Case {
        name: "database under an opaque directory, and another one in its place",
        layers: opaque,
        packages: &["deb/tar@1.34-1"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "database emptied",
        layers: || vec![debian(), Layer::new("RUN :>status").file("var/lib/dpkg/status", "")],
        packages: &[],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "status.d, a file taken away and one added",
        layers: status_d,
        packages: &["deb/base-files@12.4", "deb/tzdata@2023c-5"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "database of a chroot inside the image",
        layers: chroot,
        packages: &["apk/musl@1.2.4-r2", "deb/bash@5.2-1"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "apk's database, put down through /lib -> usr/lib",
        layers: apk_usr_merge,
        packages: &["apk/musl@1.2.4-r2"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "Python package owned by a Debian one through /lib -> usr/lib",
        layers: owned_through_symlink,
        packages: &["deb/python3-six@1.16.0-4", "pypi/six@1.16.0"],
        umoci: Umoci::Agrees,
    },
    Case {
        name: "hard link as the second name of a database",
        layers: || {
            let link = Layer::new("RUN ln").hard_link("var/lib/dpkg/status-old", "var/lib/dpkg/status");
            vec![debian(), link.whiteout("var/lib/dpkg/info/bash.list")]
        },
        packages: BASH,
        umoci: Umoci::Differs {
            at: &["deb/bash@5.2-1"],
            why: "a link into a lower layer brings what was read from the inode; whether an analyzer would have \
                  wanted the new name too is not asked again when layers are merged",
        },
    },
];

fn rpm_moved() -> Vec<Layer> {
    vec![
        Layer::new("FROM suse")
            .directories("etc")
            .file("etc/os-release", os_release("sles", "15.5"))
            .directories("var/lib/rpm")
            .file("var/lib/rpm/Packages.db", rpm_ndb("zlib", "1.2.11", "1")),
        Layer::new("RUN mv")
            .whiteout("var/lib/rpm")
            .directories("usr/lib/sysimage/rpm")
            .file("usr/lib/sysimage/rpm/Packages.db", rpm_ndb("zlib", "1.2.13", "4"))
            .symlink("var/lib/rpm", "../../usr/lib/sysimage/rpm"),
    ]
}

fn rpm_elsewhere() -> Vec<Layer> {
    vec![
        Layer::new("FROM suse")
            .directories("etc")
            .file("etc/os-release", os_release("sles", "15.5"))
            .directories("var/lib")
            .directories("srv/database")
            .symlink("var/lib/rpm", "/srv/database"),
        Layer::new("RUN zypper").file("var/lib/rpm/Packages.db", rpm_ndb("zlib", "1.2.13", "4")),
    ]
}

fn dpkg_through_symlink() -> Vec<Layer> {
    vec![
        Layer::new("FROM debian")
            .directories("etc")
            .file("etc/os-release", os_release("debian", "12"))
            .directories("var")
            .directories("data/lib/dpkg")
            .symlink("var/lib", "../data/lib")
            .file("data/lib/dpkg/status", dpkg_status(&[("bash", "5.2-1")])),
        Layer::new("RUN apt-get")
            .file("var/lib/dpkg/status", dpkg_status(&[("bash", "5.2-2"), ("tar", "1.34-1")])),
    ]
}

fn status_elsewhere() -> Layer {
    Layer::new("FROM debian")
        .directories("etc")
        .file("etc/os-release", os_release("debian", "12"))
        .directories("bin")
        .directories("var/lib/dpkg/info")
        .file("var/lib/dpkg/info/bash.list", "/.\n/bin\n/bin/bash\n")
        .directories("srv")
        .file("srv/packages", dpkg_status(&[("bash", "5.2-1")]))
        .symlink("var/lib/dpkg/status", "../../../srv/packages")
}

fn whited_out() -> Vec<Layer> {
    vec![debian(), Layer::new("RUN rm").whiteout("var/lib/dpkg/status")]
}

fn opaque() -> Vec<Layer> {
    let upper = Layer::new("COPY --from")
        .directories("var/lib/dpkg")
        .file("var/lib/dpkg/status", dpkg_status(&[("tar", "1.34-1")]))
        .opaque("var/lib/dpkg");
    vec![debian(), upper]
}

fn status_d() -> Vec<Layer> {
    let one = |name: &str, version: &str| dpkg_status(&[(name, version)]);
    vec![
        Layer::new("FROM distroless")
            .directories("var/lib/dpkg/status.d")
            .directories("etc")
            .file("etc/os-release", os_release("debian", "12"))
            .file("var/lib/dpkg/status.d/base", one("base-files", "12.4"))
            .file("var/lib/dpkg/status.d/netbase", one("netbase", "6.4")),
        Layer::new("RUN")
            .whiteout("var/lib/dpkg/status.d/netbase")
            .file("var/lib/dpkg/status.d/tzdata", one("tzdata", "2023c-5")),
    ]
}

fn chroot() -> Vec<Layer> {
    vec![
        debian(),
        Layer::new("ADD rootfs.tar /srv/jail")
            .directories("srv/jail/etc")
            .directories("srv/jail/lib/apk/db")
            .file("srv/jail/etc/os-release", os_release("alpine", "3.18.2"))
            .file("srv/jail/lib/apk/db/installed", apk_installed("musl", "1.2.4-r2")),
    ]
}

fn apk_usr_merge() -> Vec<Layer> {
    vec![
        Layer::new("FROM alpine")
            .directories("etc")
            .directories("usr/lib")
            .directories("usr/bin")
            .symlink("lib", "usr/lib")
            .file("etc/os-release", os_release("alpine", "3.22")),
        Layer::new("RUN apk add")
            .file("lib/apk/db/installed", apk_installed("musl", "1.2.4-r2"))
            .file("usr/bin/musl", "x"),
    ]
}

fn owned_through_symlink() -> Vec<Layer> {
    let info = "six-1.16.0.dist-info";
    let list = format!("/.\n/lib/python3/dist-packages/{info}/METADATA\n");
    vec![
        Layer::new("FROM debian")
            .directories("etc")
            .directories("usr/lib")
            .symlink("lib", "usr/lib")
            .file("etc/os-release", os_release("debian", "12"))
            .directories("var/lib/dpkg/info")
            .file("var/lib/dpkg/status", dpkg_status(&[("python3-six", "1.16.0-4")]))
            .file("var/lib/dpkg/info/python3-six.list", list),
        python(Layer::new("RUN apt-get"), "usr/lib/python3/dist-packages", "six", "1.16.0"),
    ]
}
