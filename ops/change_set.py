"""Uploads with SAM, shows what would change, and carries it out."""

import json
import subprocess
import time

from . import aws, stack, states
from .build import sam_environment
from .hints import again, say
from .paths import PROGRAMS
from .trouble import Trouble

POLL_SECONDS = 2
SIGNS = {"Add": "+", "Modify": "~", "Remove": "-"}


def overrides(values):
    """Parameters as SAM takes them: quoted, with quotes inside escaped."""
    return [f"ParameterKey={name},ParameterValue={quoted(value)}" for name, value in values.items()]


def quoted(value):
    return '"' + value.replace('"', '\\"') + '"'


def prepare(plan, artifact):
    """Uploads and makes a change set. Its id, or None if nothing would change."""
    say("==> upload with SAM, to a bucket that it makes in your account when there is none", flush=True)
    command = [PROGRAMS / "sam", "deploy", "--template-file", artifact.template, "--stack-name", plan.name]
    command += ["--region", plan.region, "--resolve-s3", "--s3-prefix", plan.name, "--capabilities", "CAPABILITY_IAM"]
    command += ["--no-execute-changeset", "--no-fail-on-empty-changeset", "--no-confirm-changeset", "--output", "json"]
    command += ["--parameter-overrides", *overrides(plan.after)]
    # In the artifact's folder there is no samconfig.toml whose answers could get mixed in.
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    ran = subprocess.run(command, cwd=artifact.folder, env=sam_environment(plan.region), text=True, **pipes)
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    for line in shown(lines):
        say(line)
    return outcome(lines, ran.stderr)


def shown(lines):
    """What SAM reports, for the reader."""
    bucket = [f"    bucket {it['managed_s3_bucket']}" for it in lines if "managed_s3_bucket" in it]
    changes = [it for it in lines if it.get("type") == "changeset"]
    return bucket + [f"  {SIGNS.get(it['action'], '?')} {it['logical_id']} ({it['resource_type']}){replaced(it)}" for it in changes]


def replaced(change):
    return ", replaced" if change["replacement"] == "True" else ""


def outcome(lines, errors):
    """The id of the change set, None if it is empty, or Trouble."""
    result = next((it for it in lines if it.get("type") == "result"), {})
    if result.get("status") == "changeset_created":
        return result["changeset_id"]
    if result.get("status") == "no_changes":
        return None
    reason = result.get("error", {}).get("message") or errors.strip() or "SAM gives no reason"
    raise Trouble(f"Nothing was deployed: {reason.strip().rstrip('.')}. Once that is put right, type: {again('deploy')}")


def discard(plan, change_set):
    """Removes a change set that nobody wants, and the empty stack that it may have left."""
    called(plan, "delete_change_set", ChangeSetName=change_set)
    found = stack.described(plan.name, plan.region)
    if found and found.status == states.NEVER_DEPLOYED:
        called(plan, "delete_stack", StackName=plan.name)


def execute(plan, change_set):
    """Carries it out and shows the events until it has ended. The stack as it is then."""
    seen = {it["EventId"] for it in events(plan)}
    called(plan, "execute_change_set", ChangeSetName=change_set, StackName=plan.name)
    say("==> CloudFormation is at work (Ctrl-C leaves it at work)", flush=True)
    failures = watch(plan, seen)
    found = stack.described(plan.name, plan.region)
    reason = failures[0] if failures else "see its events"
    if found and found.status == states.STUCK:
        raise Trouble(f"The deployment failed, and so did the way back: {reason}. Once that is put right, type: make deploy, which goes on with the way back first")
    if found is None or failed(found.status):
        raise Trouble(f"The deployment failed and was rolled back: {reason}. Once that is put right, type: {again('deploy')}")
    return found


def go_back(name, region):
    """Goes on with the way back from an update that failed, and waits until it has ended. The stack as it is then."""
    say(f"The stack {name} is in the state {states.STUCK}: an update failed, and so did the way back. CloudFormation goes on with that first.")
    aws.called(region, "cloudformation", "continue_update_rollback", StackName=name)
    while (found := stack.described(name, region)) and not at_rest(found.status):
        time.sleep(POLL_SECONDS)
    if found and found.status == states.STUCK:
        raise Trouble(
            f'The stack {name} is still in the state {states.STUCK}. In the console of CloudFormation, its events say why; "Continue update '
            f'rollback" there can skip a resource. Then type: {again("deploy")}'
        )
    return found


def watch(plan, seen):
    """Shows events until the stack is at rest; the failures among them."""
    failures = []
    while True:
        found = stack.described(plan.name, plan.region)
        for event in reversed(events(plan)):
            if event["EventId"] not in seen:
                seen.add(event["EventId"])
                failures += report(event)
        if found is None or at_rest(found.status):
            return failures
        time.sleep(POLL_SECONDS)


def report(event):
    """Prints one event; its reason if it is a failure that started here, not one that was cancelled after another."""
    status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
    say(f"    {status} {event['LogicalResourceId']}", flush=True)
    began_here = status.endswith("FAILED") and "cancelled" not in reason
    return [f"{event['LogicalResourceId']}: {reason.rstrip('.')}"] if began_here else []


def at_rest(status):
    return not status.endswith("IN_PROGRESS") or status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"


def failed(status):
    return "ROLLBACK" in status or status.endswith("FAILED")


def events(plan):
    return called(plan, "describe_stack_events", StackName=plan.name)["StackEvents"]


def delete(name, region):
    """Deletes a stack and waits until it is gone."""
    aws.called(region, "cloudformation", "delete_stack", StackName=name)
    while (found := stack.described(name, region)) and found.status == "DELETE_IN_PROGRESS":
        time.sleep(POLL_SECONDS)
    if found and found.status == "DELETE_FAILED":
        raise Trouble(f"CloudFormation could not delete the stack {name} ({found.status}); its events in the console say why. Once that is put right, type: make destroy STACK={name}")


def called(plan, operation, **arguments):
    return aws.called(plan.region, "cloudformation", operation, **arguments)
