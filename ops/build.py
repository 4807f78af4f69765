"""Builds the function for a stack with SAM and cargo-lambda."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import elf
from .hints import again, say
from .paths import PROGRAMS, ROOT
from .trouble import Trouble

BUILT = ROOT / ".aws-sam" / "deploy"
# What SAM names the folder of a program that serves several functions.
SHARED = "Function-Shared"


@dataclass
class Artifact:
    """What SAM uploads: a template whose paths lead to a program for one architecture."""

    template: Path
    folder: Path


def sam_environment(region="us-east-1"):
    """SAM reads AWS_DEFAULT_REGION only, and sends telemetry unless told not to."""
    path = f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"
    regions = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    return {**os.environ, **regions, "PATH": path, "SAM_CLI_TELEMETRY": "0"}


def from_source(architecture):
    """Builds the function for one architecture. Cargo knows what has changed; SAM's own cache would hash target/."""
    say(f"==> build for {architecture} (minutes the first time)", flush=True)
    command = [PROGRAMS / "sam", "build", "--beta-features", "--no-cached", "--build-dir", BUILT]
    command += ["--template-file", ROOT / "template.yaml", "--parameter-overrides", f"Architecture={architecture}"]
    built = subprocess.run(command, cwd=ROOT, env=sam_environment(), stdin=subprocess.DEVNULL)
    if built.returncode != 0:
        raise Trouble(f"The build failed; nothing was deployed. What went wrong is above. Then type: {again('deploy')}")
    check_architecture((BUILT / SHARED / "bootstrap").read_bytes()[: elf.HEADER], architecture, f".aws-sam/deploy/{SHARED}/bootstrap")
    return Artifact(BUILT / "template.yaml", BUILT)


def check_architecture(header, wanted, name):
    """Raises Trouble unless a program was built for the architecture that the stack declares."""
    found = elf.architecture(header)
    if found is None:
        raise Trouble(f"{name} is not a program for Lambda; nothing was deployed. Build it again. Type: {again('deploy')}")
    if found != wanted:
        raise Trouble(f"{name} is built for {found}, but the stack's Architecture is {wanted}; nothing was deployed. Type: {again('deploy', ARCH=found)}")
