#!/usr/bin/env python3
"""versus.py PLIMSOLL SYFT SNAPSHOT REGISTRY RUNS IMAGE…: plimsoll and syft on the same images, turn about.

Every run of plimsoll starts with an empty store. One run of each, which is not counted, warms the page cache.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile

from measure import median, run


def scan(plimsoll, snapshot, image, work):
    store, report = pathlib.Path(work, "store"), pathlib.Path(work, "report.json")
    shutil.rmtree(store, ignore_errors=True)
    once = run(
        [plimsoll, "scan", image, "--quiet", "--store", str(store), "--db", snapshot, "--format", f"json={report}"]
    )
    error = json.loads(report.read_bytes())["error"]
    if error:
        raise SystemExit(f"plimsoll scan {image}: {error['message']}")
    return once


def syft(program, image, work):
    once = run([program, "scan", f"registry:{image}", "-q", "-o", "json"], pathlib.Path(work, "syft.json"))
    if once.code:
        raise SystemExit(f"syft {image}: exit {once.code}")
    return once


def main():
    plimsoll, program, snapshot, registry, runs, *images = sys.argv[1:]
    os.environ.update(SYFT_CHECK_FOR_APP_UPDATE="false", SYFT_REGISTRY_INSECURE_USE_HTTP="true")
    lines = []
    print(f"{'image':<12} {'':<9} {'wall s':>8} {'cpu s':>8} {'rss MB':>8}   (median of {runs}; rss: the largest)")
    for name in images:
        image = f"{registry}/{name}"
        ours, theirs = [], []
        with tempfile.TemporaryDirectory() as work:
            for turn in range(int(runs) + 1):
                mine, other = scan(plimsoll, snapshot, image, work), syft(program, image, work)
                if turn:
                    ours.append(mine)
                    theirs.append(other)
        mine, other = median(ours), median(theirs)
        for who, one in (("plimsoll", mine), ("syft", other)):
            print(f"{name:<12} {who:<9} {one.wall:>8.3f} {one.cpu:>8.2f} {one.rss_mb:>8.0f}", flush=True)
        lines.append(
            f"bench: image={name} plimsoll_s={mine.wall:.3f} syft_s={other.wall:.3f} ratio={other.wall / mine.wall:.1f}"
            f" rss_mb={mine.rss_mb:.0f} cpu_s={mine.cpu:.2f} syft_rss_mb={other.rss_mb:.0f} syft_cpu_s={other.cpu:.2f}"
        )
    print("\n".join(lines))


main()
