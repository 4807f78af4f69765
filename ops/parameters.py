"""The template's parameters: which there are, what they may be, and what becomes of them in a deployment."""

import difflib
import os
import re

from samtranslator.yaml_helper import yaml_parse

from .hints import again
from .trouble import Trouble

# Name=value in PARAMS. A value in quotes ends with them; another one, which may contain spaces as
# `payment.succeeded=Order Completed` does, before the next name.
NAME = r"[A-Za-z][A-Za-z0-9_-]*"
ASSIGNMENT = re.compile(rf"""\s*({NAME})=("[^"]*"(?=\s|$)|'[^']*'(?=\s|$)|.*?(?=\s+{NAME}=|\s*$))""", re.DOTALL)


def of_template(text):
    """The parameters' definitions, by name."""
    return yaml_parse(text)["Parameters"]


def groups(text):
    """Label and names of each group, in the template's order."""
    interface = yaml_parse(text)["Metadata"]["AWS::CloudFormation::Interface"]
    return [(group["Label"]["default"], group["Parameters"]) for group in interface["ParameterGroups"]]


def defaults(definitions):
    return {name: str(definition.get("Default", "")) for name, definition in definitions.items()}


def parse(text):
    """`AlarmEmail=… SilenceHours=6` by name."""
    given, text, values = text, text.strip(), {}
    while text:
        found = ASSIGNMENT.match(text)
        if not found:
            raise Trouble(f'PARAMS must begin with a name, not with "{text.split()[0]}". Type: make deploy PARAMS="AlarmEmail=you@example.com"')
        name, value = found[1], unquoted(found[2].strip())
        if name in values:
            once = f"{without(given, name)} {name}={value}".strip()
            raise Trouble(f"PARAMS names {name} twice. Type: {again('deploy', PARAMS=once)}")
        values[name] = value
        text = text[found.end() :].strip()
    return values


def without(text, name):
    """PARAMS but for one name."""
    return " ".join(it[0].strip() for it in ASSIGNMENT.finditer(text) if it[1] != name)


def unquoted(value):
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def check(definitions, values):
    """Raises Trouble for the first name or value that the template does not allow."""
    for name, value in values.items():
        if name not in definitions:
            raise Trouble(f"The template has no parameter {name}. {suggestion(name, value, definitions)}")
        problem = wrong(definitions[name], value)
        if problem:
            raise Trouble(f'{name} {problem}, not "{value}". Type: make deploy PARAMS="{name}=…"')


def suggestion(name, value, definitions):
    """The name that is most like a wrong one, whatever its capitals."""
    known = {it.lower(): it for it in definitions}
    close = difflib.get_close_matches(re.sub("[_-]", "", name.lower()), known, 1)
    if not close:
        return "docs/configuration.md lists them. Type: make deploy PARAMS=…"
    right = known[close[0]]
    typed = f"{without(os.environ.get('PARAMS', ''), name)} {right}={value}".strip()
    return f"Did you mean {right}? Type: {again('deploy', PARAMS=typed)}"


def wrong(definition, value):
    """What a value must be, by the rules of CloudFormation, or None."""
    if "\\" in value:
        return "must not have a backslash, which SAM would not pass on"
    allowed = [str(it) for it in definition.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"must be one of {', '.join(allowed)}"
    pattern = definition.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return definition.get("ConstraintDescription", f"must match {pattern}")
    return wrong_number(definition, value) if definition["Type"] == "Number" else None


def wrong_number(definition, value):
    lowest, highest = definition.get("MinValue"), definition.get("MaxValue")
    within = f" from {lowest} to {highest}" if lowest is not None and highest is not None else ""
    if not re.fullmatch(r"-?[0-9]+", value):
        return f"must be a number{within}"
    number = int(value)
    low, high = lowest is not None and number < int(lowest), highest is not None and number > int(highest)
    return f"must be a number{within}" if low or high else None


def merged(definitions, *layers):
    """One value for each parameter: the template's default, or that of the last layer that has one."""
    values = defaults(definitions)
    for layer in layers:
        values.update({name: value for name, value in layer.items() if name in values})
    return values


def shown(value):
    return value if value != "" else "(empty)"


def changes(before, after):
    """A line for each parameter that a deployment changes."""
    names = [name for name in after if before.get(name) != after[name]]
    return [f"{name}: {shown(before[name])} -> {shown(after[name])}" if name in before else f"{name}: {shown(after[name])}" for name in names]
