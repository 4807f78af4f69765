"""The stack at CloudFormation: its state, outputs and parameters."""

import functools
import os
from dataclasses import dataclass

from . import answers, aws, states
from .hints import remembered, say
from .trouble import Trouble


@dataclass
class Stack:
    name: str
    region: str
    status: str
    outputs: dict
    parameters: dict


def described(name, region):
    """The stack, or None if there is none of that name."""
    try:
        found = aws.called(region, "cloudformation", "describe_stacks", StackName=name)["Stacks"][0]
    except aws.Refused as refused:
        if "does not exist" in str(refused.error):
            return None
        raise
    outputs = {it["OutputKey"]: it["OutputValue"] for it in found.get("Outputs", [])}
    parameters = {it["ParameterKey"]: it.get("ParameterValue", "") for it in found.get("Parameters", [])}
    return Stack(name, region, found.get("StackStatus", "CREATE_COMPLETE"), outputs, parameters)


@functools.cache
def named():
    """Name and region of the stack that is meant. The remembered region wins over the shell's, and says so."""
    name = answers.stack_name()
    region, shell = answers.recall(name).get("region"), aws.shell_region()
    if region and shell and shell != region:
        say(f"Region {region}, remembered for the stack {name} in .stacks/{name}.json; this shell says {shell}.")
    if not (region or shell):
        raise Trouble(aws.NO_REGION)
    return name, region or shell


def deployed(command):
    """The stack that is meant, if the command can work with it."""
    name, region = named()
    # Who deployed a release may have no Rust to build with.
    prebuilt = answers.recall(name).get("prebuilt")
    if prebuilt and os.path.exists(prebuilt):
        remembered["PREBUILT"] = prebuilt
    found = described(name, region)
    if found is None:
        raise Trouble(f"There is no stack named {name} in {region}. Type: make deploy, or make {command} STACK=… for another name")
    check_state(found, command)
    if "SecretArn" not in found.outputs:
        raise Trouble(f"The stack {name} is in the state {found.status} and has no outputs, so it is not one of this template. Type: make {command} STACK=…")
    return found


def check_state(found, command):
    """Raises Trouble for a stack that the command cannot work with now."""
    obstacle = states.obstacle(found.name, found.status, command)
    if obstacle:
        raise Trouble(obstacle)
