"""Programs that were built elsewhere: the folder or zip of a release, or the zip of one function."""

import hashlib
import re
import shutil
import zipfile
from pathlib import Path

from . import elf
from .build import Artifact, check_architecture
from .hints import again
from .paths import ROOT, TEMPLATE, TRANSFORMS
from .trouble import Trouble

PREPARED = ROOT / ".aws-sam" / "prebuilt"
CHECKSUMS = "SHA256SUMS"
BOOTSTRAP = "bootstrap"
# The lines of the template that name what is uploaded.
CODE, LAYER = re.compile(r"^( +CodeUri: ).*$", re.MULTILINE), re.compile(r"^( +ContentUri: ).*$", re.MULTILINE)


def prepared(source, architecture):
    """A template and the function's zip, from a release or from the zip of one function."""
    source = Path(source).expanduser().resolve()
    shutil.rmtree(PREPARED, ignore_errors=True)
    PREPARED.mkdir(parents=True)
    if source.is_dir():
        template, function = of_folder(source, architecture)
    elif zipfile.is_zipfile(source):
        template, function = of_zip(source, architecture)
    else:
        raise Trouble(f"PREBUILT={source} is neither a folder nor a zip. Type: make deploy PREBUILT=folder-or-zip")
    check_architecture(header_of(function), architecture, function.name)
    return with_paths(template, function)


def of_zip(file, architecture):
    """A release, which has a template, or one function."""
    with zipfile.ZipFile(file) as archive:
        if BOOTSTRAP in archive.namelist():
            return TEMPLATE, file
        unpacked = PREPARED / "release"
        archive.extractall(unpacked)
    inner = [it.parent for it in unpacked.rglob(CHECKSUMS)]
    if not inner:
        raise Trouble(f"{file.name} is neither a release nor a function's zip. Type: make deploy PREBUILT=folder-or-zip")
    return of_folder(inner[0], architecture)


def of_folder(folder, architecture):
    """Template and function's zip of an unpacked release, once their checksums are right."""
    sums = listed(folder)
    zips = sorted(folder.glob(f"*-{architecture}.zip"))
    if len(zips) != 1 or not (folder / "template.yaml").exists():
        raise Trouble(
            f"{folder} should hold template.yaml and one zip whose name ends in -{architecture}.zip; it has {len(zips)}. "
            f"Type: make package, or make deploy PREBUILT=folder-or-zip"
        )
    check_sums(folder, sums, [folder / "template.yaml", zips[0]])
    return folder / "template.yaml", zips[0]


def check_sums(folder, sums, deployed):
    """Raises Trouble if a file is not what the release's list says, or if one that is deployed is not in it."""
    for file in sorted({folder / name for name in sums} | set(deployed)):
        if file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() != sums.get(file.name):
            raise Trouble(f"{file.name} is not what {CHECKSUMS} says; nothing was deployed. Download the release again. Then type: {again('deploy')}")


def listed(folder):
    """The checksums of a release, by name."""
    try:
        lines = (folder / CHECKSUMS).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        raise Trouble(f"{folder} has no {CHECKSUMS}, so it is not a release. Download one, or build one with make package. Type: make deploy PREBUILT=folder-or-zip") from None
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def header_of(function):
    try:
        with zipfile.ZipFile(function) as archive, archive.open(BOOTSTRAP) as program:
            return program.read(elf.HEADER)
    except (KeyError, zipfile.BadZipFile):
        raise Trouble(f"{function.name} is damaged: it has no {BOOTSTRAP}. Download the release again. Then type: {again('deploy')}") from None


def with_paths(template, function):
    """The template, with this zip and this folder's transforms to upload."""
    text = CODE.sub(lambda it: f"{it[1]}{quoted(function)}", template.read_text())
    transforms = TRANSFORMS if TRANSFORMS.exists() else template.parent / "transforms"
    text = LAYER.sub(lambda it: f"{it[1]}{quoted(transforms)}", text)
    file = PREPARED / "template.yaml"
    file.write_text(text)
    return Artifact(file, PREPARED)


def quoted(path):
    return "'" + str(path).replace("'", "''") + "'"
