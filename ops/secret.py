"""`make secret`: puts credentials into the stack's secret, from the environment, from JSON on standard input,
or asked for without echo. ADD=1 adds a second webhook secret, for a rotation; DROP=1 drops the old one.
"""

import getpass
import json
import os
import sys

from . import aws, flags, stack
from .hints import again, say
from .secret_rules import FIELDS, OPTIONAL, doubts, ignored, problems, webhook_secrets, wrong
from .trouble import Trouble

WEBHOOK_SECRET = "dodo_webhook_secret"


def stored(found):
    """What is in the stack's secret, trimmed; empty if it is no JSON object."""
    try:
        response = aws.called(found.region, "secretsmanager", "get_secret_value", SecretId=found.outputs["SecretArn"])
        value = json.loads(response.get("SecretString") or response["SecretBinary"])
    except (KeyError, ValueError):
        value = None
    return trimmed(value) if isinstance(value, dict) else {}


def store(found, value):
    """Stores a whole secret, and says what may be wrong with it."""
    text = json.dumps(value)
    aws.called(found.region, "secretsmanager", "put_secret_value", SecretId=found.outputs["SecretArn"], SecretString=text)
    for warning in ignored(value):
        say(f"Note: {warning}; it is optional and counts as absent.")
    for doubt in doubts(value):
        say(f"Note: {doubt}. Is it complete, and in the right field?")


def trimmed(values):
    return {field: value.strip() if isinstance(value, str) else value for field, value in values.items()}


def usable_keys(secret):
    """The stored webhook secrets that are no placeholders."""
    return [it for it in webhook_secrets(secret.get(WEBHOOK_SECRET)) if not wrong(WEBHOOK_SECRET, it)]


def in_front(key, keys):
    """Webhook secrets with this one first: the newest signs, the others still count."""
    together = [key] + [it for it in keys if it != key]
    return together if len(together) > 1 else key


def given(fields):
    """New values by field: from the environment, from standard input, or asked for."""
    values = {field: os.environ.get(variable) for field, variable, _ in fields}
    if not any(values.values()) and not sys.stdin.isatty():
        values = from_standard_input({field for field, _, _ in fields})
    elif not any(values.values()):
        for field, _, question in fields:
            values[field] = getpass.getpass(f"{question}; empty keeps what is there: ")
    return trimmed({field: value for field, value in values.items() if value not in (None, "")})


def from_standard_input(known):
    try:
        values = dict(json.load(sys.stdin))
    except (ValueError, TypeError):
        raise Trouble(f"Standard input is not a JSON object. Type: {again('secret')}, to be asked") from None
    if unknown := sorted(values.keys() - known):
        raise Trouble(f"Nothing was stored: {', '.join(unknown)} on standard input is not one of {', '.join(sorted(known))}. Type: {again('secret')}, to be asked")
    return values


def dropped(secret):
    """The secret without its older webhook secrets."""
    keys = usable_keys(secret)
    if len(keys) < 2:
        raise Trouble("There is one webhook secret only, which is still needed. Type: make doctor, to try it")
    return {**secret, WEBHOOK_SECRET: keys[0]}


def changed(secret, new_values, adds):
    """The secret with new values; with `adds`, the new webhook secret joins the newest stored one."""
    after = {**secret, **new_values}
    if after.get(OPTIONAL) == "none":
        del after[OPTIONAL]
    if adds:
        keys = usable_keys(secret)
        new = [it for it in webhook_secrets(after.get(WEBHOOK_SECRET)) if it not in keys]
        if not new:
            raise Trouble(f"Nothing was stored: no webhook secret was given, or it is stored already. Type: {again('secret')}, with the new one")
        after[WEBHOOK_SECRET] = (new + keys)[:2]
    return after


def main():
    adds, drops = flags.is_set("ADD"), flags.is_set("DROP")
    if adds and drops:
        raise Trouble("ADD=1 adds a webhook secret, and DROP=1 drops the older ones. Do one after the other. Type: make secret ADD=1")
    found = stack.deployed("secret")
    before, new_values = stored(found), {}
    if drops:
        after = dropped(before)
    else:
        new_values = given(FIELDS[:1] if adds else FIELDS)
        after = changed(before, new_values, adds)
    # What was wrong with an optional field before stops no other change.
    wrong_now = problems(after) + (ignored(after) if OPTIONAL in new_values else [])
    if wrong_now:
        raise Trouble(f"Nothing was stored: {'; '.join(wrong_now)}. Type: {again('secret')}")
    if after == before:
        raise Trouble("Nothing was stored: the secret has these values already. Type: make doctor, to try them")
    store(found, after)
    if adds and len(usable_keys(before)) > 1:
        say("Note: the oldest webhook secret was dropped, since two are kept.")
    say("Stored. The function reads it within SECRET_TTL_SECONDS (300). Then: make doctor")
