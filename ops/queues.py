"""The two queues of a stack: how much is in them, as far as SQS knows.

What SQS counts is approximate, and may lag behind for a minute after the last message was sent. So a queue counts as
empty only once it has been so for that long.
"""

import time
from dataclasses import dataclass

from . import aws
from .hints import say
from .trouble import Trouble

URLS = {"queue": "QueueUrl", "dead letters": "DeadLetterQueueUrl"}
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
# For how long it must look empty, and how often it is asked.
SETTLED_SECONDS, GLANCE_SECONDS, PAUSE_SECONDS = 60, 4, 2
# What SQS says of a queue that does not exist, in its two protocols.
NONE_SUCH = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
# CloudFormation does not make again what was deleted behind its back; but without a queue in the stack it makes new ones.
RENEWAL = "For new queues, type: make deploy PARAMS=Delivery=direct, then: make deploy PARAMS=Delivery=queue"


class Gone(Trouble):
    """Somebody has deleted a queue of the stack."""


@dataclass(frozen=True)
class Depth:
    waiting: int
    # Being delivered, or waiting to be tried again.
    in_flight: int
    delayed: int

    @property
    def total(self):
        return self.waiting + self.in_flight + self.delayed


def of(found):
    """The URLs of a stack's queues by what they hold; none for one that delivers directly."""
    return {name: found.outputs[output] for name, output in URLS.items() if output in found.outputs}


def depth(region, url):
    """How much is in a queue, now. One that is gone holds nothing."""
    try:
        counted = attributes(region, url, COUNTS)
    except Gone:
        return Depth(0, 0, 0)
    return Depth(*(int(counted.get(name, 0)) for name in COUNTS))


def arns(found):
    """The ARNs of both queues by what they hold. Raises Gone for one that was deleted."""
    return {name: attributes(found.region, url, ["QueueArn"])["QueueArn"] for name, url in of(found).items()}


def existing(found):
    """As `of`, without queues that were deleted."""
    return {name: url for name, url in of(found).items() if exists(found.region, url)}


def exists(region, url):
    try:
        attributes(region, url, ["QueueArn"])
    except Gone:
        return False
    return True


def say_gone(found):
    """Tells of queues that were deleted, where that is no obstacle."""
    for url in of(found).values():
        if not exists(found.region, url):
            say(f"The queue {url} is gone: somebody deleted it. It holds nothing any more.")


def attributes(region, url, names):
    try:
        return aws.called(region, "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=list(names)).get("Attributes", {})
    except aws.Refused as refused:
        if aws.code_of(refused.error) in NONE_SUCH:
            raise Gone(f"The queue {url} is gone: somebody deleted it. {RENEWAL}") from None
        raise


def depths(found):
    """How much is in each queue, now."""
    return {name: depth(found.region, url) for name, url in of(found).items()}


def glance(found):
    """What the queues hold, or None if they look empty for some seconds."""
    return watched(found, GLANCE_SECONDS) if existing(found) else None


def settled(found, interrupted):
    """What the queues hold, or None once they have been empty for as long as SQS may lag behind; `interrupted` says what
    Ctrl-C leaves meanwhile.
    """
    if not existing(found):
        return None
    say(f"==> the queues must stay empty for {SETTLED_SECONDS} s, since SQS's counts lag behind. Ctrl-C {interrupted}", flush=True)
    return watched(found, SETTLED_SECONDS)


def watched(found, seconds):
    """What the queues hold as soon as one holds something, or None after so many seconds."""
    for pause in [0] + [PAUSE_SECONDS] * (seconds // PAUSE_SECONDS):
        time.sleep(pause)
        seen = depths(found)
        if any(it.total for it in seen.values()):
            return described(seen)
    return None


def described(seen):
    """How much is in the queues, for the reader."""
    queue, dead = seen["queue"], seen["dead letters"]
    parts = [f"{queue.total} {plural(queue.total, 'webhook')} in the queue"] if queue.total else []
    if queue.in_flight:
        parts[0] += f" ({queue.in_flight} being delivered, or waiting to be tried again)"
    return " and ".join(parts + ([f"{dead.total} {plural(dead.total, 'dead letter')}"] if dead.total else []))


def plural(count, word):
    return word if count == 1 else word + "s"
