"""A release: its zips, its list of contents, and that it deploys with Python alone."""

import json
import os
import shutil
import zipfile

import pytest
from conftest import ROOT
from release import MACHINES, elf_header

from ops import archive, elf, package, prebuilt, sbom


def test_the_same_contents_give_the_same_bytes(tmp_path):
    contents = {"bootstrap": b"program", "transforms/a.js": b"a", "README.md": b"b"}
    for number, names in enumerate([list(contents), sorted(contents, reverse=True)]):
        folder = tmp_path / str(number)
        for name in names:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(contents[name])
            os.utime(file, (number * 1_000_000, number * 1_000_000))
            file.chmod(0o600 if number else 0o777)
        archive.write(tmp_path / f"{number}.zip", archive.of_files(folder, ["**/*"]))
    one, other = ((tmp_path / f"{it}.zip").read_bytes() for it in range(2))
    assert one == other


def test_only_the_program_may_be_run(tmp_path):
    archive.write(tmp_path / "it.zip", {"bootstrap": b"program", "a.js": b"a"})
    with zipfile.ZipFile(tmp_path / "it.zip") as made:
        modes = {it.filename: it.external_attr >> 16 & 0o777 for it in made.infolist()}
        assert modes == {"bootstrap": 0o755, "a.js": 0o644}
        assert {it.date_time for it in made.infolist()} == {archive.TIME}


@pytest.mark.parametrize("header, architecture", [
    (elf_header("arm64"), "arm64"),
    (elf_header("x86_64"), "x86_64"),
    (b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xf3\x00", None),
    (b"\x7fELF\x01\x01\x01" + bytes(11) + b"\x3e\x00", None),
    (b"\x7fELF\x02\x02\x01" + bytes(11) + b"\xb7\x00", None),
    (b"#!/bin/sh\necho no program at all", None),
    (elf_header("arm64")[:10], None),
    (b"", None),
])
def test_what_a_program_was_built_for(header, architecture):
    assert elf.architecture(header) == architecture


def metadata(extra=()):
    def package_of(name, licence="MIT"):
        return {"id": name, "name": name, "version": "1.0.0", "license": licence}

    def dependency(name, kind=None):
        return {"pkg": name, "dep_kinds": [{"kind": kind}]}

    nodes = [
        {"id": "root", "deps": [dependency("linked"), dependency("tests", "dev"), dependency("script", "build"), *extra]},
        {"id": "linked", "deps": [dependency("deeper")]},
        *({"id": name, "deps": []} for name in ("deeper", "tests", "script", "arm-only")),
    ]
    names = ("root", "linked", "deeper", "tests", "script", "arm-only")
    return {"packages": [package_of(name, "MIT/Apache-2.0") for name in names], "resolve": {"root": "root", "nodes": nodes}}


def test_the_list_names_what_is_linked_on_any_target():
    lock = '[[package]]\nname = "linked"\nversion = "1.0.0"\nsource = "registry"\nchecksum = "' + "ab" * 32 + '"\n'
    arm = metadata([{"pkg": "arm-only", "dep_kinds": [{"kind": None}]}])
    made = sbom.of([metadata(), arm], lock, ["one", "two"])
    assert [it["purl"] for it in made["components"]] == [f"pkg:cargo/{name}@1.0.0" for name in ("arm-only", "deeper", "linked")]
    assert made["components"][2]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert made["components"][0]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert made == sbom.of([metadata(), arm], lock, ["one", "two"])


def test_no_path_of_this_machine_gets_into_the_program(monkeypatch, tmp_path):
    (tmp_path / "registry" / "src" / "mirror-0123").mkdir(parents=True)
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    environment = package.environment()
    for flags, option in ((environment["RUSTFLAGS"], "--remap-path-prefix="), (environment["CFLAGS"], "-ffile-prefix-map=")):
        given = [it.removeprefix(option) for it in flags.split()]
        assert given == [f"{tmp_path}=/cargo", f"{ROOT}=/source", f"{tmp_path}/registry/src/mirror-0123=/registry"]


def test_the_packaged_template_names_what_is_beside_it(tmp_path):
    text = package.template("1.2.3")
    assert "CodeUri: dodo-customerio-1.2.3-arm64.zip\n" in text and "ContentUri: transforms/\n" in text
    assert (len(prebuilt.CODE.findall(text)), len(prebuilt.LAYER.findall(text))) == (2, 1), "both functions are one program"


def test_two_runs_give_the_same_files_and_no_sources_are_needed(monkeypatch, tmp_path, checkout, aws):
    """Apart from the compiler, which makes ELF headers here."""
    monkeypatch.setattr(package, "toolchain", lambda _: None)
    monkeypatch.setattr(package, "built", elf_header)
    runs = []
    for number in range(2):
        monkeypatch.setattr(package, "OUT", ROOT / "target" / f"package-test-{number}")
        package.main()
        runs.append({it.name: it.read_bytes() for it in package.OUT.iterdir() if it.is_file()})
        out = package.OUT
    assert runs[0] == runs[1]
    version = next(it for it in runs[0] if it.endswith(".cdx.json")).removeprefix("dodo-customerio-").removesuffix(".cdx.json")
    names = {"template.yaml", "SHA256SUMS"} | {f"dodo-customerio-{version}{it}" for it in ("-arm64.zip", "-x86_64.zip", ".zip", ".cdx.json")}
    assert set(runs[0]) == names
    listed = [it["name"] for it in json.loads(runs[0][f"dodo-customerio-{version}.cdx.json"])["components"]]
    assert "lambda_runtime" in listed and "proptest" not in listed

    for folder in ("ops", "transforms"):
        shutil.rmtree(checkout.folder / folder)
    for file in ("Cargo.toml", "template.yaml", "samconfig.toml", "Makefile"):
        (checkout.folder / file).unlink()
    shutil.rmtree(checkout.programs)
    shutil.unpack_archive(out / f"dodo-customerio-{version}.zip", checkout.folder)
    checkout.folder = checkout.folder / f"dodo-customerio-{version}"
    checkout.deploy(ARCH="x86_64", TRANSFORM="examples/segment.js")
    assert aws.sent()[-1]["machine"] == MACHINES["x86_64"]
    for number in range(2):
        shutil.rmtree(ROOT / "target" / f"package-test-{number}")
