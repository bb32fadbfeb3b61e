"""MNIST from mirrors on this machine that are slow, endless, wrong or lead elsewhere.

Whatever the first of them does, the file comes from the good one after them: in little time, with
little memory, and nothing else is kept.
"""

import contextlib
import functools
import gzip
import hashlib
import os
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import numpy as np

from nnlite.data import mnist
from torture import limited_memory, rounds

ONE_ROUND = {"downloads": 12}
NAME = "t10k-labels-idx1-ubyte"
LABELS = np.arange(50, dtype=np.uint8) % 10
CONTENT = bytes([0, 0, 8, 1, 0, 0, 0, len(LABELS)]) + LABELS.tobytes()
BODY = gzip.compress(CONTENT, mtime=0)
MOST_BYTES, SECONDS = 2**20, 0.3  # that a mirror may send and take
UNREAD = 2**25  # bytes on their way that nobody reads


@functools.cache
def bomb():
    return gzip.compress(bytes(2**27), 1)


class Mirrors(BaseHTTPRequestHandler):
    """Each folder is a mirror, which answers as the method of its name."""

    def do_GET(self):
        with contextlib.suppress(OSError):  # the client has heard enough
            getattr(self, self.path.split("/")[1])()

    def log_message(self, *args):
        pass

    def answer(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def good(self):
        self.answer(BODY, Content_Length=len(BODY))

    def without_a_length(self):
        self.answer(BODY)

    def missing(self):
        self.answer(b"not here", 404)

    def broken(self):
        self.answer(b"try later", 503)

    def silent(self):
        time.sleep(20 * SECONDS)

    def nonsense(self):
        self.wfile.write(b"\0" * 1000)

    def cut_off(self):
        self.answer(BODY[:-5], Content_Length=len(BODY))

    def shorter(self):
        self.answer(BODY[:-5], Content_Length=len(BODY) - 5)

    def of_a_false_length(self):
        self.answer(BODY, Content_Length="many")

    def of_a_negative_length(self):
        self.answer(b"x" * 100, Content_Length=-1)

    def of_a_terabyte(self):
        self.answer(BODY, Content_Length=10**12)

    def slow(self):
        self.answer(b"", Content_Length=len(BODY))
        self.trickle()

    def slow_headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Header: ")
        self.trickle()

    def slow_chunks(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.trickle()

    def trickle(self):
        for _ in range(100):
            time.sleep(SECONDS / 5)
            self.wfile.write(b"1")

    def endless(self):
        self.answer(b"")
        self.flood()

    def flood(self):
        sent = 0
        while sent <= MOST_BYTES + UNREAD:
            sent += self.wfile.write(bytes(2**16))
        self.server.drained = True  # somebody reads on

    def bomb(self):
        self.answer(bomb(), Content_Length=len(bomb()))

    def bomb_in_passing(self):
        self.answer(bomb(), Content_Length=len(bomb()), Content_Encoding="gzip")

    def to_a_file(self):
        self.answer(b"", 302, Location=Path(__file__).as_uri())

    def to_ftp(self):
        self.answer(b"", 302, Location="ftp://127.0.0.1/file")

    def to_data(self):
        self.answer(b"", 302, Location="data:text/plain,hello")

    def to_itself(self):
        self.answer(b"", 302, Location=self.path)

    def to_an_endless_one(self):
        self.answer(b"", 302, Location=self.path.replace("to_an_endless_one", "endless"))

    def endless_redirect(self):
        self.answer(b"", 302, Location=self.path.replace("endless_redirect", "missing"))
        self.flood()

    def redirect(self):
        self.answer(b"", 302, Location=self.path.replace("redirect", "good"))


RIGHT = ("good", "redirect", "without_a_length")
SHARED = ("answer", "flood", "log_message", "trickle")
WRONG = [name for name in vars(Mirrors) if name.islower() and not name.startswith("_")]
WRONG = [name for name in WRONG if name not in RIGHT + SHARED]


@contextlib.contextmanager
def mirrors(handler=Mirrors):
    """A server on this machine, at `url`, which ends with the block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.drained = True, False
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def problem(server, wrong, right):
    """What is wrong with a download from a wrong mirror and then a right one; None if nothing."""
    begin = time.monotonic()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        contextlib.ExitStack() as stack,
    ):
        environment = {"XDG_CACHE_HOME": folder, "HOME": folder, "no_proxy": "*", "NNLITE_DATA": ""}
        stack.enter_context(mock.patch.dict(os.environ, environment))
        settings = {
            "MIRRORS": (f"{server.url}/{wrong}/", f"{server.url}/{right}/"),
            "SHA256": {NAME: hashlib.sha256(CONTENT).hexdigest()},
            "SHA256_PACKED": {NAME: hashlib.sha256(BODY).hexdigest()},
            "MOST_BYTES": MOST_BYTES,
            "SECONDS": SECONDS,
        }
        for name, value in settings.items():
            stack.enter_context(mock.patch.object(mnist, name, value))
        try:
            labels = mnist.read(NAME)
        except Exception as error:
            return repr(error)
        kept = [path.name for path in Path(folder).rglob("*") if path.is_file()]
    if not np.array_equal(labels, LABELS) or kept != [f"{NAME}.gz"]:
        return f"read {labels}, kept {kept}"
    if server.drained:
        return f"more than {UNREAD:,} bytes too many were read"
    took = time.monotonic() - begin
    return None if took < 5 else f"took {took:.1f} s"


def torture(rng, deadline):
    downloads, defects = 0, []
    with mirrors() as server, limited_memory(2):
        for _ in rounds(deadline):
            for wrong in rng.permutation(WRONG):
                downloads, right = downloads + 1, rng.choice(RIGHT)
                if found := problem(server, wrong, right):
                    defects.append(f"{wrong}, then {right}: {found}")
    return {"downloads": downloads, "defects": defects}
