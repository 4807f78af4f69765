"""Every command that is printed can be copied and works: for the stack that is meant, with the release that was named."""

import ast
import re

import pytest
from conftest import ROOT

from ops import hints

FILES = sorted((ROOT / "ops").glob("*.py"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def strings(tree):
    """Every string that could be printed: not documentation."""
    documentation = {id(it.value) for it in ast.walk(tree) if isinstance(it, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def commands():
    """Each command of a hint in ops/, with its file and the string it stands in."""
    for file in FILES:
        for text in strings(ast.parse(file.read_text())):
            for name in re.findall(r"\bmake ([a-z-]+)", text):
                yield file.name, name, text


def test_every_hint_names_a_target():
    found = {name for _, name, _ in commands()}
    assert found >= set(hints.CARRIED) and len(list(commands())) > 50
    assert found <= TARGETS, found - TARGETS


@pytest.mark.parametrize("name", hints.CARRIED)
def test_every_hint_is_completed(monkeypatch, name):
    monkeypatch.setenv("STACK", "shop")
    for file, command, text in commands():
        if command == name:
            completed = hints.completed(text)
            assert not re.search(rf"\bmake {name}(?! STACK=)(?! [A-Z_]+=\S* STACK=)", completed), f"{file}: {completed}"


def test_nothing_is_printed_past_the_place_that_completes_hints():
    """Lines of the log are printed as they are."""
    for file in FILES:
        calls = [it.func for it in ast.walk(ast.parse(file.read_text())) if isinstance(it, ast.Call)]
        printing = [it for it in calls if isinstance(it, ast.Name) and it.id == "print"]
        printing += [it for it in calls if isinstance(it, ast.Attribute) and it.attr == "write" and "std" in ast.unparse(it.value)]
        assert len(printing) == (file.stem in ("hints", "logs")), file.name
    assert "sys.exit(completed(" in (ROOT / "ops" / "__main__.py").read_text()


@pytest.mark.parametrize("variables, text, completed", [
    ({}, "Type: make doctor", "Type: make doctor"),
    ({"STACK": "shop"}, "Type: make doctor.", "Type: make doctor STACK=shop."),
    ({"STACK": "shop"}, "Type: make deploy PARAMS=…, or make secret", "Type: make deploy STACK=shop PARAMS=…, or make secret STACK=shop"),
    ({"STACK": "shop"}, "Type: make logs SINCE=2h STACK=other", "Type: make logs SINCE=2h STACK=other"),
    ({"STACK": "shop"}, 'make deploy PARAMS="a b" STACK=other', 'make deploy PARAMS="a b" STACK=other'),
    ({"STACK": "shop", "PREBUILT": "my release"}, "make deploy YES=1", "make deploy STACK=shop PREBUILT='my release' YES=1"),
    ({"PREBUILT": "release"}, "make deploy PREBUILT=…", "make deploy PREBUILT=…"),
    ({"PREBUILT": "release"}, "make doctor", "make doctor"),
    ({"STACK": "shop"}, "make setup, or make connections", "make setup, or make connections"),
])
def test_completion(monkeypatch, variables, text, completed):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert hints.completed(text) == completed


def test_the_same_again(monkeypatch):
    monkeypatch.setenv("PARAMS", "PersonIdentifier=metadata.$id SilenceHours=6")
    monkeypatch.setenv("STACK", "shop")
    wanted = "make deploy STACK=shop PARAMS='PersonIdentifier=metadata.$$id SilenceHours=6' YES=1"
    assert hints.again("deploy", YES="1") == wanted
    assert hints.completed(hints.again("deploy", YES="1")) == wanted
    monkeypatch.setenv("GUIDED", "1")
    assert hints.again("deploy", GUIDED=None, PARAMS=None) == "make deploy STACK=shop"


@pytest.mark.parametrize("command", ["deploy", "connect", "secret", "doctor", "logs", "redrive", "destroy"])
def test_commands_for_another_stack_name_it(checkout, command):
    """And say nothing of it where it is the usual one."""
    _, text = checkout.run(command, STACK="shop", NO_TARGET="1", YES="")
    found = re.findall(r"make (?:deploy|connect|secret|doctor|logs|redrive|destroy)\b[^,.]*", text)
    assert found and all("STACK=" in it for it in found), text
    assert "STACK=shop" not in checkout.run(command, NO_TARGET="1", YES="")[1]
