"""AWS on a free port of 127.0.0.1: moto, and in front of it a CloudFormation that knows SAM's templates.

moto's own CloudFormation makes neither secrets nor function URLs, and no outputs for change sets. This one keeps to what
AWS documents: it refuses what a template does not allow, wants a value for every parameter, marks an empty change set as
failed, leaves a new stack in REVIEW_IN_PROGRESS until its change set is executed, and can be told to fail and roll back.

    python aws.py [MOTO_URL]    prints its URL, serves until standard input ends

    GET  /stand-in/sent         the change sets: stack, type, parameters, whether executed, the uploaded program's ELF machine
    POST /stand-in/url          the body is the FunctionUrl of stacks that are made from now on
    POST /stand-in/fail         the next execution fails and is rolled back
    POST /stand-in/state/NAME   the body is the stack's state from now on
    POST /stand-in/queues       what queues.Queues says from now on: an object of its fields
"""

import http.client
import io
import json
import re
import sys
import threading
import urllib.parse
import uuid
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

import boto3
import queues
from samtranslator.yaml_helper import yaml_parse

ACCOUNT = "123456789012"
EMPTY = "The submitted information didn't contain changes. Submit different information to create a change set."


class Refused(Exception):
    """A ValidationError."""


class CloudFormation:
    def __init__(self, moto):
        self.moto, self.lock = moto, threading.RLock()
        self.queues = queues.Queues(self.client)
        self.stacks, self.sent, self.function_url, self.fails = {}, [], "https://abc.lambda-url.eu-central-1.on.aws/", False

    def client(self, service, region):
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, region_name=region, endpoint_url=self.moto, **keys)

    def stack(self, asked):
        key = asked["StackName"]
        found = next((it for it in self.stacks.values() if key in (it["name"], it["id"])), None)
        if not found or found["status"] == "DELETE_COMPLETE":
            raise Refused(f"Stack with id {key} does not exist")
        return found

    def describe_stacks(self, asked):
        return f"<Stacks>{member(described(self.stack(asked)))}</Stacks>"

    def get_template_summary(self, asked):
        stack = self.stack(asked)
        if stack["status"] == "REVIEW_IN_PROGRESS":
            raise Refused("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
        names = "".join(member(f"<ParameterKey>{it}</ParameterKey>") for it in stack["parameters"])
        return f"<Parameters>{names}</Parameters>"

    def create_change_set(self, asked):
        name, region = asked["StackName"], asked["region"]
        is_new = asked.get("ChangeSetType") == "CREATE"
        text = asked.get("TemplateBody") or self.object(asked["TemplateURL"], region).decode()
        stack = self.stacks.get((name, region))
        alive = stack and stack["status"] not in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE")
        if is_new and alive:
            raise Refused(f"Stack [{name}] already exists and cannot be created again with the changeSet [{asked['ChangeSetName']}].")
        if not is_new and not alive:
            raise Refused(f"Stack [{name}] does not exist")
        if alive and not re.fullmatch("(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE", stack["status"]):
            raise Refused(f"Stack:{stack['id']} is in {stack['status']} state and can not be updated.")
        template = yaml_parse(text)
        parameters = resolved(template, listed(asked, "Parameters"), stack["parameters"] if alive else {})
        if not alive:
            stack = new_stack(name, region)
            self.stacks[name, region] = stack
        changes = differences(stack["template"], stack["parameters"], template, parameters)
        change = {"id": f"arn:aws:cloudformation:{region}:{ACCOUNT}:changeSet/{asked['ChangeSetName']}/{uuid.uuid4()}"}
        change |= {"name": asked["ChangeSetName"], "stack": name, "region": region, "template": template, "parameters": parameters}
        change |= {"changes": changes, "type": asked.get("ChangeSetType"), "executed": False, "tags": listed(asked, "Tags")}
        change["machine"] = self.machine(template, region)
        self.sent.append(change)
        return f"<Id>{change['id']}</Id><StackId>{stack['id']}</StackId>"

    def change(self, asked):
        found = [it for it in self.sent if asked["ChangeSetName"] in (it["id"], it["name"])]
        if not found:
            raise Refused("ChangeSet does not exist")
        return found[-1]

    def describe_change_set(self, asked):
        change = self.change(asked)
        status = "CREATE_COMPLETE" if change["changes"] else "FAILED"
        rows = "".join(member(f"<Type>Resource</Type><ResourceChange>{tags(row)}</ResourceChange>") for row in change["changes"])
        reason = "" if change["changes"] else f"<StatusReason>{EMPTY}</StatusReason>"
        return f"<ChangeSetId>{change['id']}</ChangeSetId><Status>{status}</Status>{reason}<Changes>{rows}</Changes>"

    def delete_change_set(self, asked):
        self.sent.remove(self.change(asked))
        return ""

    def execute_change_set(self, asked):
        change = self.change(asked)
        stack = self.stacks[change["stack"], change["region"]]
        if not change["changes"]:
            raise Refused("ChangeSet cannot be executed in its current status of [FAILED]")
        change["executed"] = True
        # True: the next one. A name: the next one that changes this resource.
        changes = [it["LogicalResourceId"] for it in change["changes"]]
        if (self.fails is True or self.fails in changes) and not change["stack"].startswith("aws-sam-cli"):
            self.fails = False
            stack["events"].insert(0, event("Function", "CREATE_FAILED", "Resource handler said no."))
            stack["status"] = "ROLLBACK_COMPLETE" if change["type"] == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
            if change["type"] == "CREATE":
                stack["parameters"] = change["parameters"]
            return ""
        stack |= {"template": change["template"], "parameters": change["parameters"], "tags": change["tags"]}
        self.make(stack)
        stack["status"] = f"{change['type']}_COMPLETE"
        stack["events"].insert(0, event(stack["name"], stack["status"], ""))
        return ""

    def make(self, stack):
        """The resources that anybody asks for later; the others are only listed."""
        resources = present(stack["template"], stack["parameters"])
        self.drop(stack, [it for it in stack["resources"] if it not in resources])
        stack["present"] = resources
        # Dead letters first: the other queue names them.
        for name, resource in sorted(resources.items(), key=lambda it: (it[1]["Type"], it[0])):
            if name in stack["resources"]:
                continue
            if resource["Type"] == "AWS::SQS::Queue":
                client = self.client("sqs", stack["region"])
                stack["resources"][name] = queues.made(client, stack["name"], name, resource["Properties"], stack["resources"])
            elif resource["Type"] == "AWS::S3::Bucket":
                bucket = f"{stack['name']}-{uuid.uuid4().hex[:8]}"
                elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": stack["region"]}}
                where = elsewhere if stack["region"] != "us-east-1" else {}
                self.client("s3", stack["region"]).create_bucket(Bucket=bucket, **where)
                stack["resources"][name] = bucket
            elif resource["Type"] == "AWS::SecretsManager::Secret" and not stack["parameters"].get("ExistingSecretArn"):
                text = resource["Properties"]["SecretString"]
                made = self.client("secretsmanager", stack["region"]).create_secret(Name=f"{stack['name']}-{uuid.uuid4().hex[:8]}", SecretString=text)
                stack["resources"][name] = made["ARN"]
            elif resource["Type"] == "AWS::Logs::LogGroup":
                group = f"{stack['name']}-{uuid.uuid4().hex[:8]}"
                self.client("logs", stack["region"]).create_log_group(logGroupName=group)
                stack["resources"][name] = group
        stack["outputs"] = self.outputs(stack)

    def drop(self, stack, names):
        """Takes resources out of the stack, and deletes those queues that nothing says to retain."""
        for name in names:
            resource, made = stack["present"][name], stack["resources"].pop(name)
            if resource["Type"] == "AWS::SQS::Queue" and resource.get("DeletionPolicy") != "Retain":
                self.client("sqs", stack["region"]).delete_queue(QueueUrl=made)

    def outputs(self, stack):
        made = stack["resources"]
        if "SourceBucket" in stack["template"].get("Outputs", {}):
            return {"SourceBucket": made["SamCliSourceBucket"]}
        secret = stack["parameters"].get("ExistingSecretArn") or made.get("Secret")
        outputs = {"FunctionUrl": self.function_url, "SecretArn": secret, "LogGroupName": made["LogGroup"], "FunctionName": f"{stack['name']}-Function"}
        if "Queue" in made:
            outputs |= {"QueueUrl": made["Queue"], "DeadLetterQueueUrl": made["DeadLetterQueue"], "QueueFunctionName": f"{stack['name']}-QueueFunction"}
        return outputs

    def continue_update_rollback(self, asked):
        stack = self.stack(asked)
        if stack["status"] != "UPDATE_ROLLBACK_FAILED":
            raise Refused(f"Stack:{stack['id']} is in {stack['status']} state and can not be rolled back.")
        if not self.fails:
            stack["status"] = "UPDATE_ROLLBACK_COMPLETE"
        self.fails = False
        return ""

    def delete_stack(self, asked):
        try:
            stack = self.stack(asked)
        except Refused:
            return ""
        if re.fullmatch("UPDATE.*_IN_PROGRESS", stack["status"]):
            raise Refused(f"Stack {stack['name']} cannot be deleted while in status {stack['status']}")
        self.drop(stack, list(stack["resources"]))
        stack["status"] = "DELETE_COMPLETE"
        return ""

    def describe_stack_events(self, asked):
        rows = "".join(member(tags(it)) for it in self.stack(asked)["events"])
        return f"<StackEvents>{rows}</StackEvents>"

    def object(self, url, region):
        bucket, key = urllib.parse.urlparse(url).path.lstrip("/").split("/", 1)
        return self.client("s3", region).get_object(Bucket=bucket, Key=urllib.parse.unquote(key))["Body"].read()

    def machine(self, template, region):
        """The ELF machine of the program that was uploaded for both functions: one for the two of them."""
        functions = [it["Properties"]["CodeUri"] for it in template["Resources"].values() if it["Type"] == "AWS::Serverless::Function"]
        if not functions or not functions[0]:
            return None
        assert len(functions) == 2 and functions[0] == functions[1], functions
        code = functions[0]
        with zipfile.ZipFile(io.BytesIO(self.object(code.replace("s3://", "https://s3/"), region))) as archive:
            return int.from_bytes(archive.read("bootstrap")[18:20], "little")


def new_stack(name, region):
    stack = {"name": name, "region": region, "id": f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{name}/{uuid.uuid4()}"}
    stack |= {"template": {"Resources": {}}, "parameters": {}, "outputs": {}, "resources": {}, "present": {}, "tags": []}
    return stack | {"status": "REVIEW_IN_PROGRESS", "events": [event(name, "REVIEW_IN_PROGRESS", "User Initiated")]}


def event(resource, status, reason):
    names = {"EventId": str(uuid.uuid4()), "StackName": "-", "StackId": "-", "LogicalResourceId": resource, "ResourceStatus": status}
    return names | {"ResourceStatusReason": reason, "Timestamp": "2026-11-24T12:00:00Z"}


def resolved(template, given, before):
    """A value for every parameter of the template, or the ValidationError of AWS."""
    values, definitions = {}, template.get("Parameters", {})
    unknown = [it["ParameterKey"] for it in given if it["ParameterKey"] not in definitions]
    if unknown:
        raise Refused(f"Parameters: {unknown} do not exist in the template")
    by_name = {it["ParameterKey"]: it for it in given}
    for name, definition in definitions.items():
        said = by_name.get(name, {})
        if said.get("UsePreviousValue") == "true":
            values[name] = before[name]
        elif "ParameterValue" in said:
            values[name] = said["ParameterValue"]
        elif "Default" in definition:
            values[name] = str(definition["Default"])
        else:
            raise Refused(f"Parameters: [{name}] must have values")
        allowed = [str(it) for it in definition.get("AllowedValues", [])]
        if allowed and values[name] not in allowed or not re.fullmatch(definition.get("AllowedPattern", ".*"), values[name]):
            raise Refused(f"Parameter {name} failed to satisfy constraint")
    return values


def differences(old, old_values, new, new_values):
    """Resources that are added, changed or removed, once their parameters are filled in."""
    before, after = present(old, old_values), present(new, new_values)
    rows = []
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            action = "Add" if name not in before else "Remove" if name not in after else "Modify"
            kind = (after.get(name) or before[name])["Type"]
            rows.append({"Action": action, "LogicalResourceId": name, "ResourceType": kind, "Replacement": "False"})
    return rows


def present(template, values):
    """The resources whose condition holds, with parameters and conditions filled in."""
    holds = {name: filled(it, values, {}) for name, it in template.get("Conditions", {}).items()}
    resources = {name: it for name, it in template["Resources"].items() if holds.get(it.get("Condition"), True)}
    # What SAM's transform would write into each function.
    shared = template.get("Globals", {}).get("Function")
    resources = {name: {**it, "Globals": shared} if it["Type"] == "AWS::Serverless::Function" else it for name, it in resources.items()}
    return {name: filled(it, values, holds) for name, it in resources.items()}


def filled(node, values, holds):
    if isinstance(node, list):
        return [filled(it, values, holds) for it in node]
    if isinstance(node, str):
        return re.sub(r"\$\{(\w+)\}", lambda it: values.get(it[1], it[0]), node)
    if not isinstance(node, dict):
        return node
    match [*node.items()]:
        case [("Ref", name)] if name in values:
            return values[name]
        case [("Fn::If", [condition, then, otherwise])] if condition in holds:
            return filled(then if holds[condition] else otherwise, values, holds)
        case [("Fn::Equals", [one, other])]:
            return filled(one, values, holds) == filled(other, values, holds)
        case [("Fn::Not", [it])]:
            return not filled(it, values, holds)
    return {key: filled(it, values, holds) for key, it in node.items()}


def described(stack):
    outputs = "".join(member(tags({"OutputKey": key, "OutputValue": value})) for key, value in stack["outputs"].items())
    parameters = "".join(member(tags({"ParameterKey": key, "ParameterValue": value})) for key, value in stack["parameters"].items())
    rows = {"StackId": stack["id"], "StackName": stack["name"], "CreationTime": "2026-11-24T12:00:00Z", "StackStatus": stack["status"]}
    marks = "".join(member(tags(it)) for it in stack["tags"])
    return f"{tags(rows)}<Outputs>{outputs}</Outputs><Parameters>{parameters}</Parameters><Tags>{marks}</Tags>"


def tags(row):
    return "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in row.items())


def member(content):
    return f"<member>{content}</member>"


def listed(asked, name):
    """A list of structures in the query protocol: Name.member.1.Key."""
    rows = {}
    for key, value in asked.items():
        found = re.fullmatch(rf"{name}\.member\.(\d+)\.(\w+)", key)
        if found:
            rows.setdefault(int(found[1]), {})[found[2]] = value
    return [rows[index] for index in sorted(rows)]


def snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(iter(self.chunk, b""))
        if self.path.startswith("/stand-in/"):
            return self.control(self.path.removeprefix("/stand-in/"), body.decode())
        if b"Version=2010-05-15" in body:
            return self.cloudformation(dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)))
        region = self.headers.get("Authorization", "//").split("/")[2]
        target = self.headers.get("X-Amz-Target", "")
        try:
            known = self.server.aws.queues.respond(region, target, self.path, json.loads(body) if target.startswith(queues.TARGET) else {})
        except queues.Refused as error:
            refusal = {"__type": f"com.amazonaws.sqs#{error.args[0]}", "message": error.args[1]}
            return self.respond(400, json.dumps(refusal).encode(), "application/x-amz-json-1.0")
        if known is not None:
            return self.respond(200, json.dumps(known).encode(), "application/x-amz-json-1.0")
        return self.forward(body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do

    def chunk(self):
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def control(self, what, body):
        aws = self.server.aws
        if what == "url":
            aws.function_url = body
        elif what == "fail":
            aws.fails = body or True
        elif what == "queues":
            vars(aws.queues).update(json.loads(body))
        elif what.startswith("state/"):
            name = what.removeprefix("state/")
            stack = next((it for it in aws.stacks.values() if it["name"] == name), None) or aws.stacks.setdefault((name, "-"), new_stack(name, "-"))
            stack["status"] = body
        keys = ("stack", "region", "type", "parameters", "executed", "machine")
        sent = [{key: it[key] for key in keys} for it in aws.sent if not it["stack"].startswith("aws-sam-cli")]
        self.respond(200, json.dumps(sent).encode(), "application/json")

    def cloudformation(self, asked):
        asked["region"] = self.headers["Authorization"].split("/")[2]
        action = asked["Action"]
        try:
            with self.server.aws.lock:
                result = getattr(self.server.aws, snake(action))(asked)
            text, status = f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>", 200
        except Refused as error:
            text = f"<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>{escape(str(error))}</Message></Error></ErrorResponse>"
            status = 400
        self.respond(status, text.encode(), "text/xml")

    def forward(self, body):
        # urllib would add a Content-Type, which moto takes for a form's.
        headers = {key: value for key, value in self.headers.items() if key.lower() not in ("connection", "transfer-encoding", "expect")}
        headers["Content-Length"] = str(len(body))
        connection = http.client.HTTPConnection(urllib.parse.urlparse(self.server.aws.moto).netloc)
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        self.respond(response.status, response.read(), response.headers.get("Content-Type"), response.headers)
        connection.close()

    def respond(self, status, body, kind, headers=()):
        self.send_response(status)
        for name in headers or ():
            if name.lower() not in ("content-length", "content-type", "connection", "transfer-encoding", "server", "date"):
                self.send_header(name, headers[name])
        self.send_header("Content-Type", kind or "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def serve(moto):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.aws = CloudFormation(moto)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    if len(sys.argv) > 1:
        url = sys.argv[1]
    else:
        import logging

        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        moto_server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto_server.start()
        url = "http://127.0.0.1:%d" % moto_server.get_host_and_port()[1]
    running = serve(url)
    print(f"http://127.0.0.1:{running.server_address[1]}", flush=True)
    sys.stdin.read()
