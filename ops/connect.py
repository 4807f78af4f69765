"""`make connect`: makes the webhook endpoint at Dodo for the stack's URL, or finds it again, stores its signing
secret, enables it and runs the doctor.

It needs a key of Dodo's API that may write, from DODO_WRITE_KEY or asked for without echo. The key is not kept.
"""

import getpass
import os
import sys

from . import doctor, event_types, secret, stack
from .dodo import Webhooks, base_url, environment_of, other_mode
from .hints import again, say
from .paths import has_sources
from .secret_rules import FIELDS, OPTIONAL, problems, wrong
from .trouble import Trouble

# The function reads the secret again at the first signature that does not match, at most once in 30 s.
PATIENCE_SECONDS = 40
DESCRIPTION = "Customer.io, by the stack {}"


def main():
    wishes = asked_of_endpoint()
    found = stack.deployed("connect")
    before = secret.stored(found)
    webhooks = Webhooks(base_url(found.parameters), writing_key(found.parameters))
    credentials = missing_credentials(before)
    endpoint = endpoint_of(webhooks, found, wishes)
    keep_signing_secret(found, {**before, **credentials}, webhooks.secret(endpoint["id"]))
    enable(webhooks, endpoint)
    doctor.main(PATIENCE_SECONDS)


def writing_key(parameters):
    """A key of Dodo's API that may write."""
    key = os.environ.get("DODO_WRITE_KEY", "").strip()
    if not key and not sys.stdin.isatty():
        raise Trouble(f"There is no terminal to ask in. Put a key of Dodo's API with write access into DODO_WRITE_KEY. Type: {again('connect')}")
    key = key or getpass.getpass("Dodo API key with write access (used now, not kept): ").strip()
    # The field's rules are those of any key of Dodo's API.
    problem = wrong(OPTIONAL, key)
    if problem:
        raise Trouble(f"The key of Dodo's API {problem.removeprefix(OPTIONAL + ' ')}. Type: {again('connect')}")
    environment = environment_of(parameters)
    if other := other_mode(key, parameters):
        raise Trouble(f"This is a key of {other} mode, but DodoEnvironment is {environment}. Type: {again('connect')}, with a key of {environment} mode")
    return key


def asked_of_endpoint():
    """The endpoint's properties that RATE_LIMIT and EVENTS name."""
    wishes, rate, events = {}, os.environ.get("RATE_LIMIT"), os.environ.get("EVENTS")
    if rate:
        if not rate.isdecimal() or int(rate) < 1:
            raise Trouble("RATE_LIMIT is a number of webhooks a second, 1 or more. Type: make connect RATE_LIMIT=10")
        wishes["rate_limit"] = int(rate)
    if events:
        names = [name.strip() for name in events.split(",") if name.strip()]
        # Without a list, types that Dodo adds later arrive too.
        wishes["filter_types"] = None if names == ["all"] else known(names)
    return wishes


def known(names):
    """The same names. Dodo would take a typo without a word, and the events would never come."""
    for name in names:
        if name in event_types.EVENT_TYPES:
            continue
        alike = event_types.beginning_with(name)
        if alike:
            raise Trouble(f"Dodo takes no patterns such as {name}. Type: make connect EVENTS={','.join(alike)}")
        meant = [event_types.nearest(it) if it == name else it for it in names]
        raise Trouble(f'EVENTS has "{name}", which is not an event type of Dodo\'s. The nearest is {event_types.nearest(name)}. Type: make connect EVENTS={",".join(meant)}, or EVENTS=all')
    if not names:
        raise Trouble("EVENTS has no event type in it. Type: make connect EVENTS=all, or EVENTS=payment.succeeded,refund.succeeded")
    return names


def missing_credentials(before):
    """Customer.io's credentials, if they are still missing: from the environment or asked for."""
    values = {}
    for field, variable, question in FIELDS[1:3]:
        value = os.environ.get(variable, "").strip()
        if not value and not wrong(field, before.get(field) or ""):
            continue
        if not value and not sys.stdin.isatty():
            raise Trouble(f"Nothing was changed: {field} is not stored yet. Set {variable} as well. Type: {again('connect')}")
        values[field] = value or getpass.getpass(f"{question}: ").strip()
        problem = wrong(field, values[field])
        if problem:
            raise Trouble(f"Nothing was changed: {problem}. Type: {again('connect')}")
    return values


def endpoint_of(webhooks, found, wishes):
    """The endpoint with exactly the stack's URL, made if there is none. A new one is disabled for now."""
    url = found.outputs["FunctionUrl"]
    same = [it for it in webhooks.all() if it.get("url") == url]
    if len(same) > 1:
        ids = ", ".join(it["id"] for it in same)
        raise Trouble(f"Dodo has {len(same)} endpoints with this stack's URL: {ids}. Delete all but one in its dashboard, then type: {again('connect')}")
    if same:
        say(f"Found the endpoint {same[0]['id']}.")
        return changed(webhooks, same[0], wishes)
    wanted = {key: value for key, value in wishes.items() if value is not None}
    endpoint = webhooks.create(url=url, description=DESCRIPTION.format(found.name), disabled=True, **wanted)
    say(f"Made the endpoint {endpoint['id']}, disabled for now.")
    return endpoint


def changed(webhooks, endpoint, wishes):
    """The endpoint as it was asked for."""
    if wishes:
        endpoint = webhooks.change(endpoint["id"], **wishes)
    filtered = endpoint.get("filter_types")
    if filtered and wishes.get("filter_types") != filtered:
        say(f"Note: it gets {len(filtered)} event types only; new ones will not arrive. To get all: make connect EVENTS=all")
    return endpoint


def keep_signing_secret(found, value, signing):
    """Stores the endpoint's signing secret in front of those that are there, and reads it back."""
    problem = wrong(secret.WEBHOOK_SECRET, signing)
    if problem:
        raise Trouble(f"What Dodo gives as the endpoint's signing secret cannot be used: {problem}. Type: make secret, with the one in its dashboard")
    after = {**value, secret.WEBHOOK_SECRET: secret.in_front(signing, secret.usable_keys(value))}
    if problems(after):
        raise Trouble("Nothing was stored: " + "; ".join(problems(after)) + ". Type: make secret")
    if after == secret.stored(found):
        say("The signing secret is stored already.")
        return
    secret.store(found, after)
    if secret.stored(found) != after:
        raise Trouble(f"The secret reads back differently; somebody else may be changing it. The endpoint was left as it is. Type: {again('connect')}")
    say("Stored the endpoint's signing secret in front of those that were there, and read it back.")


def enable(webhooks, endpoint):
    if endpoint.get("disabled"):
        webhooks.change(endpoint["id"], disabled=False)
        how = "make backfill DRY_RUN=1" if has_sources() else "see docs/backfill.md; it needs a checkout"
        say(f"Enabled the endpoint. To import existing customers too: {how}")
