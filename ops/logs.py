"""`make logs`: shows the function's log and follows it. SINCE=2h begins earlier, FILTER=… shows what matches,
ID=msg_… shows what became of one webhook and ends, FOLLOW=0 ends after what is there.
"""

import os
import re
import time

from . import aws, stack
from .trouble import Trouble

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# CloudWatch keeps no line longer, whatever LogRetentionDays says.
MOST_DAYS = 365
SINCE, SINCE_WITH_ID, FURTHER = "15m", "2d", "14d"
PAUSE_SECONDS = 2
# CloudWatch takes in lines late and out of order; so far back they are looked for again.
OVERLAP_MILLISECONDS = 60_000


def main():
    wanted = os.environ.get("ID", "")
    since = os.environ.get("SINCE") or (SINCE_WITH_ID if wanted else SINCE)
    start, pattern = int((time.time() - seconds(since)) * 1000), pattern_of(wanted, os.environ.get("FILTER", ""))
    found = stack.deployed("logs")
    follows = os.environ.get("FOLLOW") != "0" and not wanted
    shown = Shown(start)
    while True:
        for event in events(found, shown.since(), pattern):
            if shown.is_new(event):
                print(event["message"].rstrip(), flush=True)
        if not follows:
            break
        time.sleep(PAUSE_SECONDS)
    if wanted and not shown.ids:
        raise Trouble(f"Nothing about {wanted} in the last {since}. Type: make logs ID={wanted} SINCE={FURTHER}, or look for it in Dodo's dashboard")


def seconds(text):
    """`90s`, `15m`, `2h` or `1d`."""
    found = re.fullmatch(r"([0-9]+)([smhd])", text)
    if not found:
        raise Trouble(f'SINCE is a time such as 30m, 2h or 1d, not "{text}". Type: make logs SINCE=2h')
    asked = int(found[1]) * UNITS[found[2]]
    if not 0 < asked <= MOST_DAYS * UNITS["d"]:
        raise Trouble(f"SINCE is a time from 1s to {MOST_DAYS}d, not {text}. Type: make logs SINCE=2h")
    return asked


def pattern_of(webhook_id, pattern):
    """CloudWatch's filter pattern; a term in quotes is found as it is."""
    if webhook_id and not re.fullmatch(r"[A-Za-z0-9_-]+", webhook_id):
        raise Trouble("ID is the webhook-id of a message, as Dodo's dashboard shows it. Type: make logs ID=msg_…")
    return f'"{webhook_id}"' if webhook_id else pattern


class Shown:
    """Which lines have been shown, so that each is shown once, also those of the same millisecond."""

    def __init__(self, start):
        self.start, self.newest, self.ids = start, start, {}

    def since(self):
        return max(self.start, self.newest - OVERLAP_MILLISECONDS)

    def is_new(self, event):
        new = event["eventId"] not in self.ids
        self.ids[event["eventId"]] = event["timestamp"]
        self.newest = max(self.newest, event["timestamp"])
        if len(self.ids) > 10_000:
            self.ids = {it: when for it, when in self.ids.items() if when >= self.since()}
        return new


def events(found, since, pattern):
    """Every line since then, over all pages. A page may be empty and have another behind it."""
    arguments = {"logGroupName": found.outputs["LogGroupName"], "startTime": since}
    if pattern:
        arguments["filterPattern"] = pattern
    while True:
        page = aws.called(found.region, "logs", "filter_log_events", **arguments)
        yield from page["events"]
        if not page.get("nextToken"):
            return
        arguments["nextToken"] = page["nextToken"]
