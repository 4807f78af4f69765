"""What `make doctor` checks of a stack with a queue."""

import time

from . import aws, delivery, queues
from .queues import plural
from .trouble import Trouble

# States of an event source mapping that pass by themselves.
PASSING = {"Creating", "Enabling", "Updating"}
# What has failed often comes again every half hour, and only then is its age published.
AGE_SECONDS, HOUR, LATE_HOURS = 7200, 3600, 48
NAMESPACE = "dodo-customerio"


def checks(found):
    """Names of checks, and the checks themselves, which take the stack; none beyond the mode if it has no queue."""
    if not queues.of(found):
        return [("delivery", lambda _: "direct: each webhook goes to Customer.io at once")]
    return [("delivery", mode), ("queue", depths), ("queue function", functions)]


def outcome_of_probe(found):
    """What the webhook function responds to an event without a customer."""
    return "queued" if delivery.of(found.parameters) == delivery.QUEUE else "ignored"


def mode(found):
    is_queue = delivery.of(found.parameters) == delivery.QUEUE
    return "queue: webhooks wait in the queue, and are delivered many in one request" if is_queue else "drain: webhooks go to Customer.io directly, and the queue is emptied"


def functions(found):
    """Both functions can be invoked, both queues exist, and the queue invokes its own function."""
    source = queues.arns(found)["queue"]
    for output in ("FunctionName", "QueueFunctionName"):
        check_state(found, found.outputs[output])
    function = found.outputs["QueueFunctionName"]
    asked = {"FunctionName": function, "EventSourceArn": source}
    mappings = aws.called(found.region, "lambda", "list_event_source_mappings", **asked)["EventSourceMappings"]
    if not mappings:
        raise Trouble(f"The queue does not invoke {function}: its trigger is gone. Type: make deploy PARAMS=Delivery=drain, which makes it again if it was removed, then: make doctor")
    check_mapping(mappings[0], function)
    return f"active, with its trigger enabled (at most {mappings[0].get('ScalingConfig', {}).get('MaximumConcurrency', '?')} batches at a time)"


def check_state(found, name):
    state = aws.called(found.region, "lambda", "get_function_configuration", FunctionName=name)
    changing = state.get("LastUpdateStatus") == "InProgress" or state.get("State") == "Pending"
    if changing:
        raise Trouble(f"{name} is just being changed. Wait a minute, then type: make doctor")
    if state.get("State") in ("Failed",) or state.get("LastUpdateStatus") == "Failed":
        reason = state.get("StateReason") or state.get("LastUpdateStatusReason") or "AWS gives no reason"
        raise Trouble(f"{name} cannot be invoked: {reason.rstrip('.')}. Once that is put right, type: make doctor")


def check_mapping(mapping, function):
    state = mapping.get("State")
    if state in PASSING:
        raise Trouble(f"The trigger of {function} is {state.lower()}. Wait a minute, then type: make doctor")
    if state != "Enabled":
        reason = mapping.get("StateTransitionReason", "").rstrip(".")
        raise Trouble(
            f"The queue does not invoke {function}: its trigger is {str(state).lower()}{f' ({reason})' if reason else ''}, so webhooks wait in the queue. "
            f"Enable it in Lambda's console (the function, Configuration, Triggers). Then type: make doctor"
        )


def depths(found):
    seen = queues.depths(found)
    queue, dead = seen["queue"], seen["dead letters"]
    if not (queue.total or dead.total):
        return "both queues are empty"
    oldest = age(found)
    waiting = f"{queue.total} {plural(queue.total, 'webhook')}, {queue.in_flight} of them being delivered or waiting to be tried again"
    return f"{waiting}; {dead.total} {plural(dead.total, 'dead letter')}{f'; the oldest has waited {spoken(oldest)}' if oldest else ''}"


def age(found):
    """Age of the oldest webhook that the queue function has seen lately, in seconds; 0 if it has seen none."""
    now = time.time()
    dimensions = [{"Name": "FunctionName", "Value": found.outputs["QueueFunctionName"]}]
    times = {"StartTime": now - AGE_SECONDS, "EndTime": now, "Period": AGE_SECONDS, "Statistics": ["Maximum"]}
    asked = {"Namespace": NAMESPACE, "MetricName": "OldestSeconds", "Dimensions": dimensions, **times}
    points = aws.called(found.region, "cloudwatch", "get_metric_statistics", **asked)["Datapoints"]
    return max((it["Maximum"] for it in points), default=0)


def spoken(seconds):
    """A length of time in the largest unit that has two digits or is the smallest."""
    for unit, length in (("days", 86_400), ("hours", HOUR), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} {plural(int(seconds), 'second')}"


def notes(found):
    """Reminders, by name: nothing is broken, but somebody has to do something."""
    if not queues.of(found):
        return []
    seen = queues.depths(found)
    said = (("dead letters", dead_letters(seen)), ("queue", late(found, seen)), ("delivery", drained(found, seen)))
    return [(name, note) for name, note in said if note]


def dead_letters(seen):
    count = seen["dead letters"].total
    refused = f"{count} {plural(count, 'event')} {'was' if count == 1 else 'were'} refused for good"
    return count and f"{refused}. make logs SINCE=14d FILTER=\"?rejected ?malformed\" says why. Once that is fixed, type: make redrive"


def late(found, seen):
    oldest = age(found) if seen["queue"].total else 0
    if oldest < LATE_HOURS * HOUR:
        return None
    return f"the oldest webhook has waited {spoken(oldest)}. What reaches Customer.io 72 hours after it happened starts no campaign. Type: make logs SINCE=1d FILTER=ERROR"


def drained(found, seen):
    if delivery.of(found.parameters) != delivery.DRAIN or any(it.total for it in seen.values()):
        return None
    return "the queue is empty. To do without it, type: make deploy PARAMS=Delivery=direct; to use it, type: make deploy PARAMS=Delivery=queue"
