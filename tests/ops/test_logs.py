"""`make logs`: every line once, over pages and in the same millisecond."""

import time

import pytest

from ops import aws, logs
from ops.stack import Stack
from ops.trouble import Trouble

STACK = Stack("dodo-customerio", "eu-central-1", "CREATE_COMPLETE", {"LogGroupName": "group"}, {})


def line(identity, timestamp):
    return {"eventId": identity, "timestamp": timestamp, "message": f"line {identity}\n"}


def test_all_pages_are_read_also_after_an_empty_one(monkeypatch):
    pages = {None: ([line("a", 5)], "1"), "1": ([], "2"), "2": ([line("b", 5)], None)}
    asked = []

    def called(region, service, operation, **arguments):
        asked.append(arguments.copy())
        events, token = pages[arguments.get("nextToken")]
        return {"events": events, **({"nextToken": token} if token else {})}

    monkeypatch.setattr(aws, "called", called)
    assert [it["eventId"] for it in logs.events(STACK, 5, "ERROR")] == ["a", "b"]
    assert all(it["startTime"] == 5 and it["filterPattern"] == "ERROR" for it in asked)


def test_a_line_of_the_same_millisecond_is_shown_and_none_twice():
    shown = logs.Shown(0)
    assert shown.is_new(line("a", 100_000)) and not shown.is_new(line("a", 100_000))
    # Taken in late, and older than what has been shown.
    assert shown.since() <= 99_000
    assert shown.is_new(line("b", 100_000)) and shown.is_new(line("c", 99_000))


def test_what_was_shown_is_forgotten_only_once_it_is_not_asked_for_again():
    shown = logs.Shown(0)
    for number in range(20_005):
        assert shown.is_new(line(str(number), number * 100))
    assert len(shown.ids) < 11_000
    assert not shown.is_new(line("20004", 2_000_400))


@pytest.mark.parametrize("text, seconds", [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400)])
def test_times(text, seconds):
    assert logs.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "yesterday", "2 h", "-1h", "0m", "366d", "99999999999d"])
def test_no_times(text):
    with pytest.raises(Trouble, match="Type: make logs SINCE=2h"):
        logs.seconds(text)


def test_an_id_is_looked_for_as_it_is():
    assert logs.pattern_of("msg_2abC-d", "ignored") == '"msg_2abC-d"'
    assert logs.pattern_of("", "{ $.level = ERROR }") == "{ $.level = ERROR }"
    with pytest.raises(Trouble, match="ID is the webhook-id"):
        logs.pattern_of('msg" || "', "")


def test_the_log_of_a_stack(checkout, aws):
    aws.made("dodo-customerio", {}, "https://example.com/")
    client, group = aws.client("logs"), aws.outputs("dodo-customerio")["LogGroupName"]
    client.create_log_stream(logGroupName=group, logStreamName="s")
    now = int(time.time() * 1000)
    messages = [(now - 3_600_000, "long ago"), (now, "msg_1 delivered"), (now, "msg_2 retry")]
    events = [{"timestamp": when, "message": text} for when, text in messages]
    client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    for variables, expected in [
        ({"FOLLOW": "0"}, ["msg_1 delivered", "msg_2 retry"]),
        ({"FOLLOW": "0", "SINCE": "2h"}, ["long ago", "msg_1 delivered", "msg_2 retry"]),
        ({"ID": "msg_2"}, ["msg_2 retry"]),
        ({"FOLLOW": "0", "FILTER": "delivered"}, ["msg_1 delivered"]),
    ]:
        well, text = checkout.run("logs", **variables)
        assert well and text.splitlines() == expected, text
    assert "Nothing about msg_3 in the last 2d. Type: make logs ID=msg_3 SINCE=14d" in checkout.fails("logs", ID="msg_3")
