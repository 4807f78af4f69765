"""Sets up and checks a deployed function: `make secret`, `make doctor`, `make logs`.

    secret    puts credentials into the stack's secret: from the environment, from JSON on standard
              input, or asked for without echo. ADD=1 adds a second webhook secret, for a rotation;
              DROP=1 drops the old one.
    logs      shows the function's log from 15 minutes ago and goes on; FOLLOW=0 ends after that.
    doctor    checks AWS, the stack, the secret, Customer.io, Dodo's API and the function URL, one after
              another.

No value of a secret is ever printed.
"""

import base64
import getpass
import hashlib
import hmac
import json
import os
import pathlib
import re
import sys
import time
import urllib.error
import urllib.request
import uuid

import boto3
import botocore.exceptions

from workspace import test_mode_warning


def remembered(name):
    """A setting that the guided deployment wrote into samconfig.toml."""
    try:
        text = (pathlib.Path(__file__).parent.parent / "samconfig.toml").read_text()
    except OSError:
        return None
    found = re.search(rf'^{name} *= *"([^"]+)"', text, re.MULTILINE)
    return found and found.group(1)


STACK = os.environ.get("STACK") or remembered("stack_name") or "dodo-customerio"
REGION = os.environ.get("AWS_REGION") or remembered("region")
DODO_URLS = {"live": "https://live.dodopayments.com", "test": "https://test.dodopayments.com"}
TRACK_URLS = {"us": "https://track.customer.io", "eu": "https://track-eu.customer.io"}
# Field of the secret, environment variable, what to ask for.
FIELDS = [
    ("dodo_webhook_secret", "DODO_WEBHOOK_SECRET", "Signing secret of the endpoint in Dodo's dashboard (whsec_…)"),
    ("customerio_site_id", "CUSTOMERIO_SITE_ID", "Customer.io Site ID (Tracking API)"),
    ("customerio_api_key", "CUSTOMERIO_API_KEY", "Customer.io API Key (Tracking API)"),
    ("dodo_api_key", "DODO_API_KEY", "Dodo API key, for lifetime values and addresses (optional; `none` removes it)"),
]
OPTIONAL = "dodo_api_key"

# A placeholder, by its whole value: the rule of src/secrets/placeholder.rs. tests/secret-cases.json keeps both alike.
PLACEHOLDERS = {
    *("none", "null", "undefined", "apikey", "api_key", "site_id", "webhook_secret"),
    *("yourapikey", "yoursiteid", "yourkey", "yoursecret"),
    *(field for field, _, _ in FIELDS),
}
FIRST_WORDS = {
    *("change", "changeme", "dummy", "enter", "example", "fixme", "insert", "paste"),
    *("placeholder", "replace", "replaceme", "sample", "tbd", "todo", "your"),
}
LAST_WORDS = {"here", "placeholder"}
BRACKETS = [("<", ">"), ("{", "}"), ("${", "}"), ("[", "]"), ("(", ")")]
FILLERS = set("x*.…-_ ")


NO_CREDENTIALS = (
    "There are no AWS credentials in this shell. Type: aws configure, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)


class Trouble(Exception):
    """What is wrong, and how to fix it."""


def called(service, operation, **arguments):
    """Calls AWS; a failure becomes a readable message."""
    try:
        return getattr(boto3.client(service, region_name=REGION), operation)(**arguments)
    except botocore.exceptions.NoRegionError:
        raise Trouble("No AWS region is set in this shell. Type: export AWS_REGION=eu-central-1, or your own region")
    except botocore.exceptions.ProfileNotFound as error:
        raise Trouble(f"{error}. Type: aws configure")
    except (botocore.exceptions.NoCredentialsError, botocore.exceptions.PartialCredentialsError):
        raise Trouble(NO_CREDENTIALS)
    except botocore.exceptions.EndpointConnectionError as error:
        raise Trouble(f"AWS cannot be reached: {error}")
    except botocore.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ValidationError":
            raise Trouble(f"There is no stack named {STACK} in this region. Type: make deploy, or STACK=… for another name")
        raise Trouble(f"AWS refuses: {code}. Check the account and the permissions of your credentials")


def stack():
    """Outputs and parameters of the stack, by name."""
    description = called("cloudformation", "describe_stacks", StackName=STACK)["Stacks"][0]
    outputs = {it["OutputKey"]: it["OutputValue"] for it in description.get("Outputs", [])}
    parameters = {it["ParameterKey"]: it["ParameterValue"] for it in description.get("Parameters", [])}
    return outputs, parameters


def stored(secret_id):
    response = called("secretsmanager", "get_secret_value", SecretId=secret_id)
    try:
        value = json.loads(response.get("SecretString") or response["SecretBinary"])
    except (KeyError, ValueError):
        value = None
    return trimmed(value) if isinstance(value, dict) else {}


def trimmed(values):
    return {field: value.strip() if isinstance(value, str) else value for field, value in values.items()}


def webhook_secrets(value):
    return value if isinstance(value, list) else [value]


def is_placeholder(value):
    value = re.sub("^(whsec|dodo_live|dodo_test)_", "", value.lower())
    enclosed = any(value.startswith(opening) and value.endswith(closing) for opening, closing in BRACKETS)
    if not value or enclosed or value in PLACEHOLDERS or set(value) <= FILLERS:
        return bool(value)
    words = [word for word in re.split("[-_. ]", value) if word]
    instructs = words[0] in FIRST_WORDS or words[-1] in LAST_WORDS
    return instructs and all(re.fullmatch("[a-z]{1,12}|[0-9]{1,3}", word) for word in words)


def signing_key(value):
    """The bytes of a webhook secret, or None. Padding may be left out."""
    encoded = value.strip().removeprefix("whsec_")
    bare = encoded.rstrip("=")
    padding = -len(bare) % 4
    try:
        key = base64.b64decode(bare + "=" * padding, validate=True)
    except ValueError:
        return None
    is_exact = base64.b64encode(key).decode().rstrip("=") == bare
    return key if is_exact and len(encoded) - len(bare) <= padding else None


def wrong(field, value):
    """What is wrong with a string of the secret, in the function's words, or None."""
    if not isinstance(value, str):
        return f"{field} is not a string"
    value = value.strip()
    if not value:
        return f"{field} is blank"
    if is_placeholder(value):
        return f"{field} is still a placeholder"
    if not all("!" <= it <= "~" for it in value):
        return f"{field} contains white space or other characters that no key has"
    if field == "dodo_webhook_secret":
        key = signing_key(value)
        if key is None:
            return f'{field} is not base64 after "whsec_"'
        if not key:
            return f"{field} is empty"
    return None


def wrong_in(secret, field):
    """What is wrong with a field, or None. That an optional field is absent is not wrong."""
    value = secret.get(field)
    if value is None:
        return None if field == OPTIONAL else f"{field} is missing"
    if field != "dodo_webhook_secret" or not isinstance(value, list):
        return wrong(field, value)
    if not value:
        return f"{field} is blank"
    return next(filter(None, (wrong(field, it) for it in value)), None)


def problems(secret):
    """What makes the secret unusable."""
    found = [wrong_in(secret, field) for field, _, _ in FIELDS if field != OPTIONAL]
    return [problem for problem in found if problem]


def ignored(secret):
    """What is wrong with the optional field, which then counts as absent."""
    return [problem for problem in [wrong_in(secret, OPTIONAL)] if problem]


def doubts(secret):
    """What may be a mistake, though the function accepts it."""
    found = []
    for value in webhook_secrets(secret["dodo_webhook_secret"]):
        if not value.strip().startswith("whsec_"):
            found.append("dodo_webhook_secret does not begin with whsec_, as Dodo's do")
        elif len(signing_key(value)) < 16:
            found.append("dodo_webhook_secret is shorter than Dodo's are")
    for field in ("customerio_site_id", "customerio_api_key"):
        value = secret[field].strip()
        if not value.isalnum() or len(value) < 16:
            found.append(f"{field} does not look like Customer.io's, which are some 20 letters and digits")
    if secret.get(OPTIONAL) and not ignored(secret) and len(secret[OPTIONAL].strip()) < 16:
        found.append(f"{OPTIONAL} is shorter than Dodo's are")
    return found


def given(fields):
    """New values by field: from the environment, from standard input, or asked for."""
    values = {field: os.environ.get(variable) for field, variable, _ in fields}
    if not any(values.values()) and not sys.stdin.isatty():
        try:
            values = dict(json.load(sys.stdin))
        except (ValueError, TypeError):
            raise Trouble("Standard input is not a JSON object. Type: make secret, to be asked")
    elif not any(values.values()):
        for field, _, question in fields:
            values[field] = getpass.getpass(f"{question}; empty keeps what is there: ")
    return trimmed({field: value for field, value in values.items() if value not in (None, "")})


def secret():
    outputs, _ = stack()
    before = stored(outputs["SecretArn"])
    after, new_values = dict(before), {}
    keys = [it for it in webhook_secrets(before.get("dodo_webhook_secret")) if not wrong("dodo_webhook_secret", it)]
    if os.environ.get("DROP"):
        if len(keys) < 2:
            raise Trouble("There is one webhook secret only, which is still needed")
        after["dodo_webhook_secret"] = keys[0]
    else:
        adds = bool(os.environ.get("ADD"))
        new_values = given(FIELDS[:1] if adds else FIELDS)
        after.update(new_values)
        if after.get(OPTIONAL) == "none":
            del after[OPTIONAL]
        if adds:
            new = [it for it in webhook_secrets(after["dodo_webhook_secret"]) if it not in keys]
            after["dodo_webhook_secret"] = (new + keys)[:2]
    # What was wrong with an optional field before stops no other change.
    found = problems(after) + (ignored(after) if OPTIONAL in new_values else [])
    if found:
        raise Trouble("Nothing was stored: " + "; ".join(found) + ". Type: make secret")
    if after == before:
        raise Trouble("Nothing was stored: the secret has these values already")
    called("secretsmanager", "put_secret_value", SecretId=outputs["SecretArn"], SecretString=json.dumps(after))
    for warning in ignored(after):
        print(f"Note: {warning}; it is optional and counts as absent.")
    for doubt in doubts(after):
        print(f"Note: {doubt}. Is it complete, and in the right field?")
    print("Stored. The function reads it within SECRET_TTL_SECONDS (300). Then: make doctor")


def request(url, body=None, headers=None):
    """Status and body of a response; redirects are not followed."""

    class NoRedirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = urllib.request.build_opener(NoRedirects)
    try:
        with opener.open(urllib.request.Request(url, data=body, headers=headers or {}), timeout=15) as response:
            return response.status, response.read(65536).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(65536).decode(errors="replace")
    except OSError as error:
        raise Trouble(f"{url} does not respond: {error}")


def check_customerio(secret, parameters):
    region = parameters.get("CustomerIoRegion", "us")
    base = parameters.get("CustomerIoTrackUrl") or TRACK_URLS[region]
    pair = f"{secret['customerio_site_id']}:{secret['customerio_api_key']}".encode()
    headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    status, body = request(base.rstrip("/") + "/api/v1/accounts/region", headers=headers)
    if status != 200:
        raise Trouble(
            f"Customer.io responds with {status} to this pair in region {region}. Is it the Tracking API's pair, and does the "
            f"workspace live there? Type: make secret, or make deploy with another CustomerIoRegion"
        )
    lives = json.loads(body).get("region")
    if lives != region:
        raise Trouble(f"The workspace lives in region {lives}, the stack says {region}. Type: make deploy, and answer CustomerIoRegion: {lives}")
    return f"the pair is right, the workspace lives in {lives}"


def mode_of(key):
    """The mode that a key of Dodo's API says it belongs to, or None: older keys do not say it."""
    return next((mode for mode in DODO_URLS if key.startswith(f"dodo_{mode}_")), None)


def check_dodo(secret, parameters):
    if not secret.get(OPTIONAL):
        return "there is no dodo_api_key, so nothing is looked up"
    environment = parameters.get("DodoEnvironment") or "live"
    mode = mode_of(secret[OPTIONAL]) or environment
    if mode != environment:
        raise Trouble(
            f"dodo_api_key is a key of {mode} mode, but DodoEnvironment is {environment}. Type: make secret, with a key of "
            f"{environment} mode, or set DodoEnvironment to {mode} in samconfig.toml and type: make deploy"
        )
    base = (parameters.get("DodoApiUrl") or DODO_URLS[environment]).rstrip("/")
    for what in ("customers", "payments", "refunds", "disputes", "subscriptions"):
        headers = {"Authorization": f"Bearer {secret[OPTIONAL]}"}
        status, _ = request(f"{base}/{what}?page_size=1", headers=headers)
        if status == 401:
            raise Trouble(
                f"Dodo's API responds with 401 to dodo_api_key in environment {environment}. Is it a key of the other mode? "
                f"Type: make secret, or make deploy with another DodoEnvironment"
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


def check_function(secret, url):
    """Sends a signed event without a customer, which the function ignores."""
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
    status, response = request(url, body, headers)
    try:
        response = json.loads(response)
    except ValueError:
        response = {}
    if (status, response.get("outcome")) != (200, "ignored"):
        message = response.get("message", "it gives no reason")
        raise Trouble(f"The function responds with {status} to a signed probe: {message} Type: make logs")
    return "it verified a signed probe and ignored it, as it should"


def logs():
    outputs, _ = stack()
    since = int((time.time() - 15 * 60) * 1000)
    while True:
        page = called("logs", "filter_log_events", logGroupName=outputs["LogGroupName"], startTime=since)
        for event in page["events"]:
            print(event["message"].rstrip(), flush=True)
            since = max(since, event["timestamp"] + 1)
        if os.environ.get("FOLLOW") == "0":
            return
        time.sleep(2)


def doctor():
    def step(name, check):
        try:
            print(f"ok  {name}: {check()}")
        except Trouble as trouble:
            print(f"!!  {name}: {trouble}.")
            raise SystemExit(1)

    found = {}

    def identity():
        return "account " + called("sts", "get_caller_identity")["Account"]

    def described():
        found["outputs"], found["parameters"] = stack()
        return STACK

    def shaped():
        found["secret"] = stored(found["outputs"]["SecretArn"])
        wrong_fields = problems(found["secret"]) + ignored(found["secret"])
        if wrong_fields:
            raise Trouble("; ".join(wrong_fields) + ". Type: make secret")
        return f"well-formed, {len(webhook_secrets(found['secret']['dodo_webhook_secret']))} webhook secret(s)"

    step("AWS", identity)
    step("stack", described)
    step("secret", shaped)
    step("Customer.io", lambda: check_customerio(found["secret"], found["parameters"]))
    step("Dodo's API", lambda: check_dodo(found["secret"], found["parameters"]))
    step("function", lambda: check_function(found["secret"], found["outputs"]["FunctionUrl"]))
    if hint(found["parameters"]):
        print(f"??  people: {hint(found['parameters'])}")
    if warning := test_mode_warning(STACK, found["parameters"], found["secret"]):
        print(f"??  mode: {warning}.")
    print("All is well. Send a test event from Dodo's dashboard.")


if __name__ == "__main__":
    commands = {"secret": secret, "doctor": doctor, "logs": logs}
    try:
        commands[sys.argv[1]]()
    except Trouble as trouble:
        sys.exit(f"{trouble}.")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; nothing was stored.")
    except (IndexError, KeyError):
        sys.exit(__doc__)
