"""The two queues of a stack: how much is in them, as far as SQS knows.

What SQS counts is approximate, and may lag behind for a minute after the last message was sent. So a queue counts as
empty only once it has been so for that long.
"""

import time
from dataclasses import dataclass

from . import aws
from .hints import say

URLS = {"queue": "QueueUrl", "dead letters": "DeadLetterQueueUrl"}
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
# For how long it must look empty, and how often it is asked.
SETTLED_SECONDS, GLANCE_SECONDS, PAUSE_SECONDS = 60, 4, 2


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
    counted = attributes(region, url, COUNTS)
    return Depth(*(int(counted.get(name, 0)) for name in COUNTS))


def arn(region, url):
    return attributes(region, url, ["QueueArn"])["QueueArn"]


def attributes(region, url, names):
    return aws.called(region, "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=list(names)).get("Attributes", {})


def depths(found):
    """How much is in each queue, now."""
    return {name: depth(found.region, url) for name, url in of(found).items()}


def glance(found):
    """What the queues hold, or None if they look empty for some seconds."""
    return watched(found, GLANCE_SECONDS)


def settled(found):
    """What the queues hold, or None once they have been empty for as long as SQS may lag behind."""
    if of(found):
        say(f"==> both queues must stay empty for {SETTLED_SECONDS} s, since SQS's counts lag behind", flush=True)
    return watched(found, SETTLED_SECONDS)


def watched(found, seconds):
    """What the queues hold as soon as one holds something, or None after so many seconds."""
    pauses = [0] + [PAUSE_SECONDS] * (seconds // PAUSE_SECONDS)
    for pause in pauses if of(found) else []:
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
