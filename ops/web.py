"""HTTP without redirects, as the function itself does it."""

import http.client
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request

from .trouble import Trouble

TIMEOUT_SECONDS = 15
MAX_BODY = 1 << 20


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def request(url, body=None, headers=None, method=None, *, remedy):
    """Status and body of the response. `remedy` says what to type if there is none."""
    opener = urllib.request.build_opener(NoRedirects)
    try:
        asked = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
        with opener.open(asked, timeout=TIMEOUT_SECONDS) as response:
            return response.status, response.read(MAX_BODY).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, text_of(error)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Trouble(f"{host(url)} {failure(error)}. {remedy}") from None


def text_of(error):
    """The body of an error's response; empty if it breaks off."""
    try:
        return error.read(MAX_BODY).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""


def host(url):
    """Where a URL leads, without a user's name or password that may be in it."""
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2] or url


def failure(error):
    """What went wrong with a request, in words."""
    match getattr(error, "reason", None) if isinstance(error, urllib.error.URLError) else error:
        case TimeoutError():
            return f"did not respond within {TIMEOUT_SECONDS} s"
        case socket.gaierror():
            return "is not known to this machine's name server. Check the network, and the name"
        case ssl.SSLCertVerificationError():
            return "has a certificate that this machine does not trust. Check the clock, and whether a proxy is in between"
        case ssl.SSLError():
            return "does not speak TLS as it should. Check whether a proxy is in between"
        case ConnectionRefusedError():
            return "refuses the connection. Check the address, and whether a firewall is in between"
        case ValueError() | http.client.InvalidURL() | str():
            return "cannot be asked: this is not a usable URL"
        case ConnectionError() | http.client.HTTPException():
            return "breaks off the connection. Try again in a minute"
    return "cannot be reached. Check the network"
