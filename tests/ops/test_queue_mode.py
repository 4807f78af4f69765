"""Queue mode over a stack's life: into it and out of it without losing a webhook, `make redrive`, and what `make doctor` says."""

import json
import re
import time

import pytest

from ops import delivery, doctor, queue_check, queues, redrive, switch
from ops.plan import Plan
from ops.stack import Stack

STACK = "dodo-customerio"
BOTH = ("QueueUrl", "DeadLetterQueueUrl")


@pytest.fixture
def hasty(prebuilt):
    """A checkout in which nobody waits: what is looked at again is looked at as often, but at once."""
    folder = prebuilt.folder / "hasty"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import time\nslept = time.sleep\ntime.sleep = lambda seconds: slept(min(seconds, 0.01))\n")
    prebuilt.environment["PYTHONPATH"] = str(folder)
    return prebuilt


def to(mode):
    return {"PARAMS": f"Delivery={mode}"}


def made(aws, mode):
    """A stack in this mode, made without SAM, and what is known of it."""
    aws.made(STACK, {"Delivery": mode}, "http://127.0.0.1:1/")
    return Stack(STACK, "eu-central-1", "CREATE_COMPLETE", aws.outputs(STACK), {"Delivery": mode}, "")


def modes(aws):
    """The modes of the stack so far, one a change set."""
    return [it["parameters"]["Delivery"] for it in aws.sent(STACK)]


def put(aws, output, *bodies, **attributes):
    """Puts messages into a queue of the stack."""
    known = {name.replace("_", "-"): {"StringValue": value, "DataType": "String"} for name, value in attributes.items()}
    for body in bodies:
        aws.client("sqs").send_message(QueueUrl=aws.outputs(STACK)[output], MessageBody=body, MessageAttributes=known)


def take(aws, url):
    """What is in a queue, out of sight from now on."""
    return aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages", [])


def says(aws, **fields):
    aws.control("queues", json.dumps(fields))


def test_a_stack_goes_into_queue_mode_and_back_by_way_of_drain(hasty, aws):
    """Whatever fails on the way in, no webhook has been put into a queue that is rolled back, or somebody empties it."""
    hasty.deploy(PARAMS="AlarmEmail=ops@example.com")
    before = aws.sent(STACK)[-1]["parameters"]
    assert (before["Delivery"], set(BOTH) & set(aws.outputs(STACK))) == ("direct", set())
    for resource, left in [("QueueSource", "direct"), ("Function", "drain")]:
        aws.control("fail", resource)
        assert "failed and was rolled back" in hasty.fails(**to("queue"))
        assert mode_of(aws) == left
        if left == "direct":
            # A try that failed leaves nothing that the next one would trip over.
            assert modes(aws) == ["direct", "drain"]
    assert modes(aws) == ["direct", "drain", "drain", "queue"]
    # What makes the queues and what puts webhooks into them are two change sets: only the first has much that may fail.
    text = hasty.deploy(**to("queue"))
    assert re.findall(r"^  [+~-] (\w+) ", text, re.MULTILINE) == ["Function"] and "Dodo gets its response before Customer.io" in text
    assert mode_of(aws) == "queue"
    urls = [aws.outputs(STACK)[it] for it in BOTH]
    text = hasty.deploy(**to("direct"))
    assert modes(aws)[-2:] == ["drain", "direct"] and "First as with Delivery=drain: webhooks go" in text
    assert re.findall(r"^  [+~-] (\w+) ", text.split("==> now")[0], re.MULTILINE) == ["Function"]
    assert all(url in text.split("The queues stay in the account, empty")[-1] for url in urls)
    assert not set(BOTH) & set(aws.outputs(STACK))
    assert [take(aws, url) for url in urls] == [[], []], "they are retained"
    assert aws.sent(STACK)[-1]["parameters"] == before and hasty.answers()["parameters"] == before


def mode_of(aws):
    """The mode that the stack is in."""
    stack = aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]}["Delivery"]


def test_a_new_stack_and_other_changes_are_one_step(hasty, aws):
    text = hasty.deploy(PARAMS="Delivery=queue QueueConcurrency=20")
    assert "+ Queue (AWS::SQS::Queue)" in text and "==> now" not in text
    put(aws, "QueueUrl", "{}")
    assert "is up to date" in hasty.deploy()
    hasty.deploy(PARAMS="QueueConcurrency=7")
    assert modes(aws) == ["queue"] * 3 and aws.sent(STACK)[-1]["executed"]


@pytest.mark.parametrize("mode", ["queue", "drain"])
@pytest.mark.parametrize("output, is_taken, said", [
    ("QueueUrl", False, "(1 webhook in the queue); nothing was deployed"),
    ("QueueUrl", True, "(1 webhook in the queue (1 being delivered, or waiting to be tried again)); nothing was deployed"),
    ("DeadLetterQueueUrl", False, "(1 dead letter); nothing was deployed"),
    ("DeadLetterQueueUrl", True, "(1 dead letter); nothing was deployed"),
])
def test_nothing_is_taken_away_while_a_queue_holds_something(hasty, aws, mode, output, is_taken, said):
    made(aws, mode)
    put(aws, output, "{}")
    if is_taken:
        take(aws, aws.outputs(STACK)[output])
    text = hasty.fails(**to("direct"), STACK=STACK)
    again = f"make deploy STACK={STACK} PREBUILT={hasty.environment['PREBUILT']} PARAMS=Delivery="
    assert said in text and f"{again}direct YES=1" in text and (f"{again}drain YES=1" in text) == (mode == "queue")
    assert (f"type: make redrive STACK={STACK}, once" in text) == ("dead letter" in said)
    assert modes(aws) == [mode] and "==> upload" not in text


def test_counts_that_lag_behind_are_waited_for(hasty, aws):
    made(aws, "drain")
    looks = queues.SETTLED_SECONDS // queues.PAUSE_SECONDS + 1
    glances = queues.GLANCE_SECONDS // queues.PAUSE_SECONDS + 1
    for counts in ([0, 1, 0], [0, 0, 1]):
        says(aws, counts=[[0, 0, 0]] * (glances + looks - 1) + [counts])
        text = hasty.fails(**to("direct"))
        assert "Until they are, the stack dodo-customerio stays as it is now" in text and "PARAMS=Delivery=direct YES=1" in text.split("Later, type: ")[1]
        assert modes(aws) == ["drain"]
    hasty.deploy(**to("direct"))


def test_what_arrives_on_the_way_back_leaves_the_stack_in_drain(hasty, aws):
    made(aws, "queue")
    glances = queues.GLANCE_SECONDS // queues.PAUSE_SECONDS + 1
    says(aws, counts=[[0, 0, 0]] * glances)
    put(aws, "QueueUrl", "{}")
    text = hasty.fails(**to("direct"))
    assert "(1 webhook in the queue). Until they are" in text
    assert modes(aws) == ["queue", "drain"] and "QueueUrl" in aws.outputs(STACK)


def test_a_stack_is_not_destroyed_with_something_in_its_queues_unless_a_person_says_so(hasty, aws):
    made(aws, "queue")
    put(aws, "QueueUrl", "{}")
    put(aws, "DeadLetterQueueUrl", "{}", "{}")
    text = hasty.fails("destroy")
    assert "not empty (1 webhook in the queue and 2 dead letters), and nothing would deliver that" in text and "PARAMS=Delivery=drain, and wait" in text
    assert "For dead letters, type: make redrive" in text
    # At a terminal too: who says yes to everything has not seen what is left.
    well, text = hasty.typed("destroy", ["y", "y"], YES="1")
    assert not well and "at a terminal, which asks" in text
    well, text = hasty.typed("destroy", ["n"])
    assert not well and "Nothing was deleted. To empty the queue, type: make deploy" in text
    urls = [aws.outputs(STACK)[it] for it in BOTH]
    well, text = hasty.typed("destroy", ["y", "y"])
    assert well and f"The queues stay, with what is in them, for 14 days at most: {', '.join(urls)}" in text
    assert [len(take(aws, url)) for url in urls] == [1, 2]


def test_dead_letters_alone_need_no_drain(hasty, aws):
    made(aws, "drain")
    put(aws, "DeadLetterQueueUrl", "{}")
    text = hasty.fails("destroy")
    assert "For dead letters, type: make redrive" in text and "Delivery=drain" not in text


def test_a_stack_is_not_destroyed_before_counts_have_caught_up(hasty, aws):
    made(aws, "queue")
    put(aws, "QueueUrl", "{}")
    looks = queues.SETTLED_SECONDS // queues.PAUSE_SECONDS
    says(aws, counts=[[0, 0, 0]] * looks)
    text = hasty.fails("destroy")
    assert "not empty (1 webhook in the queue), and nothing would deliver that" in text and "QueueUrl" in aws.outputs(STACK)


@pytest.mark.parametrize("mode", ["queue", "drain"])
def test_a_stack_with_empty_queues_is_destroyed_as_any_other(hasty, aws, mode):
    made(aws, mode)
    if mode == "queue":
        # Nothing is waiting now, but the webhook function goes on filling the queue: a person decides.
        well, text = hasty.typed("destroy", ["n"])
        assert not well and "would wait in a queue that nothing empties" in text and "Nothing was deleted. To empty the queue, type: make deploy" in text
    well, text = hasty.run("destroy", YES="1")
    assert well and "Ctrl-C deletes nothing" in text and ("PARAMS=Delivery=drain" in text) == (mode == "queue"), text


@pytest.mark.parametrize("output", BOTH)
def test_a_queue_that_somebody_deleted_is_named_with_the_way_to_a_new_one(hasty, checked, aws, output):
    found = made(aws, "queue")
    url = found.outputs[output]
    aws.client("sqs").delete_queue(QueueUrl=url)
    sentence = f"The queue {url} is gone: somebody deleted it. "
    assert f"{sentence}For new queues, type: make deploy PREBUILT=" in hasty.fails("redrive")
    with pytest.raises(queue_check.Trouble) as raised:
        checked(found)
    assert f"{sentence}For new queues, type: make deploy PARAMS=Delivery=direct, then: make deploy PARAMS=Delivery=queue" in str(raised.value)
    other = found.outputs[next(it for it in BOTH if it != output)]
    well, text = hasty.run("destroy", YES="1")
    assert well and f"{url} is gone" in text and f"for 14 days at most: {other}\n" in text, text


def test_a_deleted_queue_does_not_lock_the_stack(hasty, aws):
    found = made(aws, "queue")
    aws.client("sqs").delete_queue(QueueUrl=found.outputs["QueueUrl"])
    put(aws, "DeadLetterQueueUrl", "{}")
    text = hasty.fails(**to("direct"))
    assert "(1 dead letter); nothing was deployed. make redrive has no queue to move them to" in text and "make doctor" not in text
    aws.client("sqs").purge_queue(QueueUrl=found.outputs["DeadLetterQueueUrl"])
    text = hasty.deploy(**to("direct"))
    # Nothing can get into it, and no change is made while the template still names it.
    assert modes(aws) == ["queue", "direct"] and f"{found.outputs['QueueUrl']} is gone" in text
    assert f"cost nothing: {found.outputs['DeadLetterQueueUrl']}\n" in text


def test_ctrl_c_in_the_long_wait_is_explained_beforehand(capsys, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(queues, "existing", lambda _: {"queue": "url"})
    monkeypatch.setattr(queues, "depths", interrupt)
    plan = Plan(STACK, "eu-central-1", "1", {"Delivery": "queue"}, {"Delivery": "direct"})
    with pytest.raises(KeyboardInterrupt):
        switch.check_settled(plan, plan, Stack(STACK, "eu-central-1", "", {"QueueUrl": "url"}, {"Delivery": "drain"}, ""))
    said = capsys.readouterr().out
    assert "Ctrl-C leaves the stack with Delivery=drain; later, type: make deploy" in said and "PARAMS=Delivery=direct" in said


def test_dead_letters_go_back_into_the_queue(hasty, aws):
    made(aws, "queue")
    well, text = hasty.run("redrive")
    assert well and text.endswith("There are no dead letters; nothing was moved.\n"), text
    put(aws, "DeadLetterQueueUrl", *(f'{{"number": {it}}}' for it in range(5)), webhook_id="msg_1", reason="refused_by_customerio: odd")
    well, text = hasty.run("redrive")
    assert well and "4 of 5 moved" in text and text.count(" of 5 moved") == len(set(re.findall(r"\d of 5 moved", text)))
    assert "Moved 5 dead letters back into the queue." in text
    dead, queue = (aws.outputs(STACK)[it] for it in ("DeadLetterQueueUrl", "QueueUrl"))
    messages = take(aws, queue)
    assert take(aws, dead) == [] and sorted(it["Body"] for it in messages) == [f'{{"number": {it}}}' for it in range(5)]
    assert messages[0]["MessageAttributes"]["webhook-id"]["StringValue"] == "msg_1"


def test_a_redrive_that_is_at_work_is_followed(hasty, aws):
    made(aws, "queue")
    put(aws, "DeadLetterQueueUrl", "1", "2", "3")
    sqs, outputs = aws.client("sqs"), aws.outputs(STACK)
    dead, queue = (sqs.get_queue_attributes(QueueUrl=outputs[it], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"] for it in ("DeadLetterQueueUrl", "QueueUrl"))
    # Not listed yet: starting another one is refused.
    sqs.start_message_move_task(SourceArn=dead, DestinationArn=queue)
    well, text = hasty.run("redrive")
    assert well and "has just been started by somebody else (InvalidParameterValue)" in text and "Moved 3 dead letters" in text, text
    put(aws, "DeadLetterQueueUrl", "4")
    sqs.start_message_move_task(SourceArn=dead, DestinationArn=queue)
    sqs.list_message_move_tasks(SourceArn=dead)
    well, text = hasty.run("redrive")
    assert well and "A redrive is at work already" in text and "Moved 1 dead letter back" in text, text


def test_a_redrive_that_fails_says_why(hasty, aws):
    made(aws, "queue")
    put(aws, "DeadLetterQueueUrl", "1")
    says(aws, failure="AWS.SimpleQueueService.QueueDeletedRecently")
    assert "could not go on after 0 dead letters: AWS.SimpleQueueService.QueueDeletedRecently. What is left is still there." in hasty.fails("redrive")


def test_dead_letters_that_somebody_looks_at_are_said(hasty, aws):
    made(aws, "queue")
    put(aws, "DeadLetterQueueUrl", "1")
    take(aws, aws.outputs(STACK)["DeadLetterQueueUrl"])
    well, text = hasty.run("redrive")
    assert well and "somebody is looking at 1 dead letter in SQS's console" in text, text


def test_a_stack_without_a_queue_has_no_dead_letters(hasty, aws):
    made(aws, "direct")
    assert "has no queue (Delivery=direct), and so no dead letters. Dodo keeps what was refused" in hasty.fails("redrive")


def test_a_cancelled_redrive_is_said():
    task = {"Status": "CANCELLED", "ApproximateNumberOfMessagesMoved": 2}
    with pytest.raises(redrive.Trouble, match="Somebody cancelled it after 2 dead letters"):
        redrive.ended(task, queues.Depth(1, 0, 0))


@pytest.fixture
def checked(aws, monkeypatch):
    """What the checks and reminders of a stack say, or the first that fails."""
    for name, value in {"AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}.items():
        monkeypatch.setenv(name, value)

    def check(found):
        said = {name: test(found) for name, test in queue_check.checks(found)}
        return said, dict(queue_check.notes(found))

    return check


def test_the_doctor_says_the_mode_and_what_waits(checked, aws):
    said, notes = checked(made(aws, "direct"))
    assert (list(said), notes) == (["delivery"], {}) and said["delivery"].startswith("direct: ")
    aws.client("cloudformation").delete_stack(StackName=STACK)
    found = made(aws, "queue")
    said, notes = checked(found)
    assert said["delivery"].startswith("queue: ") and said["queue"] == "both queues are empty" and not notes
    assert said["queue function"] == "active, with its trigger enabled (at most 5 batches at a time)"
    put(aws, "QueueUrl", "1", "2", "3")
    take(aws, aws.outputs(STACK)["QueueUrl"])
    put(aws, "QueueUrl", "4")
    put(aws, "DeadLetterQueueUrl", "5", "6")
    age(aws, 3 * 86_400)
    said, notes = checked(found)
    assert said["queue"] == "4 webhooks, 3 of them being delivered or waiting to be tried again; 2 dead letters; the oldest has waited 3 days"
    # What could not be read has another outcome than what was refused.
    assert 'make logs SINCE=14d FILTER="?rejected ?malformed" says why' in notes["dead letters"]
    assert "2 events were refused for good" in notes["dead letters"] and "Once that is fixed, type: make redrive" in notes["dead letters"]
    assert "72 hours" in notes["queue"] and "delivery" not in notes


def age(aws, seconds):
    """Publishes the age of the oldest webhook, as the queue function does."""
    dimensions = [{"Name": "FunctionName", "Value": aws.outputs(STACK)["QueueFunctionName"]}]
    for value in (5, seconds, 7):
        data = {"MetricName": "OldestSeconds", "Dimensions": dimensions, "Value": value, "Timestamp": time.time() - 60}
        aws.client("cloudwatch").put_metric_data(Namespace="dodo-customerio", MetricData=[data])


def test_the_doctor_says_when_the_queue_can_be_done_without(checked, aws):
    found = made(aws, "drain")
    said, notes = checked(found)
    assert said["delivery"].startswith("drain: ") and "type: make deploy PARAMS=Delivery=direct" in notes["delivery"]
    put(aws, "QueueUrl", "1")
    assert "delivery" not in checked(found)[1]


@pytest.mark.parametrize("fields, sentence", [
    ({"mappings": {"State": "Disabled", "StateTransitionReason": "User action"}}, "its trigger is disabled (User action), so webhooks wait in the queue"),
    ({"mappings": {"State": "Enabling"}}, "is enabling. Wait a minute"),
    ({"mappings": {"State": None}}, "its trigger is gone"),
    ({"functions": {"QueueFunction": {"LastUpdateStatus": "InProgress"}}}, "QueueFunction is just being changed. Wait a minute"),
    ({"functions": {"Function": {"State": "Failed", "StateReason": "The role was deleted."}}}, "Function cannot be invoked: The role was deleted. Once"),
])
def test_the_doctor_says_why_the_queue_is_not_emptied(checked, aws, fields, sentence):
    says(aws, **fields)
    with pytest.raises(queue_check.Trouble) as raised:
        checked(made(aws, "queue"))
    assert sentence in str(raised.value) and "make doctor" in str(raised.value)


@pytest.mark.parametrize("seconds, text", [(1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 hours"), (172_800, "2 days")])
def test_lengths_of_time(seconds, text):
    assert queue_check.spoken(seconds) == text


@pytest.mark.parametrize("mode, outcome, well, said", [
    ("direct", "ignored", True, "ignored it, as it should"),
    ("drain", "ignored", True, "ignored it, as it should"),
    ("queue", "queued", True, "put it into the queue, as it should"),
    ("queue", "ignored", False, "it cannot use the queue"),
    ("direct", "queued", False, "responds with 200"),
])
def test_a_probe_tells_whether_the_queue_can_be_used(monkeypatch, mode, outcome, well, said):
    """The webhook function delivers directly when it lacks the permission, and only the outcome shows it."""
    monkeypatch.setattr(doctor, "probe", lambda secret, url: (200, {"outcome": outcome}))
    found = Stack(STACK, "eu-central-1", "CREATE_COMPLETE", {"FunctionUrl": "http://127.0.0.1:1/"}, {"Delivery": mode}, "")
    if well:
        assert said in doctor.check_function({}, found)
        return
    with pytest.raises(doctor.Trouble, match=said):
        doctor.check_function({}, found)


def test_every_change_of_the_mode_is_put_into_words():
    every = {(one, other) for one in ("direct", "queue", "drain") for other in ("direct", "queue", "drain") if one != other}
    assert set(delivery.MEANINGS) == every
    for before, after in every:
        way = delivery.stages({"Delivery": before}, {"Delivery": after})
        assert way[-1] == after and not delivery.stages({}, {"Delivery": after})[1:]
        # Neither end is reached from the other in one step.
        steps = list(zip([before, *way], way))
        assert not set(steps) & delivery.THROUGH_DRAIN, steps
    # A stack of a template before there was a choice.
    assert delivery.stages({"AlarmEmail": ""}, {"Delivery": "queue"}) == ["drain", "queue"]
