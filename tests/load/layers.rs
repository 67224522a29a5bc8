//! The layers: package databases and files as distributions, pip and npm write them, under names that advisories
//! speak of.

use plimsoll_tests::image::{ImageBuilder, Layer, LayerBlob};
use serde_json::json;

/// A layer, and what is in it.
pub(crate) struct Made {
    pub(crate) blob: LayerBlob,
    pub(crate) created_by: &'static str,
    pub(crate) packages: usize,
}

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
    VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";
/// Files of each package of the distribution: a small base image has some three thousand.
const FILES_OF_A_PACKAGE: usize = 24;

const DEBIAN: &str = "\
    acl adduser apt base-files base-passwd bash bind9 bsdutils ca-certificates coreutils cpio curl cyrus-sasl2 dash \
    db5.3 debconf debianutils dpkg e2fsprogs expat file findutils freetype gcc-12 gdbm gettext git glib2.0 glibc gmp \
    gnupg2 gnutls28 grep gzip icu imagemagick jansson keyutils krb5 less libarchive libcap2 libedit libffi \
    libgcrypt20 libgpg-error libidn2 libjpeg-turbo libksba libpng1.6 libpsl libseccomp libssh2 libtasn1-6 libtirpc \
    libunistring libwebp libx11 libxcrypt libxml2 libxpm libxslt libyaml libzstd linux lz4 mariadb mawk mercurial \
    ncurses nettle nghttp2 nss openldap openssh openssl p11-kit pam patch pcre2 perl postgresql-15 procps python3.11 \
    readline rtmpdump sed shadow sqlite3 subversion sudo systemd tar tcl8.6 tiff tzdata unzip util-linux vim wget \
    xz-utils zlib";
const PYPI: &str = "\
    aiohttp ansible asyncssh babel beautifulsoup4 bleach bottle celery certifi cffi click cryptography django \
    djangorestframework docker fastapi flask flask-cors gevent gitpython gunicorn h11 httplib2 httpx idna ipython \
    itsdangerous jinja2 joblib jsonschema keras kombu lxml mako markdown markdown2 markupsafe mistune nltk notebook \
    numpy oauthlib opencv-python paramiko pillow pip protobuf psutil py pyarrow pycrypto pydantic pygments pyjwt \
    pymysql pyopenssl pysaml2 python-jose python-multipart pyyaml redis reportlab requests rsa scikit-learn scrapy \
    sentry-sdk setuptools simplejson six sqlalchemy sqlparse starlette tensorflow torch tornado tqdm transformers \
    twisted urllib3 uvicorn waitress werkzeug wheel zipp";
const NPM: &str = "\
    acorn ajv ansi-regex async axios body-parser braces browserslist chalk commander cookie cross-spawn debug \
    decode-uri-component dot-prop ejs engine.io express fast-xml-parser follow-redirects form-data fs-extra fsevents \
    glob glob-parent got handlebars highlight.js hoek hosted-git-info http-cache-semantics ini ip jquery js-yaml \
    json5 jsonwebtoken kind-of loader-utils lodash marked merge micromatch mime minimatch minimist mixin-deep mkdirp \
    moment mongoose ms nanoid next node-fetch node-forge normalize-url nth-check path-parse path-to-regexp postcss \
    prismjs qs react request semver send serialize-javascript set-value shell-quote socket.io ssri tar terser tough- \
    cookie trim-newlines undici underscore url-parse uuid validator vue webpack word-wrap ws xml2js y18n yargs- \
    parser";

/// A distribution: some of its packages, each with its files.
pub(crate) fn base(number: usize) -> Made {
    let mut layer = Layer::new("")
        .directories("etc")
        .directories("usr/bin")
        .directories("usr/lib/x86_64-linux-gnu")
        .directories("usr/share/doc")
        .directories("var/lib/dpkg/info")
        .symlink("bin", "usr/bin")
        .symlink("lib", "usr/lib")
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
        .file("etc/group", "root:x:0:\n")
        .file("usr/lib/os-release", OS_RELEASE)
        .symlink("etc/os-release", "../usr/lib/os-release");
    let mut status = String::new();
    let mut packages = 0;
    for (at, name) in some(DEBIAN, number, 8) {
        packages += 1;
        let version = format!("1:{}.{}-{}+deb12u{number}", 1 + at % 5, chance(number, at) % 30, at % 3);
        let place = format!("usr/lib/x86_64-linux-gnu/{name}");
        layer = layer.directories(&place).directories(&format!("usr/share/doc/{name}"));
        let mut list = format!("/.\n/usr\n/usr/lib\n/{place}\n");
        for file in 0..FILES_OF_A_PACKAGE {
            let path = format!("{place}/part-{file}.so.{number}");
            list.extend(["/", &path, "\n"]);
            layer = layer.file(&path, format!("{name} {version} {file}"));
        }
        let copyright = format!("Files: *\nCopyright: the authors of {name}\nLicense: GPL-2+\n");
        layer = layer.file(&format!("usr/share/doc/{name}/copyright"), copyright);
        layer = layer.file(&format!("var/lib/dpkg/info/{name}.list"), list);
        status.extend([format!(
            "Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: Debian <d@debian.org>\n\
             Architecture: amd64\nVersion: {version}\nDescription: {name}\n of a generated image\n\n"
        )]);
    }
    finish("ADD rootfs.tar.xz /", layer.file("var/lib/dpkg/status", status), packages)
}

/// What a language brings along.
pub(crate) fn runtime(number: usize) -> Made {
    let names = some(PYPI, number + 100, 2);
    let place = format!("usr/local/lib/python3.{}/site-packages", 9 + number % 4);
    let layer = names.iter().fold(Layer::new("").directories(&place), |layer, (at, name)| {
        wheel(layer, &place, name, number, *at, 12)
    });
    finish("RUN install-runtime", layer, names.len())
}

/// What `pip install` or `npm ci` brings.
pub(crate) fn dependencies(number: usize) -> Made {
    let npm = number.is_multiple_of(2);
    let (place, all) =
        if npm { ("srv/app/node_modules", NPM) } else { ("srv/app/venv/lib/python3.11/site-packages", PYPI) };
    let mut layer = Layer::new("").directories(place);
    let mut packages = 0;
    // The second time under another name, as forks and scopes have it.
    for round in 0..2 {
        for (at, name) in some(all, number * 2 + round, 5) {
            let name = if round == 0 { name.to_owned() } else { format!("{name}-extra") };
            packages += 1;
            layer = if npm {
                module(layer, place, &name, number, at)
            } else {
                wheel(layer, place, &name, number, at, 6)
            };
        }
    }
    finish("RUN install-dependencies", layer, packages)
}

/// The application itself.
pub(crate) fn application(number: usize) -> Made {
    let place = "srv/app/node_modules/@own";
    let mut layer =
        Layer::new("").directories(place).file("srv/app/run", format!("#!/bin/sh\nexec app {number}\n"));
    for file in 0..80 {
        layer = layer.file(&format!("srv/app/static/{file}.css"), format!("/* {number} {file} */"));
    }
    for at in 0..15 {
        layer = module(layer, place, &format!("part{at}"), number, at);
    }
    finish("COPY . /srv/app", layer, 15)
}

/// A layer that takes next to no work.
pub(crate) fn small(name: &str) -> Layer {
    wheel(Layer::new("COPY . /srv"), "srv/site-packages", &format!("own-{name}"), 1, 1, 1)
}

fn wheel(layer: Layer, place: &str, name: &str, number: usize, at: usize, files: usize) -> Layer {
    let version = format!("{}.{}.{}", 1 + at % 4, chance(number, at) % 20, number % 10);
    let info = format!("{place}/{name}-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n\n");
    let mut layer = layer.directories(&format!("{place}/{name}")).directories(&info);
    let mut record = format!("{name}-{version}.dist-info/METADATA,,\n{name}-{version}.dist-info/RECORD,,\n");
    for file in 0..files {
        record.extend([format!("{name}/part{file}.py,,\n")]);
        layer = layer.file(&format!("{place}/{name}/part{file}.py"), format!("# {name} {version} {file}\n"));
    }
    layer.file(&format!("{info}/METADATA"), metadata).file(&format!("{info}/RECORD"), record)
}

fn module(layer: Layer, place: &str, name: &str, number: usize, at: usize) -> Layer {
    let version = format!("{}.{}.{}", at % 5, chance(number, at) % 25, number % 10);
    let directory = format!("{place}/{name}");
    let manifest = json!({"name": name, "version": version, "license": "MIT", "main": "index.js"});
    let mut layer =
        layer.directories(&directory).file(&format!("{directory}/package.json"), manifest.to_string());
    for file in ["index.js", "README.md", "LICENSE", "lib/main.js"] {
        layer = layer.file(&format!("{directory}/{file}"), format!("{name} {version} {file}\n"));
    }
    layer
}

/// All but one in `every` of the names, others for every number.
fn some(names: &'static str, number: usize, every: usize) -> Vec<(usize, &'static str)> {
    let taken = |(at, _): &(usize, &str)| !chance(number, *at).is_multiple_of(every);
    names.split_whitespace().enumerate().filter(taken).collect()
}

fn finish(created_by: &'static str, layer: Layer, packages: usize) -> Made {
    let mut image = ImageBuilder::new("amd64").layer(layer).build();
    Made { blob: image.layers.remove(0), created_by, packages }
}

/// A number that looks like chance and is the same every time.
fn chance(a: usize, b: usize) -> usize {
    let mut x =
        (a as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (b as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 29)) as usize >> 8
}
