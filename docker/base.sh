#!/bin/sh
# base.sh ROOT: makes the root file system that Plimsoll's image stands on, in the new directory ROOT: Debian's C library,
# its certificate authorities, its name, and a user. There is no shell in it, no package manager, nothing that runs.
#
# Packages are taken apart, not installed, so this wants apt-get and dpkg-deb that know Debian, and root for the owners:
# in a container of Debian (the Dockerfile does that) or from a hook of mmdebstrap (image.sh does that). What they are
# called and which version they have is left in var/lib/dpkg/status.d, where scanners look.
set -eu

root=${1:?usage: base.sh ROOT}
# The binary is linked against the first two, the third has the licence of the second, and base-files says which Debian
# this is.
packages="libc6 libgcc-s1 gcc-12-base ca-certificates base-files"
# A user that no host has: distroless images call 65532 theirs, too, so that volumes may be shared with them.
id=65532

mkdir "$root"
root=$(cd "$root" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# apt's own user may not write here.
# shellcheck disable=SC2086 # A list of packages.
apt-get -qq -o APT::Sandbox::User=root download $packages

mkdir -p "$root/var/lib/dpkg/status.d"
for package in $packages; do
    deb=$(ls "${package}"_*.deb)
    dpkg-deb --extract "$deb" "$root"
    dpkg-deb --field "$deb" >"$root/var/lib/dpkg/status.d/$package"
    dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./md5sums >"$work/$package.md5sums"
done

# What is for people, for programs that are not here, and character sets: two thirds of it all. Licences stay.
cd "$root"
find usr/share/doc -type f ! -name copyright -delete
rm -rf usr/share/man usr/share/locale usr/share/lintian usr/sbin usr/lib/*/gconv usr/lib/*/audit

# What the package's installation script would have done.
mkdir -p etc/ssl/certs
cat usr/share/ca-certificates/*/*.crt >etc/ssl/certs/ca-certificates.crt
rm -rf usr/share/ca-certificates etc/ca-certificates
find . -depth -type d -empty -path './usr/share/*' -delete

# The lists of files tell of those that are here.
for package in $packages; do
    while read -r sum path; do
        [ ! -e "$path" ] || echo "$sum  $path"
    done <"$work/$package.md5sums" >"var/lib/dpkg/status.d/$package.md5sums"
done

cat >etc/passwd <<PASSWD
root:x:0:0:root:/root:/sbin/nologin
plimsoll:x:$id:$id:Plimsoll:/var/lib/plimsoll:/sbin/nologin
PASSWD
printf 'root:x:0:\nplimsoll:x:%s:\n' "$id" >etc/group
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >etc/nsswitch.conf

# Where data may be kept, and files that are too large for memory while a layer is read.
mkdir -p tmp var/tmp var/lib/plimsoll
chmod 1777 tmp var/tmp
chmod 0700 var/lib/plimsoll
chown -R 0:0 .
chown "$id:$id" var/lib/plimsoll
