"""A real HTTP server on this machine that serves one file the way servers go wrong."""

from __future__ import annotations

import http.server
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

#: A self-signed certificate of this machine and its key, made for tests: `openssl req -x509 -subj /CN=localhost ...`
CERTIFICATE = Path(__file__).with_name("localhost.pem")


@dataclass
class Faults:
    """What the server does wrong; the counters run down, one request each."""

    statuses: list[int] = field(default_factory=list)
    """Answers before the first proper one, or for ever with `always`."""
    always: int = 0
    truncations: int = 0
    """Requests whose body ends after `cut` bytes."""
    stalls: int = 0
    """Requests whose body stops after `cut` bytes, with the connection open."""
    cut: int = 100_000
    ranges: str = "yes"
    """yes; ignore: always the whole file; refuse: status 416; wrong: from another place than asked for;
    unconditional: honours Range whatever If-Range says."""
    validators: bool = True
    weak: bool = False
    content_type: str = "application/octet-stream"
    length: int | str | None = None
    """Content-Length to claim."""
    endless: bool = False
    """The body is sent again and again, without a length."""
    chunked: bool = False


class FileServer:
    """The server's address, its file, its faults, and the requests it saw."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.version = 1
        self.faults = Faults()
        self.requests: list[dict[str, str]] = []
        self.served: list[int] = []
        """Status of each answer."""
        self.url = ""
        self.stopping = threading.Event()

    def replace(self, content: bytes) -> None:
        """Put another version of the file in its place."""
        self.content = content
        self.version += 1


@contextmanager
def serve(content: bytes, *, encrypted: bool = False) -> Iterator[FileServer]:
    """Serve ``content`` under every path of `FileServer.url` until the block ends.

    If ``encrypted``, with the certificate of `CERTIFICATE`, which nobody has reason to trust.
    """
    files = FileServer(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            """Keep the test output clean."""

        def do_CONNECT(self):
            self.do_GET()

        def do_GET(self):
            files.requests.append(dict(self.headers) | {"path": self.path})
            self.close_connection = True
            with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
                self._answer(files.faults)

        def _answer(self, faults):
            status = faults.always or (faults.statuses.pop(0) if faults.statuses else 0)
            if status:
                return self._head(status, {"Content-Length": "0"})
            begin = self._begin(faults)
            total = len(files.content)
            if begin is None:
                return self._head(416, {"Content-Range": f"bytes */{total}", "Content-Length": "0"})
            headers = {"Content-Type": faults.content_type}
            if faults.validators:
                headers["ETag"] = f'{"W/" if faults.weak else ""}"version-{files.version}"'
            if begin:
                shown = begin - 1000 if faults.ranges == "wrong" else begin
                headers["Content-Range"] = f"bytes {shown}-{total - 1}/{total}"
            body = files.content[begin:]
            if faults.chunked or faults.endless:
                headers["Transfer-Encoding"] = "chunked"
            else:
                headers["Content-Length"] = str(len(body) if faults.length is None else faults.length)
            self._head(206 if begin else 200, headers)
            while faults.endless and not files.stopping.is_set():
                self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
            return self._send(body, faults)

        def _begin(self, faults):
            """Return the byte to begin with, None where the range is refused."""
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if not asked or faults.ranges == "ignore":
                return 0
            if faults.ranges == "refuse" or int(asked[1]) >= len(files.content):
                return None
            same = self.headers.get("If-Range") == f'"version-{files.version}"'
            return int(asked[1]) if same or faults.ranges == "unconditional" else 0

        def _head(self, status, headers):
            files.served.append(status)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _send(self, body, faults):
            end = len(body)
            stalled = faults.stalls > 0
            if stalled or faults.truncations > 0:
                end = faults.cut
                faults.stalls -= stalled
                faults.truncations -= not stalled
            for begin in range(0, end, 16384):
                block = body[begin : min(begin + 16384, end)]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if faults.chunked else block)
            if faults.chunked and end >= len(body):
                self.wfile.write(b"0\r\n\r\n")
            if stalled:
                files.stopping.wait(600)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if encrypted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    files.url = f"http{'s' if encrypted else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield files
    finally:
        files.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
