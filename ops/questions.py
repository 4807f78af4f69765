"""Asks for what a deployment needs to know."""

import sys

from . import flags, parameters
from .hints import again, say
from .trouble import Trouble

# What the first deployment asks for. Everything else has a default that serves most, and can be changed later.
FIRST = ("CustomerIoRegion", "DodoEnvironment", "PersonIdentifier", "AlarmEmail")


def may_ask():
    return sys.stdin.isatty() and not flags.is_set("YES")


def need_terminal_or_yes(command):
    """Without either, says how to give the same command without questions, for the same stack."""
    guided, yes = command == "deploy" and flags.is_set("GUIDED"), flags.is_set("YES")
    if guided and yes:
        raise Trouble(f"GUIDED=1 asks for everything, and YES=1 for nothing. Leave one out. Type: {again(command, YES=None)}")
    if guided and not sys.stdin.isatty():
        raise Trouble('GUIDED=1 asks for every parameter, and there is no terminal to ask in. Name what to change. Type: make deploy PARAMS="Name=value" YES=1')
    if not (yes or sys.stdin.isatty()):
        raise Trouble(f"There is no terminal to ask in. Type: {again(command, YES='1')}, to go on without questions")


def asked(template, values, everything):
    """Values for the parameters that are asked for: all of them, or those of a first deployment."""
    definitions = parameters.of_template(template)
    say("Enter keeps what stands in brackets; - means empty.")
    answered = {}
    for label, names in parameters.groups(template):
        names = [name for name in names if everything or name in FIRST]
        if names:
            say(f"\n{label}")
        answered.update({name: one(name, definitions[name], values[name]) for name in names})
    return answered


def one(name, definition, value):
    """Asks until the answer is allowed."""
    say(f"  {definition.get('Description', '')}".rstrip())
    while True:
        answer = input(f"  {name} [{value}]: ").strip() or value
        answer = "" if answer == "-" else answer
        problem = parameters.wrong(definition, answer)
        if not problem:
            return answer
        say(f"  It {problem}.")


def region(proposal):
    answer = input(f"AWS region [{proposal or 'eu-central-1'}]: ").strip()
    return answer or proposal or "eu-central-1"


def confirmed(question):
    """Whether YES is set or the answer is yes. That one of them can be had was checked before."""
    if flags.is_set("YES"):
        return True
    return input(f"{question} [y/N]: ").strip().lower() in ("y", "yes")
