"""Makes the virtual environment `.venv` in parts: `python3 -m ops.venv PART…`. Each target of the Makefile names the
parts that it needs.

It runs with the system's Python, before anything is installed. A file `.venv/.PART` says that a part is there.
"""

import contextlib
import fcntl
import os
import re
import subprocess
import sys
import venv

from .hints import say
from .paths import ROOT
from .trouble import Trouble

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "tests" / "constraints.txt"

# What each part is for, its requirements, and those that are installed without what they bring along.
PARTS = {
    "demo": ("make demo and make dev", "crates/local-tools/requirements.txt", "crates/local-tools/requirements-alone.txt"),
    "ops": ("deploying", "ops/requirements.txt", None),
    "build": ("building for Lambda", "ops/requirements-build.txt", None),
    "tests": ("make test", "tests/requirements.txt", "tests/requirements-alone.txt"),
}


def main(parts):
    check_python()
    with lock():
        for part in needed(parts):
            install(part)


def check_python():
    """The Makefile has made sure of its version."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise Trouble("This Python has no venv. On Debian and Ubuntu type: apt-get install python3-venv, then the same again") from None


@contextlib.contextmanager
def lock():
    """Two makes at once must not install into one environment."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def needed(parts):
    """The parts that were asked for, and those that were there in an environment that no longer works."""
    if works():
        return parts
    lost = [part for part in PARTS if stamp(part).exists()]
    try:
        venv.create(VENV, clear=(VENV / "pyvenv.cfg").exists(), symlinks=True, with_pip=True)
    # ValueError: .venv is a file.
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise Trouble(f"The virtual environment .venv cannot be made ({error}). Type: rm -rf .venv, then the same again") from None
    return list(dict.fromkeys([*lost, *parts]))


def works():
    """A Python that was replaced or a checkout that was moved leaves one behind that does not."""
    try:
        return subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def stamp(part):
    return VENV / f".{part}"


def install(part):
    purpose, requirements, alone = PARTS[part]
    say(f"==> tools for {purpose}, in .venv (once)", flush=True)
    pip("--requirement", ROOT / requirements)
    if alone:
        pip("--no-deps", "--requirement", ROOT / alone)
    stamp(part).touch()


def pip(*arguments):
    """Installs, and shows a line for each package that is downloaded."""
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", "--constraint", CONSTRAINTS]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if line.startswith("Collecting "):
                say("    " + re.split("[^A-Za-z0-9._-]", line.split()[1])[0], flush=True)
            elif line.startswith("Installing "):
                say("    installing", flush=True)
    if running.returncode != 0:
        raise Trouble("The packages could not be installed; what pip said is above. Check the network, then type the same again")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Trouble as trouble:
        sys.exit(f"{trouble}.")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
