"""The modes of a stack (its parameter Delivery), and the way from one to another on which no webhook is lost. Pure."""

PARAMETER = "Delivery"
DIRECT, QUEUE, DRAIN = "direct", "queue", "drain"

# A stack goes from one end to the other by way of DRAIN, in which nothing is put into the queue and everything in it is
# delivered. On the way there, what is in the middle of being made holds no webhook that would be lost if it failed and
# were rolled back. On the way back, nothing comes in any more while the queue is looked at.
THROUGH_DRAIN = {(DIRECT, QUEUE), (QUEUE, DIRECT)}

DIRECTLY = "Webhooks go to Customer.io directly."
EMPTIED = "The queue function goes on until the queue is empty; then type: make deploy PARAMS=Delivery=direct"
MADE = "The queues, and the function that empties them, are made first (as with Delivery=drain)."
QUEUED = "Webhooks wait in a queue, and Dodo gets its response before Customer.io has the event: what fails is tried again from the queue, not by Dodo."
REMOVED = "Once both queues have been empty for a minute, the queue function and its alarms are removed. The queues stay in the account, empty."
MEANINGS = {
    (DIRECT, QUEUE): [MADE, QUEUED],
    (DIRECT, DRAIN): [MADE, "Nothing is put into the queue before you type: make deploy PARAMS=Delivery=queue"],
    (QUEUE, DRAIN): [DIRECTLY, EMPTIED],
    (QUEUE, DIRECT): [f"First as with Delivery=drain: {DIRECTLY[0].lower()}{DIRECTLY[1:]}", REMOVED],
    (DRAIN, QUEUE): [QUEUED],
    (DRAIN, DIRECT): [DIRECTLY, REMOVED],
}


def of(parameters):
    """The mode of a stack with these parameters; templates before there was a choice knew one only."""
    return parameters.get(PARAMETER, DIRECT)


def stages(before, after):
    """The modes that a stack with parameters `before` goes through, the last one being that of `after`. A new stack has
    no webhooks yet, and goes nowhere else.
    """
    way = (of(before), of(after))
    return [DRAIN, way[1]] if before and way in THROUGH_DRAIN else [way[1]]


def loses_queue(before, after):
    """Whether nothing would take webhooks out of the queue any more."""
    return of(before) != DIRECT and of(after) == DIRECT


def meaning(before, after):
    """What a change of the mode means, in sentences; none where it does not change, or nothing is there yet."""
    return MEANINGS.get((of(before), of(after)), []) if before else []
