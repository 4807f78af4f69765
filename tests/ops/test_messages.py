"""Whatever somebody types, the commands that go to AWS end with a sentence and a failure, never with a traceback.
crates/local-tools/tests/messages.rs has the local tools and the targets of make.
"""

import subprocess
import sys

import pytest

from ops import __main__ as command_line

COMMANDS = command_line.COMMANDS
NO_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
NO_REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")
# Neither of a signing secret, nor of a key, nor of anything else.
GARBAGE = "gar\"bage' $HOME `id` \u00fc"


def is_sentence(text):
    return len(text.split()) >= 4 and text.endswith(".") and "Error(" not in text and "{" not in text


@pytest.mark.parametrize("command", [it for it in COMMANDS if it != "package"])
@pytest.mark.parametrize("without", [NO_CREDENTIALS, NO_REGION, (*NO_CREDENTIALS, *NO_REGION, "HOME")])
def test_without_credentials_or_region(checkout, command, without):
    said = checkout.fails(command, without, AWS_EC2_METADATA_DISABLED="true")
    assert is_sentence(said) and "Type: " in said


@pytest.mark.parametrize("command", [it for it in COMMANDS if it not in ("package", "deploy")])
@pytest.mark.parametrize("variables", [{}, {"STACK": GARBAGE}, {"STACK": "elsewhere"}, {"AWS_PROFILE": "nobody"}])
def test_stacks_and_profiles_that_are_not_there(checkout, command, variables):
    said = checkout.fails(command, **variables)
    assert is_sentence(said) and "Type: " in said


@pytest.mark.parametrize("variables", [
    {"PARAMS": GARBAGE},
    {"PARAMS": f"AlarmEmail={GARBAGE}"},
    {"PARAMS": "SilenceHours=-1"},
    {"PARAMS": "MemorySize=abc"},
    {"ARCH": GARBAGE},
    {"TRANSFORM": GARBAGE},
    {"TRANSFORM": "/nonexistent.js"},
    {"PREBUILT": GARBAGE},
    {"PREBUILT": "/nonexistent"},
    {"PREBUILT": "/dev/null"},
    {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"},
    {"PATH": "/nonexistent"},
    {"DELIVERY": "queue"},
])
def test_deploying_with_garbage(checkout, variables):
    said = checkout.fails("deploy", **variables)
    assert is_sentence(said)


@pytest.mark.parametrize("command, variables", [
    ("connect", {"RATE_LIMIT": "abc"}),
    ("connect", {"RATE_LIMIT": "-1"}),
    ("connect", {"DODO_WRITE_KEY": GARBAGE}),
    ("logs", {"SINCE": "abc"}),
    ("logs", {"SINCE": "-1h"}),
    ("logs", {"ID": GARBAGE}),
    ("secret", {"DODO_WEBHOOK_SECRET": GARBAGE}),
])
def test_the_others_with_garbage(checkout, aws, command, variables):
    aws.made("dodo-customerio", {}, "http://127.0.0.1:9/")
    said = checkout.fails(command, **variables)
    assert is_sentence(said) and "Type: make" in said
    assert "bage" not in said or command in ("logs",), "no value of a secret"


def test_package_without_its_tools(checkout):
    assert "Type: " in checkout.fails("package", PATH="/nonexistent") or "Install" in checkout.fails("package", PATH="/nonexistent")


@pytest.mark.parametrize("arguments", [[], ["deplyo"], ["deploy", "now"]])
def test_no_command(checkout, arguments):
    ran = subprocess.run([sys.executable, "-m", "ops", *arguments], cwd=checkout.folder, capture_output=True, text=True)
    assert ran.returncode != 0 and ran.stderr.startswith("One of: deploy, connect")


def test_a_mistake_of_ours_is_a_sentence_without_what_it_was_about(monkeypatch, capsys):
    class Broken:
        @staticmethod
        def main():
            raise KeyError("whsec_secret")

    monkeypatch.setattr(command_line.importlib, "import_module", lambda _: Broken)
    with pytest.raises(SystemExit) as ended:
        command_line.main(["doctor"])
    said = str(ended.value)
    assert said.startswith("This is a mistake of make doctor, not yours: KeyError in test_messages.py:"), said
    assert "whsec" not in said


def test_a_closed_pipe_ends_quietly(checkout):
    """As `make doctor | head -1` does."""
    text = "import sys; sys.path.insert(0, '.'); from ops import __main__ as it; it.importlib.import_module = lambda _: it;"
    text += "it.COMMANDS = ('x',); main = it.main; it.main = lambda: [print('line') for _ in range(100000)]; main(['x'])"
    process = subprocess.Popen([sys.executable, "-c", text], cwd=checkout.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "line\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait()
