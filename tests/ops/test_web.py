"""Faults of the network are sentences with the next command, not Python's words."""

import contextlib
import re
import socket
import ssl
import threading
import urllib.error

import pytest

from ops import web
from ops.trouble import Trouble

REMEDY = "Type: make doctor"


@contextlib.contextmanager
def serving(response):
    """A URL where every request gets these bytes, and then the end of the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.recv(65536)
                    connection.sendall(response)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def sentence(url):
    with pytest.raises(Trouble) as raised:
        web.request(url, remedy=REMEDY)
    text = str(raised.value)
    assert text.endswith(f". {REMEDY}") and not re.search(r"Errno|urlopen|Exception|Error\(|<", text), text
    return text


@pytest.mark.parametrize("url, says", [
    ("http://127.0.0.1:1/", "127.0.0.1:1 refuses the connection"),
    ("http://name.invalid/", "name.invalid is not known to this machine's name server"),
    ("no-url", "no-url cannot be asked: this is not a usable URL"),
    ("http://127.0.0.1:port/", "cannot be asked"),
    ("https://user:password@name.invalid/path", "name.invalid cannot be asked"),
])
def test_addresses_where_nobody_is(url, says):
    text = sentence(url)
    assert says in text and "password" not in text


@pytest.mark.parametrize("response", [b"", b"nonsense\r\n\r\n"])
def test_responses_that_break_off(response):
    with serving(response) as url:
        assert "breaks off the connection" in sentence(url)


def test_an_error_whose_body_breaks_off_is_an_error_still():
    with serving(b"HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nhalf") as url:
        status, _ = web.request(url, remedy=REMEDY)
        assert status == 503


@pytest.mark.parametrize("error, says", [
    (TimeoutError("timed out"), "did not respond within 15 s"),
    (urllib.error.URLError(TimeoutError("timed out")), "did not respond within 15 s"),
    (urllib.error.URLError(ssl.SSLCertVerificationError("x")), "has a certificate"),
    (ssl.SSLEOFError("x"), "does not speak TLS"),
    (ConnectionResetError("x"), "breaks off the connection"),
    (OSError(101, "Network is unreachable"), "cannot be reached. Check the network"),
])
def test_other_faults(error, says):
    assert says in web.failure(error)
