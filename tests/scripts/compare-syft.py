#!/usr/bin/env python3
"""compare-syft.py PLIMSOLL.json SYFT.json: the packages of one image as `plimsoll scan --format json` and `syft -o json` see them.

Both ways, by package URL: type, namespace, name and version. Prints what only syft lists (missing) and what only plimsoll lists
(extra), with where they were found. Exits 1 if anything is missing.
"""

import argparse
import collections
import json
import sys
import urllib.parse


def key(purl):
    """(type, namespace/name, version) of a package URL, in one spelling for both tools."""
    body = purl.removeprefix("pkg:")
    body, _, subpath = body.partition("#")
    body = body.partition("?")[0]
    path, _, version = body.partition("@")
    kind, _, name = path.partition("/")
    name = urllib.parse.unquote(name)
    if kind == "golang" and subpath:
        # A Go module below the root of its repository: one tool writes it as a subpath, the other into the name.
        name = f"{name}/{urllib.parse.unquote(subpath)}"
    if kind == "pypi":
        name = name.lower().replace("_", "-").replace(".", "-")
    return kind, name, urllib.parse.unquote(version)


def plimsoll_packages(report):
    found = collections.defaultdict(list)
    for package in report["packages"]:
        found[key(package["purl"])].append(
            {"locations": package["locations"], "by": package["analyzer"], "owned_by": package["owned_by"]}
        )
    return found


def syft_packages(report):
    found, unnamed = collections.defaultdict(list), []
    for package in report["artifacts"]:
        locations = [location["path"] for location in package["locations"]]
        if not package["purl"]:
            unnamed.append((package["type"], package["name"], package["version"], locations))
            continue
        found[key(package["purl"])].append({"locations": locations, "by": package["foundBy"], "owned_by": None})
    return found, unnamed


def show(one, entries, limit):
    kind, name, version = one
    print(f"  pkg:{kind}/{name}@{version}")
    for entry in entries[:limit]:
        owner = f", owned by {entry['owned_by']}" if entry["owned_by"] else ""
        print(f"      {entry['by']}{owner}: {' '.join(entry['locations'][:3])}")


def reason(one, entries, theirs):
    """Why only we list a package, as far as the two lists tell."""
    others = [other for other in theirs if other[:2] == one[:2]]
    if others:
        return f"syft lists another version ({entries[0]['by']})"
    tail = one[1].rsplit("/", 1)[-1]
    if any(other[0] == one[0] and other[2] == one[2] and other[1].rsplit("/", 1)[-1] == tail for other in theirs):
        return f"syft lists another namespace ({entries[0]['by']})"
    return f"syft does not list it ({entries[0]['by']})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plimsoll")
    parser.add_argument("syft")
    parser.add_argument("--limit", type=int, default=3, help="places to show of each package")
    arguments = parser.parse_args()
    with open(arguments.plimsoll, encoding="utf-8") as ours_file, open(arguments.syft, encoding="utf-8") as theirs_file:
        ours = plimsoll_packages(json.load(ours_file))
        theirs, unnamed = syft_packages(json.load(theirs_file))

    missing = sorted(theirs.keys() - ours.keys())
    print(f"missing: {len(missing)}")
    for one in missing:
        show(one, theirs[one], arguments.limit)

    groups = collections.defaultdict(list)
    for one in sorted(ours.keys() - theirs.keys()):
        groups[reason(one, ours[one], theirs)].append(one)
    for why, extra in sorted(groups.items()):
        print(f"extra: {why}: {len(extra)}")
        for one in extra:
            show(one, ours[one], arguments.limit)

    for kind, name, version, locations in unnamed:
        print(f"syft gives no package URL for: {kind} {name} {version} {' '.join(locations[:3])}")
    extra = sum(map(len, groups.values()))
    print(f"compare: plimsoll={len(ours)} syft={len(theirs)} missing={len(missing)} extra={extra}")
    return 1 if missing else 0


sys.exit(main())
