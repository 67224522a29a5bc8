//! The Debian layers: dpkg's status, its info lists, copyright files, a few of the files they speak of.

use crate::image::{Entry, Layer};

/// One binary package.
struct Package {
    name: &'static str,
    /// Source name, if it differs, with the source version where that differs too.
    source: &'static str,
    version: &'static str,
    license: &'static str,
    files: &'static [&'static str],
}

const fn package(
    name: &'static str,
    source: &'static str,
    version: &'static str,
    license: &'static str,
    files: &'static [&'static str],
) -> Package {
    Package { name, source, version, license, files }
}

/// bookworm as of July 2023.
const PACKAGES: &[Package] = &[
    package("base-files", "", "12.4", "GPL-2+", &["/etc/debian_version", "/usr/lib/os-release"]),
    package("bash", "bash (5.2.15-2)", "5.2.15-2+b2", "GPL-3+", &["/bin/bash"]),
    package("bind9-libs", "bind9", "1:9.18.16-1~deb12u1", "MPL-2.0", &["/usr/lib/libdns-9.18.16.so"]),
    package("ca-certificates", "", "20230311", "GPL-2+", &["/usr/sbin/update-ca-certificates"]),
    package("coreutils", "", "9.1-1", "GPL-3+", &["/bin/cat", "/bin/ls"]),
    package("curl", "", "7.88.1-10", "curl", &["/usr/bin/curl"]),
    package("dpkg", "", "1.21.22", "GPL-2+", &["/usr/bin/dpkg"]),
    package("libc6", "glibc", "2.36-9", "LGPL-2.1+", &["/usr/lib/libc.so.6", "/usr/lib/ld-linux.so.2"]),
    package("libcurl4", "curl", "7.88.1-10", "curl", &["/usr/lib/libcurl.so.4"]),
    package("libexpat1", "expat", "2.5.0-1", "MIT", &["/usr/lib/libexpat.so.1"]),
    package("libgnutls30", "gnutls28", "3.7.9-2", "LGPL-2.1+", &["/usr/lib/libgnutls.so.30"]),
    package("libkrb5-3", "krb5", "1.20.1-2", "MIT", &["/usr/lib/libkrb5.so.3"]),
    package("liblzma5", "xz-utils", "5.4.1-0.2", "PD", &["/usr/lib/liblzma.so.5"]),
    package("libnghttp2-14", "nghttp2", "1.52.0-1", "MIT", &["/usr/lib/libnghttp2.so.14"]),
    package("libssl3", "openssl", "3.0.9-1", "Apache-2.0", &["/usr/lib/libssl.so.3"]),
    package("libwebp7", "libwebp", "1.2.4-0.2", "BSD-3-Clause", &["/usr/lib/libwebp.so.7"]),
    package("libx11-6", "libx11", "2:1.8.4-2+deb12u1", "MIT", &["/usr/lib/libX11.so.6"]),
    package("libxpm4", "libxpm", "1:3.5.12-1.1", "MIT", &["/usr/lib/libXpm.so.4"]),
    package("openssl", "", "3.0.9-1", "Apache-2.0", &["/usr/bin/openssl"]),
    package("perl-base", "perl", "5.36.0-7", "GPL-1+ or Artistic", &["/usr/bin/perl"]),
    package("sudo", "", "1.9.13p3-1+deb12u1", "ISC", &["/usr/bin/sudo"]),
    package("tar", "", "1.34+dfsg-1.2", "GPL-3+", &["/bin/tar"]),
    package("xz-utils", "", "5.4.1-0.2", "PD", &["/usr/bin/xz"]),
    package("zlib1g", "zlib", "1:1.2.13.dfsg-1", "Zlib", &["/usr/lib/libz.so.1"]),
];

/// What the upgrading layer brings: the versions of DSA-5523 and of the point release after it.
const UPGRADED: &[(&str, &str)] = &[("curl", "7.88.1-10+deb12u5"), ("libcurl4", "7.88.1-10+deb12u5")];

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"
NAME=\"Debian GNU/Linux\"
VERSION_ID=\"12\"
VERSION=\"12 (bookworm)\"
VERSION_CODENAME=bookworm
ID=debian
";

/// The base layer.
pub(super) fn base(architecture: &str) -> Layer {
    let mut layer = Layer::new("/bin/sh -c #(nop) ADD file:bookworm in / ")
        .directories("etc")
        .directories("usr/bin")
        .directories("usr/lib")
        .directories("usr/sbin")
        .directories("usr/share/doc")
        .directories("var/lib/dpkg/info")
        .symlink("bin", "usr/bin")
        .symlink("lib", "usr/lib")
        .file("etc/debian_version", "12.0\n")
        .file("etc/group", "root:x:0:\nsudo:x:27:\n")
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
        .file("usr/lib/os-release", OS_RELEASE)
        .symlink("etc/os-release", "../usr/lib/os-release");
    for package in PACKAGES {
        for path in
            package.files.iter().filter(|path| !path.ends_with("release") && !path.starts_with("/etc"))
        {
            // What the package calls /bin/x is /usr/bin/x on a merged /usr.
            let place = if path.starts_with("/bin/") { format!("usr{path}") } else { path[1..].to_owned() };
            let mode = if package.name == "sudo" { 0o4755 } else { 0o755 };
            layer = layer.entry(&Entry::file(place, format!("{path} of {}\n", package.name)).mode(mode));
        }
        layer = documented(layer, package, architecture);
    }
    layer.file("var/lib/dpkg/status", status(architecture, &[]))
}

/// The layer that upgrades curl: a rewritten status, and the files of the two packages.
pub(super) fn upgrade(architecture: &str) -> Layer {
    let mut layer = Layer::new("RUN apt-get update && apt-get install -y --only-upgrade curl libcurl4");
    for package in PACKAGES.iter().filter(|package| UPGRADED.iter().any(|(name, _)| *name == package.name)) {
        for path in package.files {
            layer = layer.entry(&Entry::file(&path[1..], format!("{path}, upgraded\n")).mode(0o755));
        }
        layer = documented(layer, package, architecture);
    }
    layer.file("var/lib/dpkg/status", status(architecture, UPGRADED))
}

/// The package's info list and copyright file.
fn documented(layer: Layer, package: &Package, architecture: &str) -> Layer {
    let Package { name, license, files, .. } = package;
    let copyright = format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
         Upstream-Name: {name}\n\nFiles: *\nCopyright: the authors of {name}\nLicense: {license}\n"
    );
    let mut list = "/.\n".to_owned();
    let copyright_path = format!("/usr/share/doc/{name}/copyright");
    for path in files.iter().copied().chain([copyright_path.as_str()]) {
        for (at, _) in path.match_indices('/').skip(1) {
            let directory = format!("{}\n", &path[..at]);
            if !list.contains(&directory) {
                list += &directory;
            }
        }
        list.extend([path, "\n"]);
    }
    // dpkg puts the architecture into the names of packages that can be installed for several.
    let stem = if is_multi_arch(name) { format!("{name}:{architecture}") } else { (*name).to_owned() };
    layer
        .directories(&format!("usr/share/doc/{name}"))
        .file(&copyright_path[1..], copyright)
        .file(&format!("var/lib/dpkg/info/{stem}.list"), list)
}

fn is_multi_arch(name: &str) -> bool {
    name.starts_with("lib") || name == "zlib1g"
}

fn status(architecture: &str, upgraded: &[(&str, &str)]) -> String {
    let mut status = String::new();
    for package in PACKAGES {
        let Package { name, source, version, .. } = package;
        let version =
            upgraded.iter().find(|(known, _)| known == name).map_or(*version, |(_, version)| *version);
        status.extend([format!(
            "Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: misc\n"
        )]);
        status += "Maintainer: Debian Developers <debian-devel@lists.debian.org>\n";
        status.extend([format!("Architecture: {architecture}\n")]);
        if is_multi_arch(name) {
            status += "Multi-Arch: same\n";
        }
        if !source.is_empty() {
            status.extend([format!("Source: {source}\n")]);
        }
        status
            .extend([format!("Version: {version}\nDescription: {name}\n an entry of the demonstration\n\n")]);
    }
    // Removed, its configuration left: no package.
    status.extend([format!(
        "Package: vim-tiny\nStatus: deinstall ok config-files\nArchitecture: {architecture}\nSource: vim\n\
         Version: 2:9.0.1378-2\nDescription: vi\n\n"
    )]);
    status
}
