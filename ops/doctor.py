"""`make doctor`: checks AWS, the stack, the secret, Customer.io, Dodo's API and the function, one after another."""

import base64
import hashlib
import hmac
import json
import time
import uuid

from . import aws, queue_check, stack
from .dodo import UNREACHABLE, base_url, environment_of, other_mode
from .hints import say
from .secret import stored
from .secret_rules import OPTIONAL, ignored, problems, signing_key, webhook_secrets
from .trouble import Trouble
from .web import request
from .workspace import test_mode_warning

TRACK_URLS = {"us": "https://track.customer.io", "eu": "https://track-eu.customer.io"}
PAUSE_SECONDS = 2


def check_customerio(secret, parameters):
    region = parameters.get("CustomerIoRegion", "us")
    base = parameters.get("CustomerIoTrackUrl") or TRACK_URLS[region]
    pair = f"{secret['customerio_site_id']}:{secret['customerio_api_key']}".encode()
    headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    remedy = "If CustomerIoTrackUrl is wrong, type: make deploy PARAMS=CustomerIoTrackUrl=…; otherwise try again: make doctor"
    status, body = request(base.rstrip("/") + "/api/v1/accounts/region", headers=headers, remedy=remedy)
    if status != 200:
        raise Trouble(
            f"Customer.io responds with {status} to this pair in region {region}. Is it the Tracking API's pair, and does the "
            f"workspace live there? Type: make secret, or: make deploy PARAMS=CustomerIoRegion=…"
        )
    try:
        lives = json.loads(body)["region"]
    except (ValueError, KeyError, TypeError):
        raise Trouble(f"{base} does not respond as Customer.io does. Type: make deploy PARAMS=CustomerIoTrackUrl=…") from None
    if lives != region:
        raise Trouble(f"The workspace lives in region {lives}, the stack says {region}. Type: make deploy PARAMS=CustomerIoRegion={lives}")
    return f"the pair is right, the workspace lives in {lives}"


def check_dodo(secret, parameters):
    if not secret.get(OPTIONAL):
        return "there is no dodo_api_key, so nothing is looked up"
    environment = environment_of(parameters)
    if mode := other_mode(secret[OPTIONAL], parameters):
        raise Trouble(
            f"dodo_api_key is a key of {mode} mode, but DodoEnvironment is {environment}. Type: make secret, with a key of "
            f"{environment} mode, or: make deploy PARAMS=DodoEnvironment={mode}"
        )
    base = base_url(parameters)
    for what in ("customers", "payments", "refunds", "disputes", "subscriptions"):
        headers = {"Authorization": f"Bearer {secret[OPTIONAL]}"}
        status, _ = request(f"{base}/{what}?page_size=1", headers=headers, remedy=UNREACHABLE.format("make doctor"))
        if status == 401:
            raise Trouble(
                f"Dodo's API responds with 401 to dodo_api_key in environment {environment}. Is it a key of the other mode? "
                f"Type: make secret, or: make deploy PARAMS=DodoEnvironment=…"
            )
        if status == 403:
            raise Trouble(f"dodo_api_key may not read {what}. Make a key that may, in Dodo's dashboard. Type: make secret")
        if status != 200:
            raise Trouble(f"Dodo's API responds with {status} for {what}. Try again later. Type: make doctor")
    return f"the key reads customers, payments, refunds, disputes and subscriptions in {environment}"


def hint(parameters):
    """What no check can tell: the Track API does not say to whom an address belongs."""
    if parameters.get("PersonIdentifier", "customer_id") != "customer_id":
        return None
    return (
        "PersonIdentifier is customer_id. If your own application identifies people in this workspace too, an address may "
        "belong to one of them already, and Customer.io then refuses it silently. After the first events, look for "
        '"Attribute Update Failure" in the activity log of the workspace, and read docs/identity.md.'
    )


def check_function(secret, found, patience_seconds=0):
    """Sends a signed event without a customer, which is ignored, or queued first.

    After a change of the secret the function may need half a minute until it reads it again.
    """
    url, wanted = found.outputs["FunctionUrl"], queue_check.outcome_of_probe(found)
    end = time.monotonic() + patience_seconds
    status, response = probe(secret, url)
    while status in (401, 503) and time.monotonic() < end:
        time.sleep(PAUSE_SECONDS)
        status, response = probe(secret, url)
    outcome = response.get("outcome")
    if status == 200 and (outcome, wanted) == ("ignored", "queued"):
        raise Trouble("The function sends webhooks to Customer.io directly, since it cannot use the queue. A line in the log names the permission or the setting. Type: make logs FILTER=QUEUE_URL")
    if (status, outcome) != (200, wanted):
        message = response.get("message", "it gives no reason")
        raise Trouble(f"The function responds with {status} to a signed probe: {message} Type: make logs")
    return f"it verified a signed probe and {'put it into the queue' if wanted == 'queued' else 'ignored it'}, as it should"


def probe(secret, url):
    """Status and JSON of the function's response to a signed event."""
    body = json.dumps({"type": "doctor.probe", "data": {}}).encode()
    message_id, sent = f"msg_doctor_{uuid.uuid4().hex}", str(int(time.time()))
    key = signing_key(webhook_secrets(secret["dodo_webhook_secret"])[0])
    signed = b".".join([message_id.encode(), sent.encode(), body])
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,{signature}",
    }
    remedy = "This is the stack's own URL, which Dodo posts to. Type: make doctor, to try again"
    status, response = request(url, body, headers, remedy=remedy)
    try:
        return status, json.loads(response)
    except ValueError:
        return status, {}


def checked_secret(found):
    secret = stored(found)
    wrong_fields = problems(secret) + ignored(secret)
    if wrong_fields:
        raise Trouble("; ".join(wrong_fields) + ". Type: make secret")
    return secret, f"well-formed, {len(webhook_secrets(secret['dodo_webhook_secret']))} webhook secret(s)"


def step(name, check):
    """Runs one check; the first that fails ends the examination."""
    try:
        result, text = check()
        say(f"ok  {name}: {text}")
        return result
    except Trouble as trouble:
        say(f"!!  {name}: {trouble}.")
        raise SystemExit(1) from None


def text_only(check, *arguments):
    return lambda: (None, check(*arguments))


def identity():
    _, region = stack.named()
    return None, "account " + aws.account(region)


def described():
    found = stack.deployed("doctor")
    return found, found.name


def main(patience_seconds=0):
    """Runs all checks; `patience_seconds` for a function whose secret has just changed."""
    step("AWS", identity)
    found = step("stack", described)
    # Before the secret: whoever leaves wants to know what waits, and may have revoked the keys.
    for name, check in queue_check.checks(found):
        step(name, text_only(check, found))
    secret = step("secret", lambda: checked_secret(found))
    step("Customer.io", text_only(check_customerio, secret, found.parameters))
    step("Dodo's API", text_only(check_dodo, secret, found.parameters))
    step("function", text_only(check_function, secret, found, patience_seconds))
    for name, note in queue_check.notes(found):
        say(f"??  {name}: {note}.")
    if hint(found.parameters):
        say(f"??  people: {hint(found.parameters)}")
    if warning := test_mode_warning(found.name, found.parameters, secret):
        say(f"??  mode: {warning}.")
    say("All is well. Send a test event from Dodo's dashboard.")
