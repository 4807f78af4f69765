"""Checks that `make secret` and `make doctor` accept what the function accepts: each case of
tests/secret-cases.json and the template's secret. Prints what differs and then fails.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from ops import secret_rules  # noqa: E402


def differences():
    table = json.loads((ROOT / "tests/secret-cases.json").read_text())
    for case in table["fields"]:
        field, problem = case["field"], case["problem"]
        secret = {**table["good"], field: case["value"]}
        wanted = [f"{field} {problem}"] if problem else []
        optional = field == secret_rules.OPTIONAL
        yield case, (secret_rules.problems(secret), secret_rules.ignored(secret)), ([], wanted) if optional else (wanted, [])
    for case in table["secrets"]:
        secret = case["secret"]
        yield case, (secret_rules.problems(secret), secret_rules.ignored(secret)), (case["problems"], case["ignored"])
    template = (ROOT / "template.yaml").read_text()
    secret = json.loads(re.search(r"SecretString: \|\n(.*?\})", template, re.DOTALL).group(1))
    wanted = [f"{field} is still a placeholder" for field, _, _ in secret_rules.FIELDS if field != secret_rules.OPTIONAL]
    yield secret, (secret_rules.problems(secret), secret_rules.ignored(secret)), (wanted, [])


different = [(case, got) for case, got, wanted in differences() if got != wanted]
for case, got in different:
    print(case, got)
sys.exit(bool(different))
