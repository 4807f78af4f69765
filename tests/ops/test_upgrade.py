"""A stack of version 0.1, whose template is template-0.1.yaml, is deployed again: nothing in it is lost."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

from ops import package

OLD = "tests/ops/template-0.1.yaml"
PARAMETERS = {
    "PersonIdentifier": "metadata.user_id",
    "EventNames": "payment.succeeded=Order Completed,refund.failed=",
    "SilenceHours": "0",
    "AlarmEmail": "ops@example.com",
    "CustomerIoRegion": "eu",
}
# CloudFormation makes another one of these when what stands behind them changes.
REPLACED_WITH = {
    "AWS::Lambda::Function": ["FunctionName", "PackageType"],
    "AWS::Lambda::Url": ["TargetFunctionArn", "Qualifier"],
    "AWS::Lambda::Permission": ["Action", "FunctionName", "Principal", "FunctionUrlAuthType", "InvokedViaFunctionUrl"],
    "AWS::SecretsManager::Secret": ["Name", "GenerateSecretString", "SecretString"],
    "AWS::Logs::LogGroup": ["LogGroupName", "LogGroupClass"],
    "AWS::SNS::Topic": ["TopicName", "FifoTopic"],
    "AWS::IAM::Role": ["RoleName", "Path"],
}


@pytest.fixture(scope="module")
def versions():
    """Both templates as SAM expands them: the resources of each."""
    command = [sys.executable, ROOT / "tests" / "reference.py", "template"]
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"}
    expanded = [subprocess.check_output([*command, file], env=environment) for file in (OLD, "template.yaml")]
    return [json.loads(text)["Resources"] for text in expanded]


def test_every_resource_is_still_there_and_none_is_made_again(versions):
    before, after = versions
    # A layer of transforms is made with each change of them.
    kept = {name: it for name, it in before.items() if it["Type"] != "AWS::Lambda::LayerVersion"}
    assert kept.keys() <= after.keys()
    for name, resource in kept.items():
        assert after[name]["Type"] == resource["Type"], name
        for key in REPLACED_WITH.get(resource["Type"], []):
            assert after[name]["Properties"].get(key) == resource["Properties"].get(key), f"{name}: {key}"


def test_a_deployment_keeps_all_that_the_stack_was_told(aws, checkout):
    body = package.CODE.sub(r"\1''", (ROOT / OLD).read_text())
    client = aws.client("cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()]
    asked = {"StackName": "dodo-customerio", "ChangeSetName": "made", "ChangeSetType": "CREATE", "Parameters": given}
    client.execute_change_set(ChangeSetName=client.create_change_set(**asked, TemplateBody=body)["Id"])
    before = aws.outputs("dodo-customerio")
    checkout.deploy()
    change = aws.sent("dodo-customerio")[-1]
    assert change["executed"] and change["parameters"].items() >= PARAMETERS.items()
    assert aws.outputs("dodo-customerio").items() >= before.items()
