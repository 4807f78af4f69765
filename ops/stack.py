"""The stack at CloudFormation: its state, outputs and parameters."""

import functools
from dataclasses import dataclass

from . import answers, aws
from .trouble import Trouble

NEVER_DEPLOYED = "REVIEW_IN_PROGRESS"
# States in which a stack can only be deleted; nothing in it ever worked.
FAILED_AT_FIRST = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}


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
        print(f"Region {region}, remembered for the stack {name} in .stacks/{name}.json; this shell says {shell}.")
    if not (region or shell):
        raise Trouble(aws.NO_REGION)
    return name, region or shell


def deployed():
    """The stack that is meant, if it can be worked with."""
    name, region = named()
    found = described(name, region)
    if found is None:
        raise Trouble(f"There is no stack named {name} in {region}. Type: make deploy, or STACK=… for another name")
    unusable = why_unusable(found)
    if unusable:
        raise Trouble(unusable)
    return found


def why_unusable(stack):
    """A sentence about the state of a stack whose outputs cannot be used, or None."""
    name, status = stack.name, stack.status
    if status == NEVER_DEPLOYED:
        return f"The stack {name} is in the state {status}: its first deployment was prepared, but never confirmed. Type: make deploy"
    if status in FAILED_AT_FIRST:
        return f"The stack {name} is in the state {status}: its first deployment failed. Type: make deploy, which deletes it and starts again"
    if status.startswith("DELETE"):
        return f"The stack {name} is in the state {status}. Type: make destroy, to finish that"
    if "SecretArn" not in stack.outputs:
        return f"The stack {name} is in the state {status} and has no outputs. Wait until it has finished. Type: make doctor"
    return None
