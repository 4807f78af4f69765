"""The part of Dodo's API that knows webhook endpoints, as its documentation and SDKs describe it, on a free port.

Lists come in pages of two. Keys: `writes` may write, `reads` may not, others are unknown. `faults` are statuses for the
next requests, `faults_of_post` for the next that would make an endpoint.
"""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = 2
WRITES, READS = "dodo_test_w0000000000000000", "dodo_test_r0000000000000000"
DETAILS = {"created_at": "2026-11-24T12:00:00Z", "updated_at": "2026-11-24T12:00:00Z", "description": "", "metadata": {}}


class Dodo:
    def __init__(self):
        self.endpoints, self.secrets, self.calls, self.faults, self.faults_of_post = [], {}, [], [], []

    def add(self, url, secret, **fields):
        endpoint = {**DETAILS, "id": f"ep_{len(self.endpoints) + 1}", "url": url, "disabled": False, "filter_types": None, "rate_limit": None}
        endpoint.update(fields)
        self.endpoints.append(endpoint)
        self.secrets[endpoint["id"]] = secret
        return endpoint

    def respond(self, method, path, query, fields, key):
        self.calls.append((method, path, fields))
        if method == "POST" and self.faults_of_post:
            return self.faults_of_post.pop(0), {"message": "later"}
        if self.faults:
            return self.faults.pop(0), {"message": "later"}
        if key not in (WRITES, READS):
            return 401, {"message": "unauthorized"}
        if method != "GET" and key == READS:
            return 403, {"message": "forbidden"}
        if path == "/webhooks" and method == "GET":
            begin = int(query.get("iterator", 0))
            done = begin + PAGE >= len(self.endpoints)
            return 200, {"data": self.endpoints[begin : begin + PAGE], "iterator": str(begin + PAGE), "done": done}
        if path == "/webhooks":
            kept = {name: value for name, value in fields.items() if name != "idempotency_key"}
            return 200, self.add(secret=self.next_secret, **kept)
        endpoint = next((it for it in self.endpoints if it["id"] == path.split("/")[2]), None)
        if endpoint is None:
            return 404, {"message": "no such endpoint"}
        if path.endswith("/secret"):
            return 200, {"secret": self.secrets[endpoint["id"]]}
        endpoint.update(fields or {})
        return 200, endpoint

    next_secret = "whsec_bmV3LXNpZ25pbmctc2VjcmV0LTAwMDE="


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do(self):
        parts = urllib.parse.urlparse(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        fields = json.loads(body) if body else None
        status, answer = self.server.dodo.respond(self.command, parts.path, dict(urllib.parse.parse_qsl(parts.query)), fields, key)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = do


def serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.dodo = Dodo()
    server.dodo.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    # The signing secret of the endpoints that are made; prints the URL and serves until standard input ends.
    import sys

    running = serve()
    running.dodo.next_secret = sys.argv[1]
    print(running.dodo.url, flush=True)
    sys.stdin.read()
