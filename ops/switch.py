"""A change of the parameter Delivery, made in an order in which no webhook is lost: see delivery.THROUGH_DRAIN."""

import dataclasses

from . import change_set, delivery, queues, stack
from .hints import again, say
from .trouble import Trouble

DIRECT, DRAIN = ({"PARAMS": f"{delivery.PARAMETER}={mode}"} for mode in (delivery.DIRECT, delivery.DRAIN))


def stages(made, found):
    """The plans to carry out, one after another. Nothing gets into a queue that is gone, so there is nothing to drain; and
    CloudFormation may fail over it as long as the template names it.
    """
    modes = delivery.stages(made.before, made.after)
    if delivery.loses_queue(made.before, made.after) and "queue" not in queues.existing(found):
        modes = modes[-1:]
    return [dataclasses.replace(made, after={**made.after, delivery.PARAMETER: mode}) for mode in modes]


def check(made, found):
    """Raises Trouble if the queues hold something that nothing would deliver any more. Before anything is built."""
    if not delivery.loses_queue(made.before, made.after):
        return
    queues.say_gone(found)
    left = queues.glance(found)
    if not left:
        return
    if "queue" not in queues.existing(found):
        raise Trouble(
            f"The queues are not empty ({left}); nothing was deployed. make redrive has no queue to move them to. Move them into a new one in the console of "
            f"SQS, as docs/queue.md says, or purge their queue there. Then type: {again('deploy')}"
        )
    if delivery.of(made.before) == delivery.DRAIN:
        raise Trouble(f"The queues are not empty ({left}); nothing was deployed.{letters(left)} Wait until make doctor says that both are empty. Then type: {again('deploy')}")
    raise Trouble(
        f"The queues are not empty ({left}); nothing was deployed.{letters(left)} To empty the queue, type: {again('deploy', **DRAIN)}; "
        f"once make doctor says that both are empty, type: {again('deploy', **DIRECT)}"
    )


def check_settled(made, stage, found):
    """Raises Trouble unless the queues have been empty for long enough, if this stage takes away what empties them."""
    if not (delivery.loses_queue(made.before, made.after) and delivery.of(stage.after) == delivery.DIRECT):
        return
    left = queues.settled(found, f"leaves the stack with Delivery={delivery.of(found.parameters)}; later, type: {again('deploy', **DIRECT)}")
    if left:
        raise Trouble(
            f"The queues are not empty ({left}). Until they are, the stack {made.name} stays as it is now: webhooks go to Customer.io directly, and "
            f"the queue function empties the queue (Delivery=drain).{letters(left)} Later, type: {again('deploy', **DIRECT)}"
        )


def letters(left):
    """What to do about dead letters, if some are left. Nothing delivers them by itself."""
    return " For dead letters, type: make redrive, once their cause is fixed; or purge their queue in the console of SQS." if "dead letter" in left else ""


def go_on(made, stage, artifact, now):
    """Carries out the second of two stages, which was agreed to with the first. The stack as it is then."""
    say(f"==> now {delivery.PARAMETER}={delivery.of(stage.after)}", flush=True)
    check_settled(made, stage, now)
    prepared = change_set.prepare(stage, artifact)
    return change_set.execute(stage, prepared) if prepared else stack.described(made.name, made.region)


def say_what_stays(made, found):
    """The queues of a stack that now delivers directly."""
    left = queues.existing(found) if delivery.loses_queue(made.before, made.after) else {}
    if left:
        say(f"The queues stay in the account, empty, and cost nothing: {', '.join(left.values())}")
