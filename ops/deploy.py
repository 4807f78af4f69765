"""`make deploy`: builds the function, or takes one that is built (PREBUILT), and brings the stack to what it was told.

What the stack was told before stays, unless this command names it: PARAMS="AlarmEmail=… SilenceHours=6",
TRANSFORM=plans.js, ARCH=arm64. GUIDED=1 asks for everything again; YES=1 asks nothing.
"""

import os

from . import answers, aws, build, change_set, parameters, plan, prebuilt, preflight, questions, stack
from .paths import ROOT, TEMPLATE
from .trouble import Trouble


def main():
    questions.need_terminal_or_yes("deploy")
    source = prebuilt_source()
    made, found = planned(source)
    print("\n".join(plan.description(made)))
    answers.keep(made.name, {"region": made.region, "account": made.account, "parameters": made.before or made.after})
    artifact = prebuilt.prepared(source, made.architecture) if source else build.from_source(made.architecture)
    clear_away(found)
    prepared = change_set.prepare(made, artifact)
    if prepared is None:
        print(f"Nothing to change: the stack {made.name} is up to date.")
        finish(made, stack.described(made.name, made.region))
        return
    if not confirmed(made, prepared):
        raise Trouble("Nothing was deployed. Type: make deploy, when you are ready")
    finish(made, change_set.execute(made, prepared))


def prebuilt_source():
    """Where a built function is to be had. An unpacked release is one itself."""
    named = os.environ.get("PREBUILT")
    return named or (None if (ROOT / "Cargo.toml").exists() else str(ROOT))


def planned(source):
    """Everything that can be known before anything is built: the plan, and the stack as it is."""
    named = plan.named()
    template = TEMPLATE.read_text()
    definitions = parameters.of_template(template)
    parameters.check(definitions, named)
    plan.check_transform(named)
    name = answers.stack_name()
    told = answers.recall(name)
    preflight.deployer()
    region = region_of(name, told)
    account = aws.account(region)
    preflight.same_account(name, told.get("account"), account)
    found = stack.described(name, region)
    preflight.state(found)
    before = found.parameters if found and found.status not in stack.FAILED_AT_FIRST | {stack.NEVER_DEPLOYED} else {}
    after = parameters.merged(definitions, told.get("parameters", {}), before, named)
    after = {**after, **questions_answered(template, after, is_new=not before and not told.get("parameters"))}
    parameters.check(definitions, after)
    plan.check_transform(after)
    made = plan.Plan(name, region, account, before, after)
    if not source:
        preflight.toolchain(made.architecture)
    return made, found


def region_of(name, told):
    """The remembered region, or this shell's, or the one that is typed."""
    if told.get("region"):
        return stack.named()[1]
    shell = aws.shell_region()
    if questions.may_ask():
        return questions.region(shell)
    if not shell:
        raise Trouble(aws.NO_REGION)
    return shell


def questions_answered(template, values, is_new):
    """What is typed, for a new stack or when asked for."""
    guided = bool(os.environ.get("GUIDED"))
    if not questions.may_ask() or not (is_new or guided):
        return {}
    return questions.asked(template, values, everything=guided)


def clear_away(found):
    """A stack whose first deployment failed can only be deleted; nothing in it ever worked."""
    if found and found.status in stack.FAILED_AT_FIRST:
        print(f"The stack {found.name} is in the state {found.status}: its first deployment failed. It is deleted first.")
        change_set.delete(found.name, found.region)


def confirmed(made, prepared):
    """Asks; a no, or Ctrl-C, leaves nothing behind at AWS."""
    print("The function's URL is public; each webhook is authenticated by its signature.")
    try:
        agreed = questions.confirmed("Deploy these changes?")
    except (KeyboardInterrupt, EOFError):
        change_set.discard(made, prepared)
        raise
    if not agreed:
        change_set.discard(made, prepared)
    return agreed


def finish(made, found):
    """Remembers what the stack has now, and says what to type next."""
    answers.keep(made.name, {"region": made.region, "account": made.account, "parameters": made.after})
    for name in ("FunctionUrl", "SecretArn", "DashboardLink"):
        if found and name in found.outputs:
            print(f"{name}: {found.outputs[name]}")
    print("Then: make doctor" if made.before else "Then: make connect, or the manual way in docs/deploy.md")
