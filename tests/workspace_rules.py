"""Checks when `make doctor` warns of test mode. Prints what differs and then fails."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from ops.workspace import test_mode_warning  # noqa: E402

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


def differences():
    for name, parameters, secret, wanted in CASES:
        warning = test_mode_warning(name, parameters, secret)
        if any(value in (warning or "") for value in ("k3y0", "7890")):
            yield name, warning, "nothing of a secret"
        if (wanted is None) != (warning is None) or wanted and wanted not in warning:
            yield name, warning, wanted


different = list(differences())
for case in different:
    print(*case)
sys.exit(bool(different))
