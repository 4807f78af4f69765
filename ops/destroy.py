"""`make destroy`: deletes the stack, after it has said what is final and what it leaves."""

from . import answers, change_set, questions, stack
from .hints import again, say
from .trouble import Trouble


def main():
    name, region = stack.named()
    questions.need_terminal_or_yes("destroy")
    stack.check_account(name, region)
    found = stack.described(name, region)
    if found is None:
        raise Trouble(f"There is no stack named {name} in {region}. Type: make destroy STACK=…, for another name")
    stack.check_state(found, "destroy")
    stack.check_own(found, "destroy")
    say("\n".join(consequences(found)))
    if not questions.confirmed(f"Delete the stack {name}?"):
        raise Trouble(f"Nothing was deleted. To delete it, type: {again('destroy')}")
    change_set.delete(name, region)
    answers.forget(name)
    say(f"The stack {name} is deleted.")


def consequences(found):
    """What is final, and what stays."""
    lines = [f"The stack {found.name} in {found.region}. For good go: the function and its URL, the alarms, the dashboard and the log."]
    own = found.parameters.get("ExistingSecretArn", "")
    lines.append("  The secret goes with it, at once." if not own else f"  The secret stays, since it was there before: {own}")
    url = found.outputs.get("FunctionUrl")
    if url:
        lines.append(f"  Dodo goes on posting to {url} until its endpoint is disabled or deleted in Dodo's dashboard; do that first.")
        lines.append("  A new stack has another URL. What arrives in between is lost, unless you replay it within two weeks.")
    lines.append("  What stays: SAM's bucket with the uploaded code (aws-sam-cli-managed-default), people and events at Customer.io.")
    return lines
