"""What may be in the secret: the rules of src/secrets. tests/secret-cases.json keeps both alike."""

import base64
import re

# Field of the secret, environment variable, what to ask for.
FIELDS = [
    ("dodo_webhook_secret", "DODO_WEBHOOK_SECRET", "Signing secret of the endpoint in Dodo's dashboard (whsec_…)"),
    ("customerio_site_id", "CUSTOMERIO_SITE_ID", "Customer.io Site ID (Tracking API)"),
    ("customerio_api_key", "CUSTOMERIO_API_KEY", "Customer.io API Key (Tracking API)"),
    ("dodo_api_key", "DODO_API_KEY", "Dodo API key, for lifetime values and addresses (optional; `none` removes it)"),
]
OPTIONAL = "dodo_api_key"

# A placeholder, by its whole value: the rule of src/secrets/placeholder.rs. tests/secret-cases.json keeps both alike.
PLACEHOLDERS = {
    *("none", "null", "undefined", "apikey", "api_key", "site_id", "webhook_secret"),
    *("yourapikey", "yoursiteid", "yourkey", "yoursecret"),
    *(field for field, _, _ in FIELDS),
}
FIRST_WORDS = {
    *("change", "changeme", "dummy", "enter", "example", "fixme", "insert", "paste"),
    *("placeholder", "replace", "replaceme", "sample", "tbd", "todo", "your"),
}
LAST_WORDS = {"here", "placeholder"}
BRACKETS = [("<", ">"), ("{", "}"), ("${", "}"), ("[", "]"), ("(", ")")]
FILLERS = set("x*.…-_ ")


def webhook_secrets(value):
    return value if isinstance(value, list) else [value]


def is_placeholder(value):
    value = re.sub("^(whsec|dodo_live|dodo_test)_", "", value.lower())
    enclosed = any(value.startswith(opening) and value.endswith(closing) for opening, closing in BRACKETS)
    if not value or enclosed or value in PLACEHOLDERS or set(value) <= FILLERS:
        return bool(value)
    words = [word for word in re.split("[-_. ]", value) if word]
    instructs = words[0] in FIRST_WORDS or words[-1] in LAST_WORDS
    return instructs and all(re.fullmatch("[a-z]{1,12}|[0-9]{1,3}", word) for word in words)


def signing_key(value):
    """The bytes of a webhook secret, or None. Padding may be left out."""
    encoded = value.strip().removeprefix("whsec_")
    bare = encoded.rstrip("=")
    padding = -len(bare) % 4
    try:
        key = base64.b64decode(bare + "=" * padding, validate=True)
    except ValueError:
        return None
    is_exact = base64.b64encode(key).decode().rstrip("=") == bare
    return key if is_exact and len(encoded) - len(bare) <= padding else None


def wrong(field, value):
    """What is wrong with a string of the secret, in the function's words, or None."""
    if not isinstance(value, str):
        return f"{field} is not a string"
    value = value.strip()
    if not value:
        return f"{field} is blank"
    if is_placeholder(value):
        return f"{field} is still a placeholder"
    if not all("!" <= it <= "~" for it in value):
        return f"{field} contains white space or other characters that no key has"
    if field == "dodo_webhook_secret":
        key = signing_key(value)
        if key is None:
            return f'{field} is not base64 after "whsec_"'
        if not key:
            return f"{field} is empty"
    return None


def wrong_in(secret, field):
    """What is wrong with a field, or None. That an optional field is absent is not wrong."""
    value = secret.get(field)
    if value is None:
        return None if field == OPTIONAL else f"{field} is missing"
    if field != "dodo_webhook_secret" or not isinstance(value, list):
        return wrong(field, value)
    if not value:
        return f"{field} is blank"
    return next(filter(None, (wrong(field, it) for it in value)), None)


def problems(secret):
    """What makes the secret unusable."""
    found = [wrong_in(secret, field) for field, _, _ in FIELDS if field != OPTIONAL]
    return [problem for problem in found if problem]


def ignored(secret):
    """What is wrong with the optional field, which then counts as absent."""
    return [problem for problem in [wrong_in(secret, OPTIONAL)] if problem]


def doubts(secret):
    """What may be a mistake, though the function accepts it."""
    found = []
    for value in webhook_secrets(secret["dodo_webhook_secret"]):
        if not value.strip().startswith("whsec_"):
            found.append("dodo_webhook_secret does not begin with whsec_, as Dodo's do")
        elif len(signing_key(value)) < 16:
            found.append("dodo_webhook_secret is shorter than Dodo's are")
    for field in ("customerio_site_id", "customerio_api_key"):
        value = secret[field].strip()
        if not value.isalnum() or len(value) < 16:
            found.append(f"{field} does not look like Customer.io's, which are some 20 letters and digits")
    if secret.get(OPTIONAL) and not ignored(secret) and len(secret[OPTIONAL].strip()) < 16:
        found.append(f"{OPTIONAL} is shorter than Dodo's are")
    return found
