"""Whether webhooks of Dodo's test mode may be going into a workspace of Customer.io that mails real people."""

import re

from .dodo import environment_of, mode_of

# Words in the name of a stack that say that it is for trying things out.
TRIAL_WORDS = {"ci", "demo", "dev", "develop", "development", "preview", "qa", "sandbox", "stage", "staging", "test", "testing", "tmp", "trial"}


def test_mode_warning(stack_name, parameters, secret):
    """A sentence if the endpoint or the key is one of test mode and nothing says that the workspace is for tests.

    Customer.io does not tell what a workspace is for. The name of the stack is all that there is to go by.
    """
    environment = environment_of(parameters)
    key = secret.get("dodo_api_key")
    has_test_key = isinstance(key, str) and mode_of(key.strip()) == "test"
    if environment != "test" and not has_test_key:
        return None
    if TRIAL_WORDS & set(re.split("[^a-z]+", stack_name.lower())):
        return None
    what = "DodoEnvironment is test" if environment == "test" else "dodo_api_key is a key of test mode"
    return (
        f"{what}, but nothing in the name of the stack {stack_name} says that it is for tests, so the workspace looks like "
        f"the one of your real customers. Test purchases become people and events there, and campaigns mail them. If it is "
        f"not a workspace for tests, type: make secret, with the pair of one that is. To go live, type: make deploy "
        f"PARAMS=DodoEnvironment=live. Campaigns can leave test purchases out by dodo_environment"
    )
