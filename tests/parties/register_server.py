"""A register at an address: what it is asked, and what it answers."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from parties.registers import Identifier

US = Identifier("GB_COMPANY", "01234567")
THEM = "GB_COMPANY:07654321"
FINDING = {"kind": "MAJOR_PENALTY", "day": "2024-03-01"}


@contextmanager
def serving(answer):
    """A register on this machine that answers with what a function writes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers["Accept"]))
            answer(self)

        def log_message(self, *_args):
            pass

    seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/conduct", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def says(content, status=200, **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


GOOD = {
    "source": "A register",
    "organisation": str(US),
    "facts": {"findings": [FINDING]},
}
