#!/usr/bin/env python3
"""known.py PLIMSOLL SNAPSHOT IMAGE RUNS: the verdict on an image whose layers are all known, process start included."""

import json
import pathlib
import statistics
import sys
import tempfile

from measure import run


def main():
    plimsoll, snapshot, image, runs = sys.argv[1:]
    with tempfile.TemporaryDirectory() as work:
        report = pathlib.Path(work, "report.json")
        command = [plimsoll, "scan", image, "--quiet", "--db", snapshot, "--store", str(pathlib.Path(work, "store"))]
        command += ["--format", f"json={report}"]
        run(command)
        measured = [run(command) for _ in range(int(runs))]
        written = json.loads(report.read_bytes())
    if written["error"]:
        raise SystemExit(f"plimsoll scan {image}: {written['error']['message']}")
    if not all(layer["known"] for layer in written["image"]["layers"]):
        raise SystemExit(f"plimsoll scan {image}: not all layers were known")
    wall = sorted(1000 * one.wall for one in measured)
    print(f"wall ms: {' '.join(f'{one:.0f}' for one in wall)}")
    print(
        f"bench-known: image={image} packages={len(written['packages'])} vulnerabilities={len(written['vulnerabilities'])}"
        f" median_ms={statistics.median(wall):.1f} max_ms={wall[-1]:.1f} rss_mb={max(one.rss_mb for one in measured):.0f}"
    )


main()
