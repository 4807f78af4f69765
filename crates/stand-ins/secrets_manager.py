"""A Secrets Manager API on a free port of 127.0.0.1 (moto).

Prints its port and serves until standard input ends, so it never outlives whoever started it.
"""

import contextlib
import logging
import os
import sys

try:
    from moto.server import ThreadedMotoServer
except ImportError as error:
    sys.exit(f"{error.name} is missing from the virtual environment. Type: rm -rf .venv, then the same again.")

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
# Whoever started it may be gone already.
with contextlib.suppress(BrokenPipeError):
    os.write(sys.stdout.fileno(), b"%d\n" % server.get_host_and_port()[1])
sys.stdin.read()
server.stop()
