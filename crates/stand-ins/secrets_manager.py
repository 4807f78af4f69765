"""Secrets Manager and SQS on a free port of 127.0.0.1 (moto).

Prints its port and serves until standard input ends, so it never outlives whoever started it.
"""

import contextlib
import functools
import logging
import os
import sys
import threading

try:
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

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
# Whoever started it may be gone already.
with contextlib.suppress(BrokenPipeError):
    os.write(sys.stdout.fileno(), b"%d\n" % server.get_host_and_port()[1])
sys.stdin.read()
server.stop()
