"""When `make doctor` warns of test mode."""

import pytest

from ops.workspace import test_mode_warning as warning_of

LIVE, TEST = {"DodoEnvironment": "live"}, {"DodoEnvironment": "test"}
PAIR = {"customerio_site_id": "0123456789abcdef7890"}
CASES = [
    # Name of the stack, parameters, secret, what the warning says or None.
    ("dodo-customerio", LIVE, PAIR, None),
    ("dodo-customerio", {}, PAIR, None),
    ("dodo-customerio", LIVE, {**PAIR, "dodo_api_key": "dodo_live_k3y0"}, None),
    ("dodo-customerio", TEST, PAIR, "DodoEnvironment is test"),
    ("shop-prod", TEST, PAIR, "the stack shop-prod"),
    ("dodo-customerio", LIVE, {**PAIR, "dodo_api_key": " dodo_test_k3y0"}, "dodo_api_key is a key of test mode"),
    ("dodo-customerio-test", TEST, PAIR, None),
    ("Staging2", TEST, {**PAIR, "dodo_api_key": "dodo_test_k3y0"}, None),
    # A word, not a part of one.
    ("contest-shop", TEST, PAIR, "looks like the one of your real customers"),
    ("dodo-customerio", TEST, {"dodo_api_key": ["odd"]}, "DodoEnvironment is test"),
]


@pytest.mark.parametrize(("name", "parameters", "secret", "wanted"), CASES)
def test_the_doctor_warns_of_test_mode_unless_the_stack_is_named_for_tests(name, parameters, secret, wanted):
    warning = warning_of(name, parameters, secret)
    assert not any(value in (warning or "") for value in ("k3y0", "7890")), "nothing of a secret"
    assert warning is None if wanted is None else wanted in warning
