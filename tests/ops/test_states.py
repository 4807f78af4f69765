"""What each command says to each state of a stack."""

import pytest
from botocore.session import Session

from ops import states

COMMANDS = ("deploy", "connect", "secret", "doctor", "logs", "redrive", "destroy", "backfill")
USABLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}


def every_state():
    shape = Session().get_service_model("cloudformation").shape_for("StackStatus")
    # A deleted stack is not found by its name.
    return set(shape.enum) - {"DELETE_COMPLETE"}


def test_every_state_of_cloudformation_is_known():
    assert every_state() == USABLE | set(states.KINDS)


@pytest.mark.parametrize("state", sorted(every_state()))
def test_each_command_goes_on_or_names_the_state_and_the_next_command(state):
    for command in COMMANDS:
        said = states.obstacle("shop", state, command)
        if state in USABLE:
            assert said is None
        elif said:
            assert f"The stack shop is in the state {state}: " in said and "ype: make " in said, said


@pytest.mark.parametrize("state, command, goes_on", [
    ("UPDATE_ROLLBACK_FAILED", "deploy", True),
    ("UPDATE_ROLLBACK_FAILED", "secret", False),
    ("UPDATE_ROLLBACK_FAILED", "destroy", True),
    ("UPDATE_IN_PROGRESS", "deploy", False),
    ("UPDATE_IN_PROGRESS", "destroy", False),
    ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "doctor", True),
    ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "backfill", True),
    ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "deploy", False),
    ("CREATE_IN_PROGRESS", "connect", False),
    ("CREATE_IN_PROGRESS", "destroy", True),
    ("DELETE_IN_PROGRESS", "deploy", False),
    ("DELETE_IN_PROGRESS", "destroy", True),
    ("ROLLBACK_COMPLETE", "deploy", True),
    ("ROLLBACK_COMPLETE", "doctor", False),
])
def test_who_may_work_with_what(state, command, goes_on):
    assert (states.obstacle("shop", state, command) is None) == goes_on


def test_whatever_refuses_leads_to_a_command_that_goes_on():
    """Waiting aside, the command that is named must not refuse in its turn."""
    for state in states.KINDS:
        for command in COMMANDS:
            said = states.obstacle("shop", state, command)
            if said and "Wait" not in said and "console" not in said:
                named = said.split("make ")[1].split(",")[0]
                assert states.obstacle("shop", state, named) is None, said
