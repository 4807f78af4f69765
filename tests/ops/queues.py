"""What moto does not know of SQS and Lambda: tasks that move dead letters, counts that lag behind, functions and triggers.

It is as harsh as AWS documents: a task needs a queue that another one names for its dead letters, and a destination, since
a message that was sent there has no queue that it came from; there is one task at a time for a queue; a task that has just
been started is not listed at once; and a message is moved under a new id.
"""

import json
import time

TARGET, LAMBDA = "AmazonSQS.", "/2015-03-31/"
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
# Messages that a task moves between two looks at it.
AT_ONCE = 2


class Refused(Exception):
    """With the code and the message of AWS."""


class Queues:
    def __init__(self, client):
        self.client, self.tasks, self.unlisted = client, {}, 0
        # What SQS says next of the first queue, instead of the truth; and how tasks end.
        self.counts, self.failure, self.functions, self.mappings = [], None, {}, {}

    def respond(self, region, target, path, asked):
        """A response to what moto does not know, or None."""
        if target == f"{TARGET}StartMessageMoveTask":
            return self.start(self.client("sqs", region), asked)
        if target == f"{TARGET}ListMessageMoveTasks":
            return self.list(self.client("sqs", region), asked)
        if target == f"{TARGET}GetQueueAttributes" and self.counts and "DeadLetter" not in asked["QueueUrl"] and COUNTS[0] in asked["AttributeNames"]:
            return {"Attributes": dict(zip(COUNTS, map(str, self.counts.pop(0))))}
        if path.startswith(f"{LAMBDA}functions/"):
            name = path.split("/")[3]
            return {"FunctionName": name, "State": "Active", "LastUpdateStatus": "Successful"} | self.functions.get(name.split("-")[-1], {})
        if path.startswith(f"{LAMBDA}event-source-mappings"):
            mapping = {"UUID": "1", "State": "Enabled", "ScalingConfig": {"MaximumConcurrency": 5}} | self.mappings
            return {"EventSourceMappings": [mapping] if mapping["State"] else []}
        return None

    def start(self, sqs, asked):
        source, target = asked["SourceArn"], asked.get("DestinationArn")
        urls = {arn(sqs, url): url for url in sqs.list_queues().get("QueueUrls", [])}
        if source not in urls or target and target not in urls:
            raise Refused("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")
        if not any(source in policy(sqs, url) for url in urls.values()):
            raise Refused("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
        if any(it["Status"] == "RUNNING" for it in self.tasks.get(source, [])):
            raise Refused("InvalidParameterValue", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
        total = int(sqs.get_queue_attributes(QueueUrl=urls[source], AttributeNames=[COUNTS[0]])["Attributes"][COUNTS[0]])
        task = {"TaskHandle": "handle", "Status": "RUNNING", "SourceArn": source, "ApproximateNumberOfMessagesMoved": 0}
        task |= {"ApproximateNumberOfMessagesToMove": total, "StartedTimestamp": int(time.time() * 1000) + len(self.tasks.get(source, []))}
        if target:
            task["DestinationArn"] = target
        self.tasks.setdefault(source, []).insert(0, task)
        self.unlisted = 1
        return {"TaskHandle": "handle"}

    def list(self, sqs, asked):
        tasks = self.tasks.get(asked["SourceArn"], [])
        most = asked.get("MaxResults", 1)
        if self.unlisted:
            self.unlisted -= 1
            return {"Results": tasks[1 : 1 + most]}
        listed = [{key: value for key, value in it.items() if key != "TaskHandle" or it["Status"] == "RUNNING"} for it in tasks[:most]]
        if tasks and tasks[0]["Status"] == "RUNNING":
            self.move(sqs, tasks[0])
        return {"Results": listed}

    def move(self, sqs, task):
        source = url_of(sqs, task["SourceArn"])
        messages = sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=AT_ONCE, MessageAttributeNames=["All"]).get("Messages", [])
        if messages and (self.failure or "DestinationArn" not in task):
            task |= {"Status": "FAILED", "FailureReason": self.failure or "CouldNotDetermineMessageSource"}
            return
        for message in messages:
            known = {name: {"StringValue": it["StringValue"], "DataType": it["DataType"]} for name, it in message.get("MessageAttributes", {}).items()}
            sqs.send_message(QueueUrl=url_of(sqs, task["DestinationArn"]), MessageBody=message["Body"], MessageAttributes=known)
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
        task["ApproximateNumberOfMessagesMoved"] += len(messages)
        if not messages:
            task["Status"] = "COMPLETED"


def arn(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def policy(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"]).get("Attributes", {}).get("RedrivePolicy", "")


def url_of(sqs, wanted):
    return sqs.get_queue_url(QueueName=wanted.split(":")[-1])["QueueUrl"]


def made(sqs, stack, name, properties, others):
    """The URL of a queue of the template; `others` are those made before it, by name."""
    numbers = ("VisibilityTimeout", "MessageRetentionPeriod")
    attributes = {key: str(properties[key]) for key in numbers if key in properties} | {"SqsManagedSseEnabled": str(properties["SqsManagedSseEnabled"]).lower()}
    if "RedrivePolicy" in properties:
        target = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]
        named = target[0] if isinstance(target, list) else target.split(".")[0]
        attributes["RedrivePolicy"] = json.dumps({**properties["RedrivePolicy"], "deadLetterTargetArn": arn(sqs, others[named])})
    return sqs.create_queue(QueueName=f"{stack}-{name}-{time.time_ns():x}", Attributes=attributes)["QueueUrl"]
