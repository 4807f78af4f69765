"""HTTP without redirects, as the function itself does it."""

import urllib.error
import urllib.request

from .trouble import Trouble

TIMEOUT_SECONDS = 15
MAX_BODY = 1 << 20


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def request(url, body=None, headers=None, method=None):
    """Status and body of the response."""
    opener = urllib.request.build_opener(NoRedirects)
    try:
        asked = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
        with opener.open(asked, timeout=TIMEOUT_SECONDS) as response:
            return response.status, response.read(MAX_BODY).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(MAX_BODY).decode(errors="replace")
    except (OSError, ValueError) as error:
        raise Trouble(f"{url} does not respond: {error}") from None
