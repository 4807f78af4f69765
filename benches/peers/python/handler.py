"""Verifies a webhook, makes a person and an event of a payment, posts both to Customer.io."""

import base64
import hashlib
import hmac
import json
import os

import boto3
import urllib3

SECRET = json.loads(
    boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET_ID"])["SecretString"]
)
KEY = base64.b64decode(SECRET["dodo_webhook_secret"].removeprefix("whsec_"))
HEADERS = urllib3.make_headers(
    basic_auth=f"{SECRET['customerio_site_id']}:{SECRET['customerio_api_key']}"
)
HTTP = urllib3.PoolManager(ca_certs=os.environ.get("AWS_CA_BUNDLE"))


def handler(request, _context):
    event = verify(request["headers"], request["body"])
    return {"statusCode": deliver(event["data"]) if event else 401}


def verify(headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}"
    expected = hmac.new(KEY, signed.encode(), hashlib.sha256).digest()
    given = base64.b64decode(headers["webhook-signature"].removeprefix("v1,"))
    return json.loads(body) if hmac.compare_digest(given, expected) else None


def deliver(data):
    customer = data["customer"]
    who = {"type": "person", "identifiers": {"id": customer["customer_id"]}}
    person = {"email": customer["email"], "name": customer["name"]}
    payment = {
        "payment_id": data["payment_id"],
        "payment_amount_minor": data["total_amount"],
        "currency": data["currency"],
        "status": data["status"],
    }
    batch = [
        {**who, "action": "identify", "attributes": person},
        {**who, "action": "event", "name": "Payment Completed", "attributes": payment},
    ]
    url = os.environ["CUSTOMERIO_TRACK_URL"] + "/api/v2/batch"
    return HTTP.request("POST", url, json={"batch": batch}, headers=HEADERS).status
