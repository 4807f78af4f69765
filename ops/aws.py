"""Calls AWS. Every failure becomes a sentence."""

import os

import boto3
import botocore.exceptions as errors
import botocore.session

from .trouble import Trouble

KEYS = "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…"
PROFILE = "export AWS_PROFILE=…, with a profile of ~/.aws/credentials or ~/.aws/config"
NO_CREDENTIALS = f"There are no AWS credentials in this shell. Type: {KEYS}, or {PROFILE}"
NO_REGION = "No AWS region is set in this shell. Type: export AWS_REGION=eu-central-1, or your own region"

# Codes of AWS's errors that mean the same in all its services.
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
UNKNOWN = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure", "InvalidAccessKeyId"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException"}
TOO_OFTEN = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}


def shell_region():
    """The region of this shell: both variables, then the profile's."""
    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if named:
        return named
    try:
        return boto3.Session().region_name
    except errors.BotoCoreError as error:
        raise Trouble(sentence(error)) from None


class Refused(Trouble):
    """AWS responds with an error; `error` is boto3's, for callers who know what its code means to them."""

    def __init__(self, error):
        super().__init__(refusal(error))
        self.error = error


def called(region, service, operation, **arguments):
    """The response to one call."""
    try:
        return getattr(boto3.client(service, region_name=region), operation)(**arguments)
    except errors.ClientError as error:
        raise Refused(error) from None
    except (errors.BotoCoreError, ValueError) as error:
        raise Trouble(sentence(error)) from None


def code_of(error):
    return error.response["Error"]["Code"]


def account(region):
    """The number of the account that the shell's credentials belong to."""
    return called(region, "sts", "get_caller_identity")["Account"]


def renewal():
    """What to type for fresh credentials: a login where this shell's come from one."""
    return f"Type: {login()}" if uses_sso() else f"Type: {KEYS} AWS_SESSION_TOKEN=…, with fresh ones"


def login():
    profile = os.environ.get("AWS_PROFILE")
    return "aws sso login" + (f" --profile {profile}" if profile else "") + " (a command of the AWS CLI)"


def uses_sso():
    """Whether the credentials come from a profile with an SSO login; variables come before profiles."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return False
    try:
        profile = botocore.session.Session().get_scoped_config()
    except errors.BotoCoreError:
        return False
    return bool({"sso_session", "sso_start_url"} & set(profile))


def refusal(error):
    """What an error code in a response means, in a sentence."""
    code, operation = code_of(error), error.operation_name
    if code in EXPIRED:
        return f"The AWS credentials of this shell have expired. {renewal()}"
    if code in UNKNOWN:
        return f"AWS does not know the credentials of this shell. Type: {KEYS}, or {PROFILE}"
    if code in DENIED:
        return f"AWS refuses: {code}. The credentials of this shell may not do {operation}; ask for that permission, then try again"
    if code in TOO_OFTEN:
        return f"AWS was asked too often ({code}). Wait a minute, then try again"
    reason = error.response["Error"].get("Message", "it gives no reason").rstrip(".")
    return f"AWS refuses {operation}: {code}: {reason}. Once that is put right, try the same again"


def sentence(error):
    """What any other error of boto3 means, in a sentence."""
    match error:
        case errors.NoRegionError():
            return NO_REGION
        case errors.InvalidRegionError() | ValueError():
            return f"{error}. Type: export AWS_REGION=eu-central-1, or your own region".replace("..", ".")
        case errors.ProfileNotFound():
            return f"{error}. Type: {PROFILE}".replace("..", ".")
        case errors.NoCredentialsError() | errors.PartialCredentialsError():
            return NO_CREDENTIALS
        case errors.SSOError() | errors.TokenRetrievalError():
            return f"Your SSO login has expired. Type: {login()}"
        case errors.CredentialRetrievalError():
            return f"The credentials of this shell cannot be had: {error}. Type: {KEYS}, or {PROFILE}"
        case errors.HTTPClientError() | errors.ConnectionError():
            return f"AWS cannot be reached: {error}. Check the network and the region, then try again"
    return f"AWS cannot be asked: {str(error).rstrip('.')}. Once that is put right, try the same again"
