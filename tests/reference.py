"""Third-party code for tests/reference.rs and others.

    sign SECRET ID TIMESTAMP    signs standard input with the reference library
    verify SECRET               verifies {"headers": …, "body": …} with Dodo's own SDK
    stack                       creates a CloudFormation stack with the outputs and parameters in
                                standard input, and a log with a line in it
    template                    what SAM makes of template.yaml for CloudFormation
    models                      reads events/ with the models of Dodo's own SDK
"""

import json
import sys
import time
import typing
from datetime import datetime, timezone
from pathlib import Path

import boto3
import dodopayments.types.unwrap_webhook_event as unwrap
import pydantic
from dodopayments import DodoPayments
from standardwebhooks import Webhook

EVENTS = Path(__file__).parent.parent / "events"
SNAPSHOTS = Path(__file__).parent / "snapshots"


def sign(secret, message_id, timestamp):
    sent = datetime.fromtimestamp(int(timestamp), tz=timezone.utc)
    print(Webhook(secret).sign(message_id, sent, sys.stdin.read()))


def verify(secret):
    webhook = json.load(sys.stdin)
    client = DodoPayments(bearer_token="unused", webhook_key=secret)
    event = client.webhooks.unwrap(webhook["body"], headers=webhook["headers"])
    print(event.type)


def models():
    """Prints, by sample, what the SDK's model of its type finds wrong."""
    variants = typing.get_args(typing.get_args(unwrap.UnwrapWebhookEvent)[0])
    by_type = {typing.get_args(v.model_fields["type"].annotation)[0]: v for v in variants}
    wrong = {}
    # Without a snapshot, a file is no sample of the project's.
    for path in sorted(it for it in EVENTS.glob("*.json") if (SNAPSHOTS / f"{it.stem}.snap").exists()):
        event = json.loads(path.read_text())
        try:
            by_type[event["type"]].model_validate(event)
        except KeyError:
            wrong[path.stem] = ["type"]
        except pydantic.ValidationError as error:
            wrong[path.stem] = [".".join(map(str, e["loc"])) for e in error.errors()]
    json.dump({"types": sorted(by_type), "wrong": wrong}, sys.stdout)


def stack():
    """At moto, whose address is in the environment."""
    wanted = json.load(sys.stdin)
    outputs = {name: {"Value": wanted[name]} for name in ("FunctionUrl", "SecretArn", "LogGroupName")}
    parameters = ("CustomerIoRegion", "CustomerIoTrackUrl", "DodoEnvironment", "DodoApiUrl", "PersonIdentifier")
    template = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": outputs,
    }
    given = [{"ParameterKey": name, "ParameterValue": wanted[name]} for name in parameters]
    cloudformation = boto3.client("cloudformation", region_name="us-east-1")
    group = {"logGroupName": wanted["LogGroupName"]}
    stream = {**group, "logStreamName": "stream"}
    logs = boto3.client("logs", region_name="us-east-1")
    logs.create_log_group(**group)
    logs.create_log_stream(**stream)
    event = {"timestamp": int(time.time() * 1000), "message": '{"outcome":"delivered"}'}
    logs.put_log_events(**stream, logEvents=[event])
    cloudformation.create_stack(StackName=wanted["name"], TemplateBody=json.dumps(template), Parameters=given)


def template(file="template.yaml"):
    """A template of ours as SAM expands it, without AWS's managed policies, which only AWS can name."""
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    class NoManagedPolicies:
        def load(self):
            return {}

    parsed = yaml_parse((EVENTS.parent / file).read_text())
    for resource in parsed["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/function.zip"
    parsed["Resources"]["Transforms"]["Properties"]["ContentUri"] = "s3://bucket/transforms.zip"
    json.dump(transform(parsed, {"AWS::Region": "us-east-1"}, NoManagedPolicies()), sys.stdout)


globals()[sys.argv[1]](*sys.argv[2:])
