"""A list of what is in the function, in CycloneDX's format, from what cargo says and Cargo.lock pins.

Its own few lines: `cargo cyclonedx` would have to be compiled first, and lists what only the tests use.
"""

import re

FORMAT, VERSION = "CycloneDX", "1.5"
CHECKSUM = re.compile(r'\[\[package\]\]\nname = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([0-9a-f]{64})"')


def of(metadata, lock, targets):
    """The document, from `cargo metadata` by target and the text of Cargo.lock. The same input gives the same text."""
    root = next(it for it in metadata[0]["packages"] if it["id"] == metadata[0]["resolve"]["root"])
    packages = {it["id"]: it for one in metadata for it in one["packages"]}
    linked = sorted(set().union(*(reachable(one) for one in metadata)) - {root["id"]})
    sums = {(name, version): digest for name, version, digest in CHECKSUM.findall(lock)}
    components = [component(packages[it], sums) for it in linked]
    return {
        "bomFormat": FORMAT,
        "specVersion": VERSION,
        "version": 1,
        "metadata": {"component": component(root, {}, "application"), "properties": [{"name": "targets", "value": ", ".join(targets)}]},
        "components": sorted(components, key=lambda it: it["purl"]),
    }


def reachable(metadata):
    """Ids of the packages that are linked into the program: those of the tests and build scripts are not."""
    nodes = {it["id"]: it for it in metadata["resolve"]["nodes"]}
    found, waiting = set(), [metadata["resolve"]["root"]]
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting += [it["pkg"] for it in nodes[package]["deps"] if any(kind["kind"] is None for kind in it["dep_kinds"])]
    return found


def component(package, sums, kind="library"):
    name, version = package["name"], package["version"]
    made = {"type": kind, "name": name, "version": version, "purl": f"pkg:cargo/{name}@{version}"}
    if package.get("license"):
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if (name, version) in sums:
        made["hashes"] = [{"alg": "SHA-256", "content": sums[name, version]}]
    return made
