"""The states that CloudFormation gives a stack: what each means, which commands can work with it, and what to type next."""

from dataclasses import dataclass

from .hints import again

NEVER_DEPLOYED = "REVIEW_IN_PROGRESS"
# States in which a stack can only be deleted; nothing in it ever worked.
FAILED_AT_FIRST = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}
# An update failed, and then the way back did. CloudFormation can be told to go on.
STUCK = "UPDATE_ROLLBACK_FAILED"


@dataclass(frozen=True)
class Kind:
    meaning: str
    # What to do next; `{command}` is the one that was typed.
    next: str
    # The commands that go on nevertheless.
    allows: tuple = ()


WAIT = "Wait until it has ended. Type: {again}"
NEVER = Kind("its first deployment was prepared, but never confirmed", "Type: make deploy", ("deploy", "destroy"))
FAILED = Kind("its first deployment failed", "Type: make deploy, which deletes it and starts again", ("deploy", "destroy"))
CREATING = Kind("its first deployment is under way", WAIT, ("destroy",))
UNDOING = Kind("its first deployment failed and is being undone", WAIT)
CHANGING = Kind("another change is under way", WAIT, ("logs",))
CLEANING = Kind("a change has just been made, and what it replaced is being removed", WAIT, ("connect", "secret", "doctor", "logs", "redrive", "backfill"))
HALF_WAY = Kind("an update failed, and so did the way back", "Type: make deploy, which goes on with the way back first", ("deploy", "destroy", "logs"))
LEFT = Kind(
    "a change failed and was left as it was",
    'Choose "Roll back" for it in the console of CloudFormation. Then type: make {command}',
    ("destroy", "logs"),
)
DELETING = Kind("it is being deleted", "Type: make destroy, which waits until it is gone", ("destroy",))
NOT_DELETED = Kind("deleting it failed", "Type: make destroy, to finish that", ("destroy",))

KINDS = {
    NEVER_DEPLOYED: NEVER,
    **dict.fromkeys(FAILED_AT_FIRST, FAILED),
    "CREATE_IN_PROGRESS": CREATING,
    "ROLLBACK_IN_PROGRESS": UNDOING,
    **dict.fromkeys(("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "IMPORT_IN_PROGRESS", "IMPORT_ROLLBACK_IN_PROGRESS"), CHANGING),
    **dict.fromkeys(("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"), CLEANING),
    STUCK: HALF_WAY,
    **dict.fromkeys(("UPDATE_FAILED", "IMPORT_ROLLBACK_FAILED"), LEFT),
    "DELETE_IN_PROGRESS": DELETING,
    "DELETE_FAILED": NOT_DELETED,
}


def obstacle(name, status, command):
    """A sentence about a state in which the command cannot work, or None."""
    kind = KINDS.get(status)
    if kind is None or command in kind.allows:
        return None
    return f"The stack {name} is in the state {status}: {kind.meaning}. {kind.next.format(command=command, again=again(command))}"
