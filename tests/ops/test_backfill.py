"""`make backfill`: what the tool is given, from the stack or from the shell."""

import json
import sys

import pytest
from conftest import ROOT
from samtranslator.yaml_helper import yaml_parse

from ops.backfill import SETTINGS

SECRET = {
    "dodo_webhook_secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "customerio_site_id": "0123456789abcdef7890",
    "customerio_api_key": "abcdef01234567890abc",
    "dodo_api_key": "dodo_live_k3y0123456789",
}
# Writes down what it was given.
TOOL = f"""#!{sys.executable}
import json, os, sys
with open("given", "w") as file:
    json.dump([sys.argv[1:], dict(os.environ)], file)
print("the tool ran")
"""


@pytest.fixture
def backfill(checkout):
    """Runs the command with a tool that writes down its options and environment: both, and what was printed."""
    tool = checkout.folder / "target" / "release" / "backfill"
    tool.parent.mkdir(parents=True)
    tool.write_text(TOOL)
    tool.chmod(0o755)

    def run(**variables):
        well, text = checkout.run("backfill", **variables)
        assert well, text
        return *json.loads((checkout.folder / "given").read_text()), text

    return run


@pytest.fixture
def made(aws):
    """Makes a stack with a secret."""

    def make(secret=SECRET, name="dodo-customerio", **parameters):
        aws.made(name, {"PersonIdentifier": "email", **parameters}, "https://function.example.com/")
        client, arn = aws.client("secretsmanager"), aws.outputs(name)["SecretArn"]
        client.put_secret_value(SecretId=arn, SecretString=json.dumps(secret))

    return make


def test_the_stack_says_who_and_where_events_end(backfill, made):
    made(CustomerIoRegion="eu", EventNames="refund.*=", TransformFile="plans.js")
    options, environment, text = backfill(PERSON_IDENTIFIER="metadata.of_this_shell")
    assert options == ["--events-until", "2026-11-24T12:00:00Z", "--calls-a-minute", "50"]
    assert environment["PERSON_IDENTIFIER"] == "email" and environment["CUSTOMERIO_REGION"] == "eu"
    assert environment["EVENT_NAMES"] == "refund.*=" and environment["TRANSFORM_FILE"] == "plans.js"
    assert environment["DODO_API_KEY"] == SECRET["dodo_api_key"]
    assert environment["CUSTOMERIO_SITE_ID"] == SECRET["customerio_site_id"]
    assert "DODO_WEBHOOK_SECRET" not in environment
    assert not any(value in text for value in SECRET.values())


def test_options_are_passed_on(backfill, made):
    made()
    typed = {"DRY_RUN": "1", "YES": "1", "EVENTS": "1", "SINCE": "2026-01-01", "UNTIL": "2026-06-01", "EXCLUDE": "my list.txt"}
    options, environment, _ = backfill(**typed)
    assert dict(zip(options, options[1:])).items() >= {("--since", "2026-01-01"), ("--until", "2026-06-01"), ("--exclude", "my list.txt")}
    assert {"--dry-run", "--yes", "--events"} <= set(options)
    # Both: the earlier of them bounds events.
    assert dict(zip(options, options[1:]))["--events-until"] == "2026-11-24T12:00:00Z"
    assert options.count("--until") == 1 and "EVENTS" not in environment


def test_the_key_may_come_from_the_shell_and_then_the_function_asks_nothing(backfill, made):
    made({field: value for field, value in SECRET.items() if field != "dodo_api_key"})
    options, environment, _ = backfill(STACK="dodo-customerio", DODO_API_KEY="dodo_live_of_the_shell")
    assert environment["DODO_API_KEY"] == "dodo_live_of_the_shell" and "--calls-a-minute" not in options


def test_a_stack_that_is_known_here_wins_over_the_shell(checkout, backfill, made):
    made()
    (checkout.folder / ".stacks").mkdir()
    (checkout.folder / ".stacks" / "dodo-customerio.json").write_text('{"region": "eu-central-1"}')
    _, environment, _ = backfill(DODO_API_KEY="of_the_shell", CUSTOMERIO_SITE_ID="of_the_shell")
    assert environment["DODO_API_KEY"] == SECRET["dodo_api_key"]
    assert environment["CUSTOMERIO_SITE_ID"] == SECRET["customerio_site_id"]


def test_without_a_stack_the_shell_says_everything(backfill):
    shell = {"DODO_API_KEY": "of_the_shell", "PERSON_IDENTIFIER": "email", "EVENTS": "payment.*"}
    options, environment, text = backfill(**shell)
    assert options == [] and environment.items() >= shell.items()
    assert "settings are those of this shell" in text and "make backfill STACK=…" in text
    options, environment, _ = backfill(DODO_API_KEY="of_the_shell", EVENTS="1")
    assert options == ["--events"] and "EVENTS" not in environment


@pytest.mark.parametrize("secret, parameters, variables, said", [
    ({"dodo_api_key": None}, {}, {}, "has no dodo_api_key. Type: make secret, to store one that reads"),
    # Without the name, the key in the shell would mean the shell's settings.
    ({"dodo_api_key": None}, {}, {}, "then: make backfill STACK=dodo-customerio"),
    ({"dodo_api_key": "dodo_test_k3y0123456789"}, {}, {}, "one of test mode, but the stack dodo-customerio is of live mode"),
    ({"customerio_site_id": "your_site_id"}, {}, {}, "customerio_site_id is still a placeholder in the secret of the stack"),
    ({"dodo_api_key": "two words"}, {}, {}, "dodo_api_key contains white space"),
    ({}, {}, {"EVENTS": "payment.*", "STACK": "dodo-customerio"}, "EVENTS=payment.* is neither yes nor no"),
    ({}, {}, {"BACKFILL_FOLDER": "import"}, "BACKFILL_FOLDER is inside this checkout"),
    ({}, {}, {"STACK": "other"}, "There is no stack named other in eu-central-1"),
])
def test_what_is_wrong_is_said_before_anything_is_read(checkout, made, secret, parameters, variables, said):
    made({field: value for field, value in {**SECRET, **secret}.items() if value}, **parameters)
    sentence = checkout.fails("backfill", **variables)
    assert said in sentence and not any(value in sentence for value in SECRET.values())


def test_every_setting_of_the_function_reaches_the_tool():
    """But for those that say how it runs."""
    shared = yaml_parse((ROOT / "template.yaml").read_text())["Globals"]["Function"]
    of_running = {"SECRET_ID", "SECRET_TTL_SECONDS", "WEBHOOK_TOLERANCE_SECONDS", "LOG_LEVEL"}
    assert set(SETTINGS.values()) == set(shared["Environment"]["Variables"]) - of_running
