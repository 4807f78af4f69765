"""`make package`: builds a release into target/package, for both architectures.

The same commit and the same pinned rustc, Zig and cargo-lambda give the same bytes, wherever the checkout is.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from . import archive, elf, sbom
from .build import check_architecture, sam_environment
from .hints import say
from .paths import PROGRAMS, ROOT, TEMPLATE
from .prebuilt import BOOTSTRAP, CHECKSUMS, CODE
from .preflight import TARGETS, toolchain
from .trouble import Trouble

NAME = "dodo-customerio"
OUT = ROOT / "target" / "package"
# Apart from the other builds, whose paths are not remapped.
BUILD = ROOT / "target" / "package-build"
FLAGS = {"arm64": "--arm64", "x86_64": "--x86-64"}
# What a deployment needs without a checkout, beside the function itself.
DEPLOYMENT = ["Makefile", "LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "docs/*.md", "ops/*.py", "ops/requirements.txt"]
DEPLOYMENT += ["tests/constraints.txt", "transforms/**/*"]


def main():
    for architecture in TARGETS:
        toolchain(architecture)
    cargo("fetch", "--locked")
    metadata = [described(target) for target in TARGETS.values()]
    version = next(it["version"] for it in metadata[0]["packages"] if it["id"] == metadata[0]["resolve"]["root"])
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for architecture in TARGETS:
        archive.write(OUT / function_name(version, architecture), {BOOTSTRAP: built(architecture)})
    bill = sbom.of(metadata, (ROOT / "Cargo.lock").read_text(), list(TARGETS.values()))
    (OUT / f"{NAME}-{version}.cdx.json").write_text(json.dumps(bill, indent=2) + "\n")
    (OUT / "template.yaml").write_text(template(version))
    release(version)
    say((OUT / CHECKSUMS).read_text(), end="")
    say(f"In {OUT.relative_to(ROOT)}. To deploy it: make deploy PREBUILT={OUT.relative_to(ROOT)}")


def function_name(version, architecture):
    return f"{NAME}-{version}-{architecture}.zip"


def template(version):
    """The template, with arm64's zip to upload; `make deploy` puts in that of the stack's architecture."""
    return CODE.sub(lambda it: it[1] + function_name(version, "arm64"), TEMPLATE.read_text())


def release(version):
    """One zip with all that a deployment needs, and the checksums of what is in it and of itself."""
    shutil.copytree(ROOT / "transforms", OUT / "transforms")
    sums = checksums(file for file in OUT.iterdir() if file.is_file())
    (OUT / CHECKSUMS).write_text(sums)
    entries = archive.of_files(ROOT, DEPLOYMENT) | archive.of_files(OUT, ["*"])
    folder = f"{NAME}-{version}"
    whole = OUT / f"{folder}.zip"
    archive.write(whole, {f"{folder}/{name}": content for name, content in entries.items()})
    (OUT / CHECKSUMS).write_text(sums + checksums([whole]))


def checksums(files):
    lines = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    return "".join(f"{lines[name]}  {name}\n" for name in sorted(lines))


def built(architecture):
    """The program for one architecture."""
    say(f"==> build for {architecture}", flush=True)
    folder = BUILD / "lambda" / architecture
    command = [PROGRAMS / "cargo-lambda", "lambda", "build", "--release", "--locked", FLAGS[architecture]]
    ran = subprocess.run([*command, "--bin", NAME, "--lambda-dir", folder], cwd=ROOT, env=environment())
    if ran.returncode != 0:
        raise Trouble("The build failed; what went wrong is above. Then type: make package")
    program = (folder / NAME / BOOTSTRAP).read_bytes()
    check_architecture(program[: elf.HEADER], architecture, str(folder / NAME / BOOTSTRAP))
    return program


def environment():
    """No path of this machine gets into the program, neither from Rust nor from C."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    paths = {str(home): "/cargo", str(ROOT): "/source"}
    # A registry's folder is named after its address, which a mirror changes. Of several prefixes the last one counts.
    paths |= {str(folder): "/registry" for folder in sorted((home / "registry" / "src").glob("*"))}
    rust = " ".join(f"--remap-path-prefix={path}={name}" for path, name in paths.items())
    c = " ".join(f"-ffile-prefix-map={path}={name}" for path, name in paths.items())
    return {**sam_environment(), "CARGO_TARGET_DIR": str(BUILD), "RUSTFLAGS": rust, "CFLAGS": c}


def described(target):
    """What `cargo metadata` says of the program as it is built for a target."""
    return json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", target))


def cargo(*arguments):
    ran = subprocess.run(["cargo", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if ran.returncode != 0:
        raise Trouble(f"cargo {arguments[0]} failed; what went wrong is above. Then type: make package")
    return ran.stdout
