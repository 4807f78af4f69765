"""`make backfill`: runs the tool of crates/backfill with the credentials and settings of the stack, or without a
stack with those of the environment. DRY_RUN=1, SINCE=, UNTIL=, EVENTS=1, EXCLUDE=file, YES=1.
"""

import os
import pathlib

from . import answers, flags, stack
from .dodo import environment_of, other_mode
from .hints import again, say
from .paths import ROOT
from .secret import stored
from .secret_rules import FIELDS, OPTIONAL, wrong_in
from .trouble import Trouble
from .workspace import test_mode_warning

# As the Makefile builds it.
PROGRAM = ROOT / "target" / "release" / "backfill"
# The function's variable for each of the stack's parameters: what decides what a person is.
SETTINGS = {
    "CustomerIoRegion": "CUSTOMERIO_REGION",
    "CustomerIoTrackUrl": "CUSTOMERIO_TRACK_URL",
    "PersonIdentifier": "PERSON_IDENTIFIER",
    "Events": "EVENTS",
    "EventNames": "EVENT_NAMES",
    "UnknownFields": "UNKNOWN_FIELDS",
    "ExcludeFields": "EXCLUDE_FIELDS",
    "TransformFile": "TRANSFORM_FILE",
    "IdentifyTime": "IDENTIFY_TIME",
    "SubscriptionObjectType": "SUBSCRIPTION_OBJECT_TYPE",
    "DodoEnvironment": "DODO_ENVIRONMENT",
    "DodoApiUrl": "DODO_API_URL",
}
# Credentials by the field of the secret: the webhook secret is not needed.
CREDENTIALS = {field: variable for field, variable, _ in FIELDS[1:]}
# A stack with a key asks Dodo's API too, and both share its 100 calls a minute.
CALLS_A_MINUTE = "50"
SWITCHES = {"DRY_RUN": "--dry-run", "YES": "--yes"}
VALUES = {"SINCE": "--since", "UNTIL": "--until", "EXCLUDE": "--exclude"}


def main():
    check_folder()
    options = given()
    if uses_stack():
        environment, of_stack = from_stack()
        options = {**of_stack, **options}
    else:
        environment = from_shell()
    arguments = [part for option, value in options.items() for part in ([option] if value is None else [option, value])]
    say("", end="", flush=True)
    os.execve(PROGRAM, [str(PROGRAM), *arguments], environment)


def check_folder():
    """Raises Trouble if the files of the run, which hold personal data, would be in the checkout."""
    folder = os.environ.get("BACKFILL_FOLDER")
    if folder and pathlib.Path(folder).resolve().is_relative_to(ROOT.resolve()):
        raise Trouble(
            "BACKFILL_FOLDER is inside this checkout, and the files of a run hold personal data. Name a folder outside, or none: "
            f"by default they are in your home folder. Then type: {again('backfill')}"
        )


def given():
    """The tool's options by what was typed: a value, or None for a switch."""
    switches = {option: None for name, option in SWITCHES.items() if flags.is_set(name)}
    values = {option: os.environ[name] for name, option in VALUES.items() if os.environ.get(name)}
    return {**switches, **values, **({"--events": None} if wants_history() else {})}


def wants_history():
    """EVENTS=1. Without a stack, the shell's EVENTS may also be the function's setting, a list of types."""
    if not uses_stack() and names_types(os.environ.get("EVENTS", "")):
        return False
    return flags.is_set("EVENTS")


def names_types(value):
    return "." in value or "*" in value


def uses_stack():
    """Whether a stack is meant: named, known here, or nothing else is."""
    if os.environ.get("STACK") is not None or answers.recall(answers.stack_name()):
        return True
    return not any(os.environ.get(variable) for variable in CREDENTIALS.values())


def from_shell():
    """The environment as it is, but for a switch that would be taken for a setting."""
    say(f"Credentials and settings are those of this shell: this checkout does not know the stack {answers.stack_name()}. For those of a stack, type: make backfill STACK=…")
    return {name: value for name, value in os.environ.items() if name != "EVENTS" or names_types(value)}


def from_stack():
    """The tool's environment and options for the stack that is meant."""
    found = stack.deployed("backfill")
    kept = stored(found)
    secret = credentials(found, kept)
    ours = {*SETTINGS.values(), *CREDENTIALS.values()}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    settings = {SETTINGS[name]: value for name, value in found.parameters.items() if name in SETTINGS and value}
    keys = {CREDENTIALS[field]: value for field, value in secret.items()}
    say(f"Credentials and settings are those of the stack {found.name} in {found.region}.")
    # Webhooks have brought the events since then. People are not filtered by it, whatever is typed.
    options = {"--events-until": found.created}
    if kept.get(OPTIONAL):
        options["--calls-a-minute"] = CALLS_A_MINUTE
    return {**environment, **settings, **keys}, options


def credentials(found, kept):
    """What the stack's secret holds, as it is kept. Its dodo_api_key may come from the shell: a stack can do without one."""
    secret = {field: value for field, value in kept.items() if field in CREDENTIALS}
    secret.setdefault(OPTIONAL, os.environ.get(CREDENTIALS[OPTIONAL]))
    problems = [problem for field in CREDENTIALS if field != OPTIONAL and (problem := wrong_in(secret, field))]
    if problems:
        raise Trouble(f"{'; '.join(problems)} in the secret of the stack {found.name}. Type: make secret")
    check_key(secret[OPTIONAL], found)
    if warning := test_mode_warning(found.name, found.parameters, secret):
        say(f"??  {warning}.")
    return secret


def check_key(key, found):
    """Raises Trouble unless the key may belong to the mode of the stack."""
    if not key:
        raise Trouble(
            f"Dodo's lists cannot be read: the secret of the stack {found.name} has no {OPTIONAL}. Type: make secret, to store "
            f"one that reads; or export DODO_API_KEY=… in this shell, for this run only, then: {again('backfill', STACK=found.name)}"
        )
    if problem := wrong_in({OPTIONAL: key}, OPTIONAL):
        raise Trouble(f"{problem}. Type: make secret")
    environment = environment_of(found.parameters)
    if mode := other_mode(key, found.parameters):
        raise Trouble(
            f"The key of Dodo's API is one of {mode} mode, but the stack {found.name} is of {environment} mode. "
            f"Type: make secret, with a key of {environment} mode"
        )
