"""The stack at CloudFormation: its state, outputs and parameters."""

import functools
import os
from dataclasses import dataclass
from datetime import UTC

from . import answers, aws, states
from .hints import remembered, say
from .trouble import Trouble


# A name that no other template is likely to have.
PARAMETER_OF_OURS = "PersonIdentifier"


@dataclass
class Stack:
    name: str
    region: str
    status: str
    outputs: dict
    parameters: dict
    # RFC 3339, in UTC.
    created: str = ""


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
    created = found["CreationTime"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Stack(name, region, found.get("StackStatus", "CREATE_COMPLETE"), outputs, parameters, created)


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
    remember_release(name)
    check_account(name, region)
    found = described(name, region)
    if found is None:
        raise Trouble(missing(name, region, command) + "; make deploy, if it was never deployed")
    check_state(found, command)
    check_own(found, command)
    if "SecretArn" not in found.outputs:
        raise Trouble(f"The stack {name} is in the state {found.status} and has no outputs, so it is not one of this template. Type: make {command} STACK=…")
    return found


def remember_release(name):
    """Lets hints name the release that a stack was deployed from: whoever did so may have no Rust to build with."""
    prebuilt = answers.recall(name).get("prebuilt")
    if prebuilt and os.path.exists(prebuilt):
        remembered["PREBUILT"] = prebuilt


def missing(name, region, command):
    """That there is no such stack, and where it may be instead."""
    kept = f" (.stacks/{name}.json remembers {region}: remove that file first)" if answers.recall(name).get("region") else ""
    return (
        f"There is no stack named {name} in {region}. Type: make {command} STACK=…, if it has another name; "
        f"export AWS_REGION=…, then the same again, if it is in another region{kept}"
    )


def check_state(found, command):
    """Raises Trouble for a stack that the command cannot work with now."""
    obstacle = states.obstacle(found.name, found.status, command)
    if obstacle:
        raise Trouble(obstacle)


def check_own(found, command):
    """Raises Trouble for a stack that another template made: deploying would delete what is in it."""
    is_own = PARAMETER_OF_OURS in found.parameters or found.status == states.NEVER_DEPLOYED
    if not is_own:
        raise Trouble(
            f"The stack {found.name} in {found.region} was made by another template; nothing was changed. "
            f"Type: make {command} STACK=…, with another name"
        )


def check_account(name, region):
    """Raises Trouble if the stack was deployed to another account than this shell's."""
    remembered = answers.recall(name).get("account")
    if remembered:
        same_account(name, remembered, aws.account(region))


def same_account(name, remembered, account):
    """A stack of the same name in another account is another stack."""
    if remembered and remembered != account:
        raise Trouble(
            f"The stack {name} was deployed to account {remembered}, but this shell's credentials are for {account}. "
            f"Type: export AWS_PROFILE=…, or make deploy STACK=… for a stack in this account"
        )
