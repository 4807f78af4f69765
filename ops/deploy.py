"""`make deploy`: builds the function, or takes one that is built (PREBUILT), and brings the stack to what it was told.

What the stack was told before stays, unless this command names it: PARAMS="AlarmEmail=… SilenceHours=6",
TRANSFORM=plans.js, ARCH=arm64. GUIDED=1 asks for everything again; YES=1 asks nothing.
"""

import os

from . import answers, aws, build, change_set, flags, parameters, plan, prebuilt, preflight, questions, stack, states, switch, transforms
from .hints import again, say
from .paths import ROOT, TEMPLATE, has_sources
from .trouble import Trouble


def main():
    questions.need_terminal_or_yes("deploy")
    if mode := os.environ.get("DELIVERY"):
        raise Trouble(f"DELIVERY is for make demo, make dev and make load. Type: {again('deploy', PARAMS=f'Delivery={mode}')}")
    source = prebuilt_source()
    made, found = planned(source)
    say("\n".join(plan.description(made)))
    switch.check(made, found)
    taken = prebuilt.prepared(source, made.architecture, made.name) if source else None
    transforms.check(made.after[plan.TRANSFORM])
    told = answers.recall(made.name)
    # Every check has passed; what CloudFormation refuses all the same is forgotten again.
    keep(made, made.before or made.after)
    artifact = taken or build.from_source(made.architecture)
    clear_away(found)
    first, *others = switch.stages(made, found)
    switch.check_settled(made, first, found)
    prepared = agreed(first, artifact, told)
    if prepared is None and not others:
        say(f"Nothing to change: the stack {made.name} is up to date.")
    now = change_set.execute(first, prepared) if prepared else stack.described(made.name, made.region)
    for stage in others:
        now = switch.go_on(made, stage, artifact, now)
    finish(made, now)
    switch.say_what_stays(made, found)


def prebuilt_source():
    """Where a built function is to be had. An unpacked release is one itself."""
    named = os.environ.get("PREBUILT")
    return named or (None if has_sources() else str(ROOT))


def planned(source):
    """Everything that can be known before anything is built: the plan, and the stack as it is."""
    named = plan.named()
    template = TEMPLATE.read_text()
    definitions = parameters.of_template(template)
    parameters.check(definitions, named)
    name = answers.stack_name()
    told = answers.recall(name)
    preflight.deployer()
    region = region_of(name, told)
    account = aws.account(region)
    stack.same_account(name, told.get("account"), account)
    found = found_stack(name, region)
    before = found.parameters if found and found.status not in states.FAILED_AT_FIRST | {states.NEVER_DEPLOYED} else {}
    after = parameters.merged(definitions, told.get("parameters", {}), before, named)
    # Before anything is asked, as far as it can be known.
    if not source:
        preflight.toolchain(after[plan.ARCHITECTURE])
    answered = questions_answered(template, after, is_new=not before and not told.get("parameters"))
    after = {**after, **answered}
    parameters.check(definitions, after)
    # One that is kept may have been deleted.
    transforms.resolved(after[plan.TRANSFORM])
    made = plan.Plan(name, region, account, before, after)
    if not source and plan.ARCHITECTURE in answered:
        preflight.toolchain(made.architecture)
    return made, found


def found_stack(name, region):
    """The stack, once it is in a state that can be deployed to; None for a new one."""
    found = stack.described(name, region)
    if found is None:
        return None
    stack.check_state(found, "deploy")
    stack.check_own(found, "deploy")
    return change_set.go_back(name, region) if found.status == states.STUCK else found


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
    guided = flags.is_set("GUIDED")
    if not questions.may_ask() or not (is_new or guided):
        return {}
    return plan.with_paths(questions.asked(template, values, everything=guided))


def clear_away(found):
    """A stack whose first deployment failed can only be deleted; nothing in it ever worked."""
    if found and found.status in states.FAILED_AT_FIRST:
        say(f"The stack {found.name} is in the state {found.status}: its first deployment failed. It is deleted first.")
        change_set.delete(found.name, found.region)


def agreed(made, artifact, told):
    """The change set to carry out, or None if it is empty. What is refused or declined is not remembered."""
    try:
        prepared = change_set.prepare(made, artifact)
        if prepared and not confirmed(made, prepared):
            raise Trouble(f"Nothing was deployed. When you are ready, type: {again('deploy')}")
        return prepared
    except (Trouble, KeyboardInterrupt, EOFError):
        answers.restore(made.name, told)
        raise


def confirmed(made, prepared):
    """Asks; a no, or Ctrl-C, leaves nothing behind at AWS."""
    say("The function's URL is public; each webhook is authenticated by its signature.")
    try:
        yes = questions.confirmed("Deploy these changes?")
    except (KeyboardInterrupt, EOFError):
        change_set.discard(made, prepared)
        raise
    if not yes:
        change_set.discard(made, prepared)
    return yes


def keep(made, values):
    named = os.environ.get("PREBUILT")
    source = {"prebuilt": named} if named else {}
    answers.keep(made.name, {"region": made.region, "account": made.account, "parameters": values, **source})


def finish(made, found):
    """Remembers what the stack has now, and says what to type next."""
    keep(made, made.after)
    for name in ("FunctionUrl", "SecretArn", "DashboardLink"):
        if found and name in found.outputs:
            say(f"{name}: {found.outputs[name]}")
    has_other_url = not made.before or plan.changes_url(made)
    say("Then: make connect, or the manual way in docs/deploy.md" if has_other_url else "Then: make doctor")
