"""Everything that is printed passes here, so that each command in it can be copied and works: for the stack that is
meant, and with the release that was named.
"""

import os
import re
import shlex

# The commands for a stack, with the variables that a hint must carry where they are set.
CARRIED = {
    "deploy": ("STACK", "PREBUILT"),
    **dict.fromkeys(("connect", "secret", "doctor", "logs", "redrive", "destroy", "backfill"), ("STACK",)),
}
# What else a command takes, to repeat it as it was typed.
OPTIONS = {"deploy": ("PARAMS", "TRANSFORM", "ARCH", "GUIDED", "YES"), "connect": ("RATE_LIMIT", "EVENTS"), "secret": ("ADD", "DROP"), "backfill": ("DRY_RUN", "SINCE", "UNTIL", "EVENTS", "EXCLUDE", "YES")}
# Values for variables that this shell does not set, as the stack was deployed with them.
remembered = {}
# Such a command in a sentence, with the variables behind it.
COMMAND = re.compile(rf"""\bmake ({"|".join(CARRIED)})\b((?: [A-Z_]+=(?:"[^"]*"|'[^']*'|\S*))*)""")


def say(text, **options):
    """Prints for whoever typed the command."""
    print(completed(text), **options)


def completed(text):
    """The text, with every command in it made to fit the stack that is meant."""

    def complete(found):
        missing = [it for it in CARRIED[found[1]] if f" {it}=" not in found[2]]
        return f"make {found[1]}{given(missing)}{found[2]}"

    return COMMAND.sub(complete, text)


def again(command, **changes):
    """The command as it was typed, with other values for some variables; None leaves one out."""
    names = (*CARRIED[command], *OPTIONS.get(command, ()))
    values = {**{name: value(name) for name in names}, **changes}
    return f"make {command}" + "".join(assignment(name, value) for name, value in values.items() if value)


def given(names):
    return "".join(assignment(name, value(name)) for name in names if value(name))


def value(name):
    return os.environ.get(name) or remembered.get(name)


def assignment(name, value):
    """For a shell, and for make, which reads $$ as $."""
    return f" {name}={shlex.quote(value.replace('$', '$$'))}"
