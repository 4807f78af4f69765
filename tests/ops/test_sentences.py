"""Every error of AWS's library is one sentence with the next command."""

import subprocess
import sys

import botocore.exceptions as errors
import pytest

from ops import aws, parameters
from ops.paths import ROOT
from ops.trouble import Trouble

DEFINITIONS = {
    "Mail": {"Type": "String", "Default": ""},
    "Region": {"Type": "String", "Default": "us", "AllowedValues": ["us", "eu"]},
    "Hours": {"Type": "Number", "Default": 0, "MinValue": 0, "MaxValue": 24},
}


def refused(code, message="It says so."):
    return errors.ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")


@pytest.mark.parametrize("code, sentence", [
    ("ExpiredToken", "Type: export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_SESSION_TOKEN=…, with fresh ones"),
    ("RequestExpired", "have expired"),
    ("InvalidClientTokenId", "Type: export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…, or export AWS_PROFILE="),
    ("SignatureDoesNotMatch", "Type: export AWS_ACCESS_KEY_ID="),
    ("AccessDenied", "may not do DescribeStacks"),
    ("Throttling", "Wait a minute"),
    ("SomethingNew", "AWS refuses DescribeStacks: SomethingNew: It says so"),
])
def test_codes(monkeypatch, code, sentence):
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    assert sentence in aws.refusal(refused(code))


@pytest.mark.parametrize("profile, variables, says", [
    ("sso_start_url = https://example.com/start", {}, "Type: aws sso login --profile work (a command of the AWS CLI)"),
    ("sso_session = s", {}, "Type: aws sso login --profile work"),
    ("region = eu-central-1", {}, "Type: export AWS_ACCESS_KEY_ID="),
    ("sso_session = s", {"AWS_ACCESS_KEY_ID": "testing"}, "Type: export AWS_ACCESS_KEY_ID="),
    ("sso_session = s", {"AWS_PROFILE": "gone"}, "Type: export AWS_ACCESS_KEY_ID="),
])
def test_a_login_is_only_named_where_there_is_one(monkeypatch, tmp_path, profile, variables, says):
    (tmp_path / "config").write_text(f"[profile work]\n{profile}\n")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    for name, value in {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "work", **variables}.items():
        monkeypatch.setenv(name, value)
    assert says in aws.refusal(refused("ExpiredToken"))


def every_error():
    """One of each class of botocore's errors."""
    known = {"profile": "p", "region_name": "r", "endpoint_url": "u", "error": "e", "error_msg": "e", "provider": "p", "service_name": "s"}

    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.BotoCoreError):
            try:
                yield kind(**known)
            except (KeyError, TypeError):
                continue


def test_any_error_is_a_sentence():
    found = list(every_error())
    assert len(found) > 30
    for error in found:
        text = aws.sentence(error)
        assert text and "\n" not in text and "Traceback" not in text, type(error)


@pytest.mark.parametrize("text, values", [
    ("", {}),
    ("Mail=ops@example.com Hours=6", {"Mail": "ops@example.com", "Hours": "6"}),
    ("  Mail=a=b, c d   Hours=6 ", {"Mail": "a=b, c d", "Hours": "6"}),
    ("""Mail='two words' Region="eu" Hours=""", {"Mail": "two words", "Region": "eu", "Hours": ""}),
    ("""Mail="a b=c Hours=5" hours=6""", {"Mail": "a b=c Hours=5", "hours": "6"}),
    ("Mail=a.b=Order Completed, c.d= HOURS_TOO=1", {"Mail": "a.b=Order Completed, c.d=", "HOURS_TOO": "1"}),
])
def test_parameters_of_the_command_line(text, values):
    assert parameters.parse(text) == values


def test_layers_of_values():
    merged = parameters.merged(DEFINITIONS, {"Mail": "told", "Hours": "1", "Gone": "x"}, {"Hours": "2"}, {"Region": "eu"})
    assert merged == {"Mail": "told", "Region": "eu", "Hours": "2"}


def test_what_changes():
    assert parameters.changes({"Mail": "a", "Hours": "1"}, {"Mail": "", "Hours": "1", "New": "n"}) == ["Mail: a -> (empty)", "New: n"]


@pytest.mark.parametrize("values, problem", [
    ({"Hours": "25"}, "from 0 to 24"),
    ({"Hours": "six"}, "must be a number"),
    ({"Region": "EU"}, "one of us, eu"),
    ({"Maill": "x"}, "Did you mean Mail?"),
    ({"hours": "5"}, 'Did you mean Hours? Type: make deploy PARAMS=Hours=5'),
    ({"Something": "x"}, "docs/configuration.md lists them"),
])
def test_values_that_the_template_does_not_allow(values, problem):
    with pytest.raises(Trouble, match="Type: make deploy PARAMS=") as raised:
        parameters.check(DEFINITIONS, values)
    assert problem in str(raised.value).replace("\\", "")


def test_what_is_missing_on_this_machine_is_a_sentence(checkout):
    (checkout.folder / ".stacks").write_text("a file")
    said = checkout.fails("doctor")
    assert ".stacks" in said and "cannot be read or written: Not a directory" in said and "type the same again" in said
    (checkout.folder / "boto3.py").write_text("import gone_from_the_environment\n")
    assert "gone_from_the_environment is missing from the virtual environment. Type: rm -rf .venv" in checkout.fails("doctor")


def test_an_environment_whose_python_is_gone_is_made_again(checkout):
    """As after an upgrade of the system's Python: the marks of the parts are still there."""
    environment = checkout.folder / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to("/never/there/python3")
    for file in ("ops/requirements.txt", "tests/constraints.txt", ".venv/.ops"):
        (checkout.folder / file).parent.mkdir(exist_ok=True)
        (checkout.folder / file).touch()
    python = checkout.programs / "python3"
    python.write_text('#!/bin/sh\necho "runs $*"\n')
    python.chmod(0o755)
    assert "runs -m ops.venv ops\n" in made(checkout).stdout
    # One that is too old cannot read this program at all.
    python.write_text('#!/bin/sh\necho "SyntaxError: invalid syntax" >&2\nexit 1\n')
    said = made(checkout).stderr
    assert said.startswith("python3 is not Python 3.11 or later. ") and "SyntaxError" not in said, said


def made(checkout):
    command = ["/usr/bin/make", "--no-print-directory", "doctor"]
    return subprocess.run(command, cwd=checkout.folder, env=checkout.environment, capture_output=True, text=True)


def test_a_file_in_place_of_the_environment_is_named(checkout):
    (checkout.folder / ".venv").write_text("a file")
    ran = subprocess.run([sys.executable, "-m", "ops.venv", "ops"], cwd=checkout.folder, env=checkout.environment, capture_output=True, text=True)
    assert ran.returncode == 1 and ran.stderr.startswith("The virtual environment .venv cannot be made ("), ran
    assert ran.stderr.endswith("Type: rm -rf .venv, then the same again.\n"), ran


def test_a_stand_in_without_its_package_says_what_to_type():
    # -S: without any installed package.
    ran = subprocess.run([sys.executable, "-S", ROOT / "crates/stand-ins/secrets_manager.py"], capture_output=True, text=True)
    assert ran.returncode == 1 and ran.stderr == "moto is missing from the virtual environment. Type: rm -rf .venv, then the same again.\n", ran
