"""`make secret`: what it stores, and what it refuses without storing anything."""

import json

import pytest

STACK = "dodo-customerio"
OLD, NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAIR = {"customerio_site_id": "0123456789abcdef7890", "customerio_api_key": "abcdef01234567890abc"}


@pytest.fixture
def secret(aws):
    """A stack with this secret; returns what reads it."""

    def made(value):
        aws.made(STACK, {}, "http://127.0.0.1:9/")
        client, arn = aws.client("secretsmanager"), aws.outputs(STACK)["SecretArn"]
        client.put_secret_value(SecretId=arn, SecretString=json.dumps(value))
        return lambda: json.loads(client.get_secret_value(SecretId=arn)["SecretString"])

    return made


def test_a_second_webhook_secret_comes_first(checkout, secret):
    stored = secret({"dodo_webhook_secret": OLD, **PAIR})
    well, text = checkout.run("secret", ADD="1", DODO_WEBHOOK_SECRET=NEW)
    assert well and "Stored." in text and stored()["dodo_webhook_secret"] == [NEW, OLD]


def test_a_third_one_says_that_the_oldest_is_dropped(checkout, secret):
    stored = secret({"dodo_webhook_secret": [NEW, OLD], **PAIR})
    third = "whsec_dGhlIHRoaXJkIHdlYmhvb2sgc2VjcmV0IQ=="
    well, text = checkout.run("secret", ADD="1", DODO_WEBHOOK_SECRET=third)
    assert well and "the oldest webhook secret was dropped" in text and stored()["dodo_webhook_secret"] == [third, NEW]


@pytest.mark.parametrize("given", [{"DODO_WEBHOOK_SECRET": OLD}, {"input": "{}"}])
def test_adding_nothing_is_said(checkout, secret, given):
    stored = secret({"dodo_webhook_secret": OLD, **PAIR})
    well, text = checkout.run("secret", ADD="1", **given)
    assert not well and "no webhook secret was given, or it is stored already. Type: make secret ADD=1" in text
    assert stored()["dodo_webhook_secret"] == OLD


def test_adding_to_an_empty_secret_is_no_mistake_of_ours(checkout, secret):
    secret({})
    well, text = checkout.run("secret", ADD="1", input="{}")
    assert not well and "mistake of make secret" not in text


def test_a_misspelt_field_stores_nothing(checkout, secret):
    stored = secret({"dodo_webhook_secret": OLD, **PAIR})
    well, text = checkout.run("secret", input=json.dumps({"dodo_webhook_secret": NEW, "customerio_api_ky": "x"}))
    assert not well and "Nothing was stored: customerio_api_ky on standard input is not one of" in text
    assert stored()["dodo_webhook_secret"] == OLD
