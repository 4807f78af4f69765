"""Calls AWS. Every failure becomes a sentence."""

import os

import boto3
import botocore.exceptions as errors

from .trouble import Trouble

NO_CREDENTIALS = (
    "There are no AWS credentials in this shell. Type: aws configure, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)
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


def login():
    profile = os.environ.get("AWS_PROFILE")
    return f"aws sso login --profile {profile}" if profile else "aws sso login"


def refusal(error):
    """What an error code in a response means, in a sentence."""
    code, operation = code_of(error), error.operation_name
    if code in EXPIRED:
        return f"The AWS credentials of this shell have expired. Type: {login()}, or set fresh ones"
    if code in UNKNOWN:
        return "AWS does not know the credentials of this shell. Type: aws configure"
    if code in DENIED:
        return f"AWS refuses: {code}. The credentials of this shell may not do {operation}; ask for that permission, then try again"
    if code in TOO_OFTEN:
        return f"AWS was asked too often ({code}). Wait a minute, then try again"
    return f"AWS refuses {operation}: {code}: {error.response['Error'].get('Message', 'it gives no reason').rstrip('.')}"


def sentence(error):
    """What any other error of boto3 means, in a sentence."""
    match error:
        case errors.NoRegionError():
            return NO_REGION
        case errors.InvalidRegionError() | ValueError():
            return f"{error}. Type: export AWS_REGION=eu-central-1, or your own region".replace("..", ".")
        case errors.ProfileNotFound():
            return f"{error}. Type: aws configure"
        case errors.NoCredentialsError() | errors.PartialCredentialsError():
            return NO_CREDENTIALS
        case errors.SSOError() | errors.TokenRetrievalError():
            return f"Your SSO login has expired. Type: {login()}"
        case errors.CredentialRetrievalError():
            return f"The credentials of this shell cannot be had: {error}. Type: aws configure"
        case errors.HTTPClientError() | errors.ConnectionError():
            return f"AWS cannot be reached: {error}. Check the network and the region, then try again"
    return f"AWS cannot be asked: {error}"
