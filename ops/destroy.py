"""`make destroy`: deletes the stack, after it has said what is final and what it leaves."""

import sys

from . import answers, change_set, delivery, flags, queues, questions, stack, switch
from .hints import again, say
from .trouble import Trouble

EMPTY = "make deploy PARAMS=Delivery=drain, and wait until make doctor says that both queues are empty"
# What is true of a stack in mode `queue` whatever its queues hold now.
FILLING = "What arrives before the function is gone would wait in a queue that nothing empties any more (Delivery=queue)"


def main():
    name, region = stack.named()
    stack.remember_release(name)
    questions.need_terminal_or_yes("destroy")
    stack.check_account(name, region)
    found = stack.described(name, region)
    if found is None:
        raise Trouble(stack.missing(name, region, "destroy"))
    stack.check_state(found, "destroy")
    stack.check_own(found, "destroy")
    say("\n".join(consequences(found)))
    queues.say_gone(found)
    left = queues.settled(found, "deletes nothing")
    if not given_up(found, left):
        raise Trouble(f"Nothing was deleted.{way_out(found, left)}".rstrip("."))
    if not questions.confirmed(f"Delete the stack {name}?"):
        raise Trouble(f"Nothing was deleted. To delete it, type: {again('destroy')}")
    change_set.delete(name, region)
    answers.forget(name)
    say(f"The stack {name} is deleted.")


def given_up(found, left):
    """Whether there is nothing to deliver, or somebody at a terminal says that it need not be: what is `left` in the
    queues, which YES=1 does not say, or what may still arrive.
    """
    if not left:
        return not is_filling(found) or questions.confirmed(f"{FILLING}. Go on all the same?")
    if flags.is_set("YES") or not sys.stdin.isatty():
        raise Trouble(
            f"Nothing was deleted: the queues are not empty ({left}), and nothing would deliver that any more.{way_out(found, left)} To give it up, "
            f"type: {again('destroy', YES=None)}, at a terminal, which asks; or purge the queues in the console of SQS first"
        )
    return questions.confirmed(f"The queues are not empty ({left}), and nothing would deliver that any more. Go on all the same?")


def way_out(found, left):
    """How to empty the queues of what is left in them, or would still arrive."""
    if left and "webhook" not in left:
        return switch.letters(left)
    is_draining = delivery.of(found.parameters) == delivery.DRAIN
    drain = " Wait until make doctor says that both queues are empty." if is_draining else f" To empty the queue, type: {EMPTY}."
    return drain + switch.letters(left or "")


def is_filling(found):
    """Whether the webhook function goes on putting webhooks into the queue."""
    return delivery.of(found.parameters) == delivery.QUEUE and "queue" in queues.existing(found)


def consequences(found):
    """What is final, and what stays."""
    lines = [f"The stack {found.name} in {found.region}. For good go: the function and its URL, the alarms, the dashboard and the log."]
    own = found.parameters.get("ExistingSecretArn", "")
    lines.append("  The secret goes with it, at once." if not own else f"  The secret stays, since it was there before: {own}")
    url = found.outputs.get("FunctionUrl")
    if url:
        lines.append(f"  Dodo goes on posting to {url} until its endpoint is disabled or deleted in Dodo's dashboard; do that first.")
        lines.append("  A new stack has another URL. What arrives in between is lost, unless you replay it within two weeks.")
    left = queues.existing(found)
    if left:
        lines.append(f"  The queues stay, with what is in them, for 14 days at most: {', '.join(left.values())}")
    if is_filling(found):
        lines.append(f"  {FILLING}. To lose none, first type: {EMPTY}")
    lines.append("  What stays: SAM's bucket with the uploaded code (aws-sam-cli-managed-default), people and events at Customer.io.")
    return lines
