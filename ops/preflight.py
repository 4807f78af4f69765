"""What must be there before anything is built or changed, each with the next command to type."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

from .hints import again
from .paths import PROGRAMS, ROOT
from .trouble import Trouble

# Lambda's names of processors, and Rust's names of the targets that cargo-lambda builds for them.
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
OTHER = {"arm64": "x86_64", "x86_64": "arm64"}
INSTALL = "Type: rm -rf .venv, then make setup"


def deployer():
    """The tool that every deployment needs."""
    if not (PROGRAMS / "sam").exists():
        raise Trouble(f"The SAM CLI is missing from the virtual environment. {INSTALL}")


def toolchain(architecture):
    """What a build for this architecture needs."""
    if not shutil.which("cargo") or not shutil.which("rustc"):
        raise Trouble("The Rust toolchain is missing. Install rustup, or deploy a release without it. Type: make deploy PREBUILT=…")
    if not (PROGRAMS / "cargo-lambda").exists() or not importlib.util.find_spec("ziglang"):
        raise Trouble(f"cargo-lambda is missing from the virtual environment. {INSTALL}")
    if not has_target(TARGETS[architecture]):
        raise Trouble(
            f"The Rust target for {architecture} is not installed. Type: rustup target add {TARGETS[architecture]}, "
            f"or {again('deploy', ARCH=OTHER[architecture])}, or make deploy PREBUILT=…"
        )


def has_target(target):
    """Whether the standard library for a target is there, also without rustup."""
    command = ["rustc", "--print", "target-libdir", "--target", target]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return asked.returncode == 0 and any(Path(asked.stdout.strip()).glob("libstd-*"))
