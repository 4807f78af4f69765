"""The part of Dodo's API that knows webhook endpoints."""

import json
import time
import urllib.parse

from .hints import again
from .trouble import Trouble
from .web import request

URLS = {"live": "https://live.dodopayments.com", "test": "https://test.dodopayments.com"}
# Dodo allows about 100 requests a minute; whoever waits here is at the keyboard.
ATTEMPTS = 4
PAUSE_SECONDS = 3
MOST_PAGES = 100
UNREACHABLE = "If DodoApiUrl is wrong, type: make deploy PARAMS=DodoApiUrl=…; otherwise try again: {}"


def mode_of(key):
    """The mode that a key of Dodo's API says it belongs to, or None: older keys do not say it."""
    return next((mode for mode in URLS if key.startswith(f"dodo_{mode}_")), None)


def other_mode(key, parameters):
    """The mode that a key says it belongs to, if it is not that of a stack with these parameters; else None."""
    mode = mode_of(key)
    return mode if mode != environment_of(parameters) else None


def environment_of(parameters):
    """The mode that a stack with these parameters belongs to."""
    return parameters.get("DodoEnvironment") or "live"


def base_url(parameters):
    """Where Dodo's API is for a stack with these parameters."""
    return (parameters.get("DodoApiUrl") or URLS[environment_of(parameters)]).rstrip("/")


class Webhooks:
    """Webhook endpoints at Dodo, with a key that may write."""

    def __init__(self, base, key):
        self.base, self.key = base, key

    def all(self):
        """Every endpoint of the account, over all pages."""
        found, query = [], {"limit": 100}
        for _ in range(MOST_PAGES):
            page = self.call("GET", "/webhooks?" + urllib.parse.urlencode(query))
            found += page.get("data") or []
            if page.get("done") is not False or not page.get("iterator"):
                return found
            query["iterator"] = page["iterator"]
        raise Trouble(f"Dodo lists more webhook endpoints than can be read. Delete unused ones in its dashboard, then type: {again('connect')}")

    def create(self, **fields):
        return self.call("POST", "/webhooks", fields)

    def change(self, endpoint_id, **fields):
        return self.call("PATCH", f"/webhooks/{urllib.parse.quote(endpoint_id, safe='')}", fields)

    def secret(self, endpoint_id):
        """The endpoint's signing secret."""
        return self.call("GET", f"/webhooks/{urllib.parse.quote(endpoint_id, safe='')}/secret").get("secret") or ""

    def call(self, method, path, fields=None):
        """One request, again after a while if Dodo asks for that. Its response is a JSON object."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        body = None if fields is None else json.dumps(fields).encode()
        for attempt in range(ATTEMPTS):
            status, text = request(self.base + path, body, headers, method, remedy=UNREACHABLE.format(again("connect")))
            # A second POST could make a second endpoint, unless Dodo has not looked at the first one (429).
            passes = status == 429 or (status >= 500 and method != "POST")
            if not passes or attempt + 1 == ATTEMPTS:
                return parsed(status, text, f"{method} /webhooks")
            time.sleep(PAUSE_SECONDS)


def parsed(status, text, what):
    """The JSON object of a response, or Trouble. What Dodo says is not repeated: it may quote what was sent."""
    if status == 401:
        raise Trouble(f"Dodo's API does not know this key. Is it of the other mode? Type: {again('connect')}, with another key")
    if status == 403:
        raise Trouble(f'This key of Dodo\'s API may not write. Make one with "Enable write access" in Dodo\'s dashboard. Type: {again("connect")}')
    try:
        value = json.loads(text) if 200 <= status < 300 else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Trouble(f"Dodo's API responds with {status} to {what}. Try again later. Type: {again('connect')}")
    return value
