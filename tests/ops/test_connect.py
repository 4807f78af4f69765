"""`make connect` against Dodo's API on this machine. That the doctor then passes is tested in tests/function/operate.rs."""

import json
import re

import dodo as dodo_api
import pytest
from conftest import ROOT

from ops.event_types import EVENT_TYPES

CUSTOMERIO = {"CUSTOMERIO_SITE_ID": "0123456789abcdef0123", "CUSTOMERIO_API_KEY": "3210fedcba9876543210"}
OLD = "whsec_b2xkLXNpZ25pbmctc2VjcmV0LTAwMDE="
NEW = dodo_api.Dodo.next_secret


@pytest.fixture
def dodo():
    server = dodo_api.serve()
    yield server.dodo
    server.shutdown()
    server.server_close()


class Connected:
    """A stack that is not deployed here, only described, and its secret."""

    def __init__(self, checkout, aws, dodo):
        self.checkout, self.aws, self.dodo = checkout, aws, dodo
        parameters = {"DodoEnvironment": "test", "DodoApiUrl": dodo.url}
        self.url = "http://127.0.0.1:1/"
        aws.made("dodo-customerio", parameters, self.url)
        self.arn = aws.outputs("dodo-customerio")["SecretArn"]

    def stored(self):
        return json.loads(self.aws.client("secretsmanager").get_secret_value(SecretId=self.arn)["SecretString"])

    def store(self, **fields):
        text = json.dumps({"customerio_site_id": CUSTOMERIO["CUSTOMERIO_SITE_ID"], "customerio_api_key": CUSTOMERIO["CUSTOMERIO_API_KEY"], **fields})
        self.aws.client("secretsmanager").put_secret_value(SecretId=self.arn, SecretString=text)

    def connect(self, **variables):
        """What it printed; the function is not there, so the doctor at the end fails."""
        _, text = self.checkout.run("connect", **{"DODO_WRITE_KEY": dodo_api.WRITES, **variables})
        for secret in (NEW, OLD, dodo_api.WRITES, CUSTOMERIO["CUSTOMERIO_API_KEY"]):
            assert secret not in text and secret[6:] not in text
        return text


@pytest.fixture
def connected(checkout, aws, dodo):
    return Connected(checkout, aws, dodo)


def test_an_endpoint_is_made_disabled_and_enabled_once_its_secret_is_stored(connected):
    text = connected.connect(**CUSTOMERIO)
    assert "Made the endpoint ep_1, disabled for now" in text and "Enabled the endpoint" in text and "ok  stack" in text
    post = next(fields for method, _, fields in connected.dodo.calls if method == "POST")
    assert post["disabled"] is True and "filter_types" not in post and "rate_limit" not in post
    assert connected.dodo.endpoints[0] | {"url": connected.url, "disabled": False} == connected.dodo.endpoints[0]
    stored = connected.stored()
    assert stored == {"dodo_webhook_secret": NEW, "customerio_site_id": CUSTOMERIO["CUSTOMERIO_SITE_ID"], "customerio_api_key": CUSTOMERIO["CUSTOMERIO_API_KEY"]}


def test_it_is_found_again_and_nothing_is_replaced(connected):
    connected.store(dodo_webhook_secret=OLD, dodo_api_key="dodo_test_0123456789abcdef", another="field")
    for number in range(3):
        connected.dodo.add(f"https://example.com/{number}", "whsec_AAAA")
    connected.dodo.add(connected.url, NEW, disabled=True)
    connected.dodo.add(connected.url + "more", "whsec_AAAA")
    for _ in range(2):
        text = connected.connect()
        assert "Found the endpoint ep_4" in text
        stored = connected.stored()
        assert stored["dodo_webhook_secret"] == [NEW, OLD] and stored["another"] == "field" and stored["dodo_api_key"]
        assert not connected.dodo.endpoints[3]["disabled"]
    assert "is stored already" in text
    assert not any(method == "POST" for method, _, _ in connected.dodo.calls)


def test_two_endpoints_with_the_url_stop(connected):
    connected.store(dodo_webhook_secret=OLD)
    for _ in range(2):
        connected.dodo.add(connected.url, NEW, disabled=True)
    assert "2 endpoints with this stack's URL: ep_1, ep_2" in connected.connect()
    assert connected.stored()["dodo_webhook_secret"] == OLD
    assert all(method == "GET" for method, _, _ in connected.dodo.calls)


def test_rate_and_types_are_those_that_are_asked_for(connected):
    connected.store(dodo_webhook_secret=OLD)
    connected.connect(RATE_LIMIT="10", EVENTS="payment.succeeded, refund.succeeded")
    made = connected.dodo.endpoints[0]
    assert (made["rate_limit"], made["filter_types"]) == (10, ["payment.succeeded", "refund.succeeded"])
    assert "gets 2 event types only" in connected.connect()
    connected.connect(EVENTS="all")
    assert connected.dodo.endpoints[0]["filter_types"] is None
    assert "RATE_LIMIT is a number" in connected.connect(RATE_LIMIT="many")


@pytest.mark.parametrize("given, sentence", [
    ("payment.suceeded,refund.failed", "The nearest is payment.succeeded. Type: make connect EVENTS=payment.succeeded,refund.failed"),
    ("refund.*", "Type: make connect EVENTS=refund.failed,refund.succeeded"),
    ("all,payment.failed", 'EVENTS has "all", which is not an event type'),
    (" , ", "EVENTS has no event type in it"),
])
def test_a_type_that_dodo_does_not_know_is_refused_first(connected, given, sentence):
    connected.store(dodo_webhook_secret=OLD)
    assert sentence in connected.connect(EVENTS=given)
    assert not connected.dodo.calls


def test_the_types_are_those_of_the_function():
    source = (ROOT / "src/transform/built_in/event_types.rs").read_text()
    listed = source.split("pub const EVENT_TYPES", 1)[1].split("];", 1)[0]
    assert list(EVENT_TYPES) == re.findall(r'"([a-z_.]+)"', listed)


def test_a_dodo_that_cannot_be_reached_is_a_sentence(checkout, aws):
    aws.made("dodo-customerio", {"DodoEnvironment": "test", "DodoApiUrl": "http://127.0.0.1:1"}, "http://127.0.0.1:1/")
    well, text = checkout.run("connect", DODO_WRITE_KEY=dodo_api.WRITES, **CUSTOMERIO)
    assert not well and "127.0.0.1:1 refuses the connection" in text and "try again: make connect" in text and "Errno" not in text


def test_a_function_or_customerio_that_cannot_be_reached_is_a_sentence(connected):
    connected.store(dodo_webhook_secret=OLD)
    parameters = {"DodoEnvironment": "test", "DodoApiUrl": connected.dodo.url, "CustomerIoTrackUrl": "http://127.0.0.1:1"}
    connected.aws.made("shop", parameters, "http://127.0.0.1:1/")
    text = connected.connect(STACK="shop", **CUSTOMERIO)
    assert "!!  Customer.io: 127.0.0.1:1 refuses the connection" in text and "otherwise try again: make doctor STACK=shop." in text
    assert "Errno" not in text


@pytest.mark.parametrize("variables, sentence", [
    ({"DODO_WRITE_KEY": dodo_api.READS}, "may not write"),
    ({"DODO_WRITE_KEY": "dodo_test_unknown0000000"}, "does not know this key"),
    ({"DODO_WRITE_KEY": "dodo_live_w0000000000000000"}, "is a key of live mode, but DodoEnvironment is test"),
    ({"DODO_WRITE_KEY": "REPLACE_ME"}, "is still a placeholder"),
    ({"DODO_WRITE_KEY": ""}, "Put a key of Dodo's API with write access into DODO_WRITE_KEY"),
])
def test_a_key_that_cannot_be_used_changes_nothing(connected, variables, sentence):
    connected.store(dodo_webhook_secret=OLD)
    text = connected.connect(**variables, RATE_LIMIT="5")
    assert sentence in text and "Type: make connect RATE_LIMIT=5" in text
    assert connected.stored()["dodo_webhook_secret"] == OLD and not connected.dodo.endpoints


def test_without_customerios_credentials_nothing_is_made(connected):
    assert "Nothing was changed: customerio_site_id is not stored yet" in connected.connect()
    assert not connected.dodo.endpoints


def test_a_secret_that_cannot_be_used_leaves_the_endpoint_disabled(connected):
    connected.store(dodo_webhook_secret=OLD)
    connected.dodo.next_secret = "whsec_no base64"
    assert "cannot be used" in connected.connect()
    assert connected.dodo.endpoints[0]["disabled"] and connected.stored()["dodo_webhook_secret"] == OLD


def test_dodo_is_asked_again_when_it_is_busy_but_never_posts_twice(connected):
    connected.store(dodo_webhook_secret=OLD)
    connected.dodo.faults = [429, 503]
    assert "Made the endpoint" in connected.connect()
    connected.dodo.endpoints.clear()
    connected.dodo.calls.clear()
    connected.dodo.faults_of_post = [500]
    assert "responds with 500" in connected.connect()
    assert [method for method, _, _ in connected.dodo.calls].count("POST") == 1
