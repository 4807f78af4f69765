"""`make redrive`: moves dead letters back into the queue, once what they were refused for is fixed."""

import time

from . import aws, delivery, queues, stack
from .hints import say
from .queues import plural
from .trouble import Trouble

POLL_SECONDS = 2
# A task that has just been started is listed a moment later.
LISTED_SECONDS = 60
ENDED = ("COMPLETED", "FAILED", "CANCELLED")


def main():
    found = stack.deployed("redrive")
    if not queues.of(found):
        raise Trouble(
            f"The stack {found.name} has no queue (Delivery={delivery.of(found.parameters)}), and so no dead letters. "
            f"Dodo keeps what was refused: replay it in its dashboard. Type: make logs SINCE=1d FILTER=rejected, to see what there is"
        )
    arns = queues.arns(found)
    source, target = arns["dead letters"], arns["queue"]
    task = started(found.region, source, target)
    say(ended(follow(found.region, source, task), queues.depths(found)["dead letters"]))


def started(region, source, target):
    """Starts a task, unless one is at work already: the newest task before it, and whether that is the one to follow."""
    before = newest(region, source)
    if before and before["Status"] not in ENDED:
        say("A redrive is at work already. This is its progress:")
        return None
    try:
        # By name: a copy that the function has put there has no queue that SQS knows it came from.
        aws.called(region, "sqs", "start_message_move_task", SourceArn=source, DestinationArn=target)
    except aws.Refused as refused:
        if not is_at_work(region, source):
            raise
        say(f"A redrive has just been started by somebody else ({aws.code_of(refused.error)}). This is its progress:")
    return before


def newest(region, source):
    tasks = aws.called(region, "sqs", "list_message_move_tasks", SourceArn=source, MaxResults=1).get("Results", [])
    return tasks[0] if tasks else None


def is_at_work(region, source):
    task = newest(region, source)
    return bool(task) and task["Status"] not in ENDED


def follow(region, source, before):
    """Shows the progress of the newest task, which is not the one `before` it, until it has ended."""
    say("==> SQS is at work (Ctrl-C leaves it at work)", flush=True)
    shown, patience = None, LISTED_SECONDS / POLL_SECONDS
    while True:
        task = newest(region, source)
        if is_other(task, before):
            if task["Status"] in ENDED:
                return task
            shown = progress(task, shown)
        elif (patience := patience - 1) < 0:
            raise Trouble("SQS took the task, but does not list it. Look at the queue of dead letters in its console, or type: make redrive")
        time.sleep(POLL_SECONDS)


def is_other(task, before):
    return bool(task) and (before is None or task.get("StartedTimestamp") != before.get("StartedTimestamp"))


def progress(task, shown):
    """Prints how far it is, unless that was the last thing printed."""
    total = task.get("ApproximateNumberOfMessagesToMove")
    line = f"    {moved(task)}{f' of {total}' if total else ''} moved"
    if line != shown:
        say(line, flush=True)
    return line


def moved(task):
    return task.get("ApproximateNumberOfMessagesMoved") or 0


def ended(task, left):
    """What came of it, in a sentence, or Trouble."""
    count = moved(task)
    letters = f"{count} {plural(count, 'dead letter')}"
    if task["Status"] == "FAILED":
        reason = task.get("FailureReason", "it gives no reason").rstrip(".")
        raise Trouble(f"SQS could not go on after {letters}: {reason}. What is left is still there. Once that is put right, type: make redrive")
    if task["Status"] == "CANCELLED":
        raise Trouble(f"Somebody cancelled it after {letters}. What is left is still there. Type: make redrive, to go on")
    if count:
        return f"Moved {letters} back into the queue. What is refused again comes back, with its reason: make doctor, in a minute, says how many."
    if left.in_flight:
        return f"Nothing was moved: somebody is looking at {left.in_flight} {plural(left.in_flight, 'dead letter')} in SQS's console. In half a minute, type: make redrive"
    return "There are no dead letters; nothing was moved."
