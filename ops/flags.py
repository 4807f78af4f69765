"""Switches in the environment, such as YES=1."""

import os

from .trouble import Trouble

ON, OFF = ("1", "yes", "true", "y"), ("", "0", "no", "false", "n")


def is_set(name):
    """Whether a switch is on. Anything but yes and no is refused: a typo must not confirm a deletion."""
    value = os.environ.get(name, "").strip().lower()
    if value not in ON + OFF:
        raise Trouble(f"{name}={value} is neither yes nor no. Type: {name}=1, or leave it out")
    return value in ON
