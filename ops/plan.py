"""What a deployment will do, before anything is built."""

import os
from dataclasses import dataclass

from . import delivery, parameters, transforms
from .hints import again
from .trouble import Trouble

ARCHITECTURE, TRANSFORM, FRONT_DOOR = "Architecture", "TransformFile", "FrontDoor"
# Variables that are short for a parameter.
SHORT = {"ARCH": ARCHITECTURE, "TRANSFORM": TRANSFORM}


@dataclass
class Plan:
    name: str
    region: str
    account: str
    # What the stack has now; empty for a new one.
    before: dict
    # What it will have: every parameter of the template.
    after: dict

    @property
    def architecture(self):
        return self.after[ARCHITECTURE]


def named(environment=os.environ):
    """Parameters that this command names: PARAMS, and ARCH and TRANSFORM, which are short for two of them."""
    values = with_paths(parameters.parse(environment.get("PARAMS", "")))
    for variable, parameter in SHORT.items():
        if environment.get(variable):
            short = with_paths({parameter: environment[variable]})
            check_agreement(variable, parameter, short, values)
            values |= short
    return values


def with_paths(values):
    """The same, with the transform as the template names it, whichever way it was typed."""
    return {name: transforms.resolved(value) if name == TRANSFORM else value for name, value in values.items()}


def check_agreement(variable, parameter, short, values):
    """Raises Trouble if PARAMS says something else than the variable that is short for it."""
    one, other = short[parameter], values.get(parameter)
    if other is not None and one != other:
        rest = parameters.without(os.environ.get("PARAMS", ""), parameter)
        raise Trouble(
            f'{variable} says {parameters.shown(one)}, but {parameter} in PARAMS says {parameters.shown(other)}. '
            f"Leave one of them out. Type: {again('deploy', **{variable: one or 'none', 'PARAMS': rest})}"
        )


def description(plan):
    """Lines that say what will change."""
    lines = [f"Stack {plan.name} in {plan.region}, account {plan.account}:" + ("" if plan.before else " new")]
    changes = parameters.changes(plan.before, plan.after) if plan.before else differing_from_defaults(plan)
    lines += [f"  {line}" for line in changes] or ["  every parameter stays as it is"]
    gone = sorted(set(plan.before) - set(plan.after))
    if gone:
        lines.append(f"  no longer in the template: {', '.join(gone)}")
    lines.append(f"  transform: {transform_now(plan)}")
    lines += [f"  {line}" for line in delivery.meaning(plan.before, plan.after)]
    if plan.before and changes_url(plan):
        lines.append("  The function gets another URL: make connect makes an endpoint for it; delete the old one at Dodo then.")
    return lines


def changes_url(plan):
    """Whether what stands in front of a function that is there changes."""
    now = plan.after.get(FRONT_DOOR)
    return plan.before.get(FRONT_DOOR, now) != now


def differing_from_defaults(plan):
    return [f"{name}: {value}" for name, value in plan.after.items() if value != ""]


def transform_now(plan):
    shown = {"": "the built-in one", ".": "all files of transforms/"}
    now = [shown.get(it, f"transforms/{it}") for it in (plan.before.get(TRANSFORM, ""), plan.after[TRANSFORM])]
    return now[1] if now[0] == now[1] or not plan.before else f"{now[0]} -> {now[1]}"
