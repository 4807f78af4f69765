"""Where things are."""

import sys
from pathlib import Path

# The checkout, or the folder that a release was unpacked to.
ROOT = Path(__file__).resolve().parent.parent
# The programs of the virtual environment that this runs in.
PROGRAMS = Path(sys.executable).parent
TEMPLATE = ROOT / "template.yaml"
TRANSFORMS = ROOT / "transforms"
ANSWERS = ROOT / ".stacks"


def has_sources():
    """Whether this is a checkout. An unpacked release has nothing to build from."""
    return (ROOT / "Cargo.toml").exists()
