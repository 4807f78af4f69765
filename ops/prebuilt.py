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

PREPARED = ROOT / ".aws-sam"
CHECKSUMS = "SHA256SUMS"
BOOTSTRAP = "bootstrap"
# The lines of the template that name what is uploaded.
CODE, LAYER = re.compile(r"^( +CodeUri: ).*$", re.MULTILINE), re.compile(r"^( +ContentUri: ).*$", re.MULTILINE)


def prepared(source, architecture, stack):
    """A template and the function's zip, from a release or from the zip of one function, for a stack."""
    source = Path(source).expanduser().resolve()
    folder = PREPARED / f"prebuilt-{stack}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if source.is_dir():
        template, function = of_folder(source, architecture)
    elif zipfile.is_zipfile(source):
        template, function = of_zip(source, architecture, folder)
    else:
        raise Trouble(f"PREBUILT={source} is neither a folder nor a zip. Type: make deploy PREBUILT=folder-or-zip")
    check_architecture(header_of(function), architecture, function.name)
    return with_paths(template, function, folder)


def of_zip(file, architecture, folder):
    """A release, which has a template, or one function."""
    with zipfile.ZipFile(file) as archive:
        if BOOTSTRAP in archive.namelist():
            return TEMPLATE, file
        unpacked = folder / "release"
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
    # Two blanks, or a blank and an asterisk, as `sha256sum --binary` writes.
    found = (re.fullmatch(r"([0-9a-f]{64}) [ *](\S.*)", line) for line in lines)
    return {it[2]: it[1] for it in found if it}


def header_of(function):
    try:
        with zipfile.ZipFile(function) as archive, archive.open(BOOTSTRAP) as program:
            return program.read(elf.HEADER)
    except (KeyError, zipfile.BadZipFile):
        raise Trouble(f"{function.name} is damaged: it has no {BOOTSTRAP}. Download the release again. Then type: {again('deploy')}") from None


def with_paths(template, function, folder):
    """The template, with this zip and this folder's transforms to upload."""
    text = CODE.sub(lambda it: f"{it[1]}{quoted(function)}", template.read_text())
    transforms = TRANSFORMS if TRANSFORMS.exists() else template.parent / "transforms"
    text = LAYER.sub(lambda it: f"{it[1]}{quoted(transforms)}", text)
    file = folder / "template.yaml"
    file.write_text(text)
    return Artifact(file, folder)


def quoted(path):
    return "'" + str(path).replace("'", "''") + "'"
