"""Secrets Manager and SQS on a free port of 127.0.0.1 (moto).

Prints its port and serves until standard input ends, so it never outlives whoever started it.
"""

import contextlib
import functools
import logging
import os
import sys
import threading

# No page in a browser may read what is here.
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"

try:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from moto.server import ThreadedMotoServer
    from moto.sqs.models import Queue
except ImportError as error:
    sys.exit(f"{error.name} is missing from the virtual environment. Type: rm -rf .venv, then the same again.")

lock = threading.RLock()


def one_at_a_time(method):
    """moto has a thread for each request, but its queues lose messages when two threads change one at once."""

    @functools.wraps(method)
    def locked(*arguments):
        with lock:
            return method(*arguments)

    return locked


for name in ("add_message", "delete_message"):
    setattr(Queue, name, one_at_a_time(getattr(Queue, name)))

def from_programs(method):
    """Browsers say which page a request is of, programs do not. A page's own name may lead here too."""

    @functools.wraps(method)
    def guarded(application, environ, start_response):
        host = environ.get("HTTP_HOST", "").partition(":")[0]
        is_page = "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ
        if is_page or host not in ("127.0.0.1", "localhost"):
            start_response("403 Forbidden", [("content-type", "text/plain")])
            return [b"This is for programs on this machine, not for pages in a browser.\n"]
        return method(application, environ, start_response)

    return guarded


DomainDispatcherApplication.__call__ = from_programs(DomainDispatcherApplication.__call__)

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
# Whoever started it may be gone already.
with contextlib.suppress(BrokenPipeError):
    os.write(sys.stdout.fileno(), b"%d\n" % server.get_host_and_port()[1])
sys.stdin.read()
server.stop()
