"""What a deployment will do, before anything is built."""

import os
from dataclasses import dataclass

from . import parameters
from .paths import TRANSFORMS
from .trouble import Trouble

ARCHITECTURE, TRANSFORM = "Architecture", "TransformFile"


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
    values = parameters.parse(environment.get("PARAMS", ""))
    if environment.get("ARCH"):
        values[ARCHITECTURE] = environment["ARCH"]
    if environment.get("TRANSFORM"):
        file = environment["TRANSFORM"].removeprefix("transforms/").rstrip("/") or "."
        values[TRANSFORM] = "" if file == "none" else file
    return values


def check_transform(values, folder=TRANSFORMS):
    """A transform that is not there would only be noticed when the function starts."""
    file = values.get(TRANSFORM)
    if file and (".." in file or not is_there(folder / file)):
        there = ", ".join(sorted(it.relative_to(folder).as_posix() for it in folder.rglob("*.js")))
        missing = "JavaScript file in transforms/ itself" if file == "." else f"transforms/{file}"
        raise Trouble(f"There is no {missing}. There are: {there}. Type: make deploy TRANSFORM=…, or TRANSFORM=none")


def is_there(path):
    """A file, or a folder with files of its own: the function does not read those of subfolders."""
    return path.is_file() or any(path.glob("*.js"))


def description(plan):
    """Lines that say what will change."""
    lines = [f"Stack {plan.name} in {plan.region}, account {plan.account}:" + ("" if plan.before else " new")]
    changes = parameters.changes(plan.before, plan.after) if plan.before else differing_from_defaults(plan)
    lines += [f"  {line}" for line in changes] or ["  every parameter stays as it is"]
    gone = sorted(set(plan.before) - set(plan.after))
    if gone:
        lines.append(f"  no longer in the template: {', '.join(gone)}")
    lines.append(f"  transform: {transform_now(plan)}")
    return lines


def differing_from_defaults(plan):
    return [f"{name}: {value}" for name, value in plan.after.items() if value != ""]


def transform_now(plan):
    shown = {"": "the built-in one", ".": "all files of transforms/"}
    now = [shown.get(it, f"transforms/{it}") for it in (plan.before.get(TRANSFORM, ""), plan.after[TRANSFORM])]
    return now[1] if now[0] == now[1] or not plan.before else f"{now[0]} -> {now[1]}"
