"""`make secret` and `make doctor` accept what the function accepts: each case of tests/secret-cases.json, which
the function's tests read too, and the template's secret.
"""

import json
import re

import pytest
from conftest import ROOT

from ops.secret_rules import FIELDS, OPTIONAL, ignored, problems

TABLE = json.loads((ROOT / "tests/secret-cases.json").read_text())


@pytest.mark.parametrize("case", TABLE["fields"])
def test_each_field(case):
    field = case["field"]
    secret = {**TABLE["good"], field: case["value"]}
    wanted = [f"{field} {case['problem']}"] if case["problem"] else []
    assert (problems(secret), ignored(secret)) == (([], wanted) if field == OPTIONAL else (wanted, []))


@pytest.mark.parametrize("case", TABLE["secrets"])
def test_whole_secrets(case):
    assert (problems(case["secret"]), ignored(case["secret"])) == (case["problems"], case["ignored"])


def test_the_templates_secret_is_all_placeholders():
    template = (ROOT / "template.yaml").read_text()
    secret = json.loads(re.search(r"SecretString: \|\n(.*?\})", template, re.DOTALL).group(1))
    wanted = [f"{field} is still a placeholder" for field, _, _ in FIELDS if field != OPTIONAL]
    assert (problems(secret), ignored(secret)) == (wanted, [])


def test_adding_and_dropping_at_once_is_refused(checkout):
    assert "Do one after the other. Type: make secret ADD=1" in checkout.fails("secret", ADD="1", DROP="1")
