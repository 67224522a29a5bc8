#!/usr/bin/env python3
"""big_image.py REGISTRY REPOSITORY:TAG [GB]: writes and pushes an image of one layer of 2 GB, or of so many.

The layer holds 50,000 files for each GB, one of them an executable of 500 MB, and 300 installed Python packages. It is made of the same
bytes every time, text and noise, and compresses to about two thirds.
"""

import gzip
import hashlib
import http.client
import io
import json
import pathlib
import random
import struct
import sys
import tarfile
import tempfile
import urllib.parse

FILES_OF_A_GB = 50_000
PACKAGES = 300
BINARY_BYTES = 500 * 1000 * 1000
GB = 1_000_000_000
EXTENSIONS = ["py", "js", "txt", "so", "json", "html", "dat", "c", "h", "mo"]


class Content:
    """Bytes that look like files: words, and stretches nothing compresses, cut out of two pools."""

    POOL = 4 << 20

    def __init__(self, seed):
        self.random = random.Random(seed)
        words = [bytes(self.random.choices(b"etaoinshrdlucmfw", k=self.random.randint(2, 9))) for _ in range(5000)]
        text = bytearray()
        while len(text) < self.POOL:
            text += self.random.choice(words) + self.random.choice([b" ", b" ", b" ", b"\n", b"(", b"; "])
        self.pools = [bytes(text[: self.POOL]), bytes(text[: self.POOL]), self.random.randbytes(self.POOL)]

    def take(self, size):
        parts = []
        while size > 0:
            length = min(size, self.random.randint(1000, 60_000))
            start = self.random.randrange(self.POOL - length)
            parts.append(self.random.choice(self.pools)[start : start + length])
            size -= length
        return b"".join(parts)


def executable(content, size):
    """An ELF for x86-64: a header, one loadable segment, and the sections a reader looks for."""
    names = b"\0.text\0.rodata\0.shstrtab\0"
    sections = 4
    body_start, table_bytes = 64 + 56, sections * 64
    body = size - body_start - len(names) - table_bytes
    names_at = body_start + body
    table_at = names_at + len(names)
    ident = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    base = 0x400000
    yield ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + body_start, 64, table_at, 0, 64, 56, 1, 64, sections, 3)
    yield struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096)
    left = body
    while left:
        step = min(left, 1 << 20)
        yield content.take(step)
        left -= step
    yield names
    half = body // 2

    def section(name, kind, flags, start, length):
        return struct.pack("<IIQQQQIIQQ", name, kind, flags, base + start if flags else 0, start, length, 0, 0, 1, 0)

    yield bytes(64)
    yield section(names.index(b".text"), 1, 6, body_start, half)
    yield section(names.index(b".rodata"), 1, 2, body_start + half, body - half)
    yield section(names.index(b".shstrtab"), 3, 0, names_at, len(names))


class Chunks(io.RawIOBase):
    """A readable file over an iterator of chunks, so that the executable is never in memory as a whole."""

    def __init__(self, chunks):
        self.chunks, self.rest = iter(chunks), b""

    def read(self, size=-1):
        while len(self.rest) < size:
            chunk = next(self.chunks, None)
            if chunk is None:
                break
            self.rest += chunk
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken


class Hashed:
    """Passes what is written on, and hashes it."""

    def __init__(self, below):
        self.below, self.hash, self.size = below, hashlib.sha256(), 0

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)
        return self.below.write(data)

    def flush(self):
        self.below.flush()

    def digest(self):
        return "sha256:" + self.hash.hexdigest()


def member(name, size, mode=0o644, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type, info.mtime = size, mode, kind, 1_700_000_000
    return info


def write_layer(out, gigabytes):
    content = Content(20231)

    def add(name, data, mode=0o644):
        archive.addfile(member(name, len(data), mode), io.BytesIO(data))

    with tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for folder in ["etc", "opt", "opt/data", "usr", "usr/lib", "usr/lib/python3", "usr/lib/python3/dist-packages"]:
            archive.addfile(member(folder, 0, 0o755, tarfile.DIRTYPE))
        add("etc/os-release", b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nNAME="Debian GNU/Linux"\n')
        for number in range(PACKAGES):
            folder = f"usr/lib/python3/dist-packages/made_up_{number}-1.{number}.dist-info"
            archive.addfile(member(folder, 0, 0o755, tarfile.DIRTYPE))
            add(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: made-up-{number}\nVersion: 1.{number}\n".encode())
            add(f"{folder}/RECORD", f"{folder.rsplit('/', 1)[1]}/METADATA,,\n".encode())
        plain = FILES_OF_A_GB * gigabytes - 2 * PACKAGES - 2
        mean = (GB * gigabytes - BINARY_BYTES) / plain
        for number in range(plain):
            if number % 250 == 0:
                folder = f"opt/data/{number // 250:03}"
                archive.addfile(member(folder, 0, 0o755, tarfile.DIRTYPE))
            size = min(int(content.random.expovariate(1 / mean)), 1 << 20)
            extension = content.random.choice(EXTENSIONS)
            add(f"{folder}/file-{number:06}.{extension}", content.take(size))
            if number == plain // 2:
                archive.addfile(member("opt/server", BINARY_BYTES, 0o755), Chunks(executable(content, BINARY_BYTES)))


class Registry:
    """As much of the distribution protocol as a push to a registry on loopback needs."""

    def __init__(self, host, repository):
        self.host, self.repository = host, repository

    def request(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=600)
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        response.read()
        if response.status not in (201, 202):
            sys.exit(f"{method} {target}: {response.status} {response.reason}")
        return response

    def blob(self, digest, size, body):
        started = self.request("POST", f"/v2/{self.repository}/blobs/uploads/", headers={"Content-Length": "0"})
        location = urllib.parse.urlsplit(started.getheader("Location"))
        query = "&".join(filter(None, [location.query, urllib.parse.urlencode({"digest": digest})]))
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        self.request("PUT", f"{location.path}?{query}", body, headers)

    def manifest(self, tag, manifest):
        headers = {"Content-Type": manifest["mediaType"]}
        self.request("PUT", f"/v2/{self.repository}/manifests/{tag}", json.dumps(manifest).encode(), headers)


def main():
    host, reference, *gigabytes = sys.argv[1:]
    repository, tag = reference.rsplit(":", 1)
    registry = Registry(host, repository)
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work, "layer.tar.gz")
        with path.open("wb") as file:
            blob = Hashed(file)
            with gzip.GzipFile(filename="", fileobj=blob, mode="wb", compresslevel=4, mtime=0) as compressed:
                layer = Hashed(compressed)
                write_layer(layer, int(gigabytes[0]) if gigabytes else 2)
        with path.open("rb") as file:
            registry.blob(blob.digest(), blob.size, file)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/opt/server"]},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest()]},
            "history": [{"created_by": "COPY . /"}],
        }
    ).encode()
    config_digest = "sha256:" + hashlib.sha256(config).hexdigest()
    registry.blob(config_digest, len(config), config)
    prefix = "application/vnd.oci.image"
    registry.manifest(
        tag,
        {
            "schemaVersion": 2,
            "mediaType": f"{prefix}.manifest.v1+json",
            "config": {"mediaType": f"{prefix}.config.v1+json", "digest": config_digest, "size": len(config)},
            "layers": [
                {"mediaType": f"{prefix}.layer.v1.tar+gzip", "digest": blob.digest(), "size": blob.size},
            ],
        },
    )
    print(f"pushed {host}/{reference}: {layer.size} bytes, {blob.size} compressed")


main()
