"""A server on this machine with the published archives, as Zenodo and the others have them, that goes wrong on request.

    with serve_archives(published) as server:
        monkeypatch.setenv("SEDLAB_DATA_HOSTS", server.url)     # https://zenodo.org/... is asked for here
        server.faults["dcase_synth.zip"] = Fault(breaks=1)
        `sedlab data desed download --root ROOT`

A mirror has the files themselves: `--mirror f"{server.url}/mirror"`.
"""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from synthetic_archives import ZENODO, Published

ZENODO_API = "/zenodo.org/api/records/"


@dataclass
class Fault:
    """What goes wrong with one file; the counters run down, one request each."""

    breaks: int = 0
    """Answers that end in the middle."""
    busy: int = 0
    """Answers with status 429 and `Retry-After: 1`."""
    redirects: int = 0
    """Answers that lead to another address of the file."""
    page: bool = False
    """A web page instead of the file."""
    spoiled: bool = False
    """As many bytes, of which one is another."""


@dataclass
class ArchiveServer:
    """Its address, what goes wrong, and what it was asked for."""

    url: str = ""
    faults: dict[str, Fault] = field(default_factory=dict)
    """By file name; `zenodo` stands for the API."""
    requests: list[str] = field(default_factory=list)
    """`name` of each request, with ` from N` where it asked for the rest."""


@contextmanager
def serve_archives(published: Published, *, layout: str = "list") -> Iterator[ArchiveServer]:
    """Serve the archives until the block ends; ``layout`` of Zenodo's answer: list or entries."""
    server = ArchiveServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            """Keep the test output clean."""

        def do_HEAD(self):
            path = published.archives / self.path.rsplit("/", 1)[-1]
            self._head(200 if path.is_file() else 404, path.stat().st_size if path.is_file() else 0)

        def do_GET(self):
            with suppress(BrokenPipeError, ConnectionResetError):
                record = re.fullmatch(ZENODO_API + r"(\d+)", self.path)
                if record:
                    server.requests.append(f"zenodo {record[1]}")
                    return self._answer("zenodo", _record(published, int(record[1]), layout), "application/json")
                name = self.path.removesuffix("/content").rsplit("/", 1)[-1]
                path = published.archives / name
                begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                server.requests.append(f"{name} from {begin[1]}" if begin else name)
                if not path.is_file():
                    return self._head(404, 0)
                return self._answer(name, path.read_bytes(), "application/octet-stream", int(begin[1]) if begin else 0)
            return None

        def _answer(self, name, content, kind, begin=0):
            fault = server.faults.get(name, Fault())
            if fault.busy:
                fault.busy -= 1
                return self._head(429, 0, {"Retry-After": "1"})
            if fault.redirects:
                fault.redirects -= 1
                return self._head(302, 0, {"Location": f"/elsewhere/{name}"})
            if fault.page:
                content, kind = b"<!DOCTYPE html><title>Sign in</title>", "text/html"
            if fault.spoiled:
                content = bytes([content[0] ^ 1]) + content[1:]
            body = content[begin:]
            headers = {"Content-Type": kind, "ETag": '"1"'}
            if begin:
                headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            self._head(206 if begin else 200, len(body), headers)
            if fault.breaks:
                fault.breaks -= 1
                body = body[: len(body) // 2]
            self.wfile.write(body)
            return None

        def _head(self, status, length, headers=None):
            self.send_response(status)
            for header, value in ({"Content-Length": str(length)} | (headers or {})).items():
                self.send_header(header, value)
            self.end_headers()

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    server.url = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def _record(published: Published, number: int, layout: str) -> bytes:
    """Return Zenodo's answer about a record, with the sizes and checksums of the archives made here."""
    base = f"https://zenodo.org/api/records/{number}/files"
    files = {}
    for name in ZENODO[number]:
        path = Path(published.archives / name)
        facts = {"key": name, "size": path.stat().st_size, "checksum": f"md5:{published.md5(name)}"}
        if layout == "list":
            files[name] = facts | {"id": "f0", "links": {"self": f"{base}/{name}/content"}}
        else:
            files[name] = facts | {"links": {"self": f"{base}/{name}", "content": f"{base}/{name}/content"}}
    if layout == "list":
        answer = {"files": list(files.values()), "metadata": {"license": {"id": "cc-by-4.0"}, "title": "Sounds"}}
    else:
        rights = [{"id": "cc-by-4.0", "title": {"en": "Creative Commons Attribution 4.0"}}]
        answer = {"files": {"enabled": True, "entries": files}, "metadata": {"rights": rights, "title": "Sounds"}}
    return json.dumps({"id": number} | answer).encode()
