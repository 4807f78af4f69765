"""What a stack was told, in `.stacks/NAME.json`, outside git: region, account and parameters.

Once a stack exists, CloudFormation knows its parameters best, since they can be changed from other
places too. This file says where the stack is, and keeps the answers until it exists.
"""

import json
import os
import re
import tomllib

from .hints import say
from .paths import ANSWERS, ROOT
from .trouble import Trouble

DEFAULT_STACK = "dodo-customerio"
# CloudFormation's rule for names of stacks.
STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
# In the form that `sam deploy --guided` writes: Name="value", with quotes inside escaped.
SAVED = re.compile(r'([A-Za-z0-9]+)=(?:"((?:\\.|[^"\\])*)"|(\S*))')


def stack_name():
    """The stack that is meant: STACK, else the one that samconfig.toml named, else the default."""
    given = os.environ.get("STACK")
    if given is not None and not given.strip():
        raise Trouble("STACK is empty. Name the stack, as in STACK=shop, or leave STACK out")
    name = given or default_stack()
    if not STACK_NAME.fullmatch(name):
        raise Trouble(f'"{name}" cannot be the name of a stack: letters, digits and hyphens, first a letter. Type: the same again with another name, as in STACK=shop')
    return name


def default_stack():
    marked = ANSWERS / "default"
    if marked.exists():
        return marked.read_text().strip()
    return old_answers().get("stack_name") or DEFAULT_STACK


def recall(name):
    """The stack's answers; empty for one that is not known here."""
    file = ANSWERS / f"{name}.json"
    try:
        told = json.loads(file.read_text())
        if is_told(told):
            return told
        raise ValueError
    except FileNotFoundError:
        return taken_over(name)
    except ValueError:
        raise Trouble(f"{file} does not hold answers. Type: rm {file}, then the same again; the stack's parameters are kept") from None


def is_told(told):
    """Whether it is what `keep` writes: strings, and an object of strings."""
    if not isinstance(told, dict):
        return False
    parameters = told.get("parameters", {})
    strings = [value for name, value in told.items() if name != "parameters"]
    return isinstance(parameters, dict) and all(isinstance(it, str) for it in [*strings, *parameters.values()])


def keep(name, answers):
    """Writes the file whole, or not at all."""
    ANSWERS.mkdir(exist_ok=True)
    file = ANSWERS / f"{name}.json"
    new = file.with_suffix(".new")
    new.write_text(json.dumps(answers, indent=2) + "\n")
    new.replace(file)


def restore(name, told):
    """Puts back what was remembered before `keep`."""
    keep(name, told) if told else forget(name)


def forget(name):
    (ANSWERS / f"{name}.json").unlink(missing_ok=True)


def taken_over(name):
    """The answers that an earlier version kept in samconfig.toml. They are read once, for their own stack only."""
    old = old_answers()
    if not old.get("region") or old.get("stack_name", DEFAULT_STACK) != name:
        return {}
    answers = {"region": old["region"], "parameters": saved_parameters(old.get("parameter_overrides", ""))}
    told = [f"region={old['region']}"] + [f"{key}={value}" for key, value in answers["parameters"].items()]
    say(f"Taken from samconfig.toml, once, for the stack {name}: " + ", ".join(told))
    keep(name, answers)
    if name != DEFAULT_STACK:
        (ANSWERS / "default").write_text(name + "\n")
    return answers


def old_answers():
    try:
        text = (ROOT / "samconfig.toml").read_text()
        return tomllib.loads(text)["default"]["deploy"]["parameters"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return {}


def saved_parameters(saved):
    """Parameters in the forms that SAM reads: a string, a list of strings, a table."""
    if isinstance(saved, dict):
        return {name: str(value) for name, value in saved.items()}
    text = saved if isinstance(saved, str) else " ".join(map(str, saved))
    found = SAVED.finditer(text)
    return {it[1]: re.sub(r"\\(.)", r"\1", it[2]) if it[2] is not None else it[3] for it in found}
