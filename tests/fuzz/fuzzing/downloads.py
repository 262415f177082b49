"""Answers of servers."""

from __future__ import annotations

from pathlib import Path
from random import Random

from fuzzing.case import Case
from fuzzing.material import Material

_STATUS = ("200 OK", "404 Not Found", "403 Forbidden", "500 Oops", "302 Found", "204 No Content",
    "206 Partial Content", "429 Slow", "999 X", "99999 Y", "-1", "", "x")  # fmt: skip
_HEADERS = (
    "Content-Length: 0", "Content-Length: 5", "Content-Length: -5", "Content-Length: " + "9" * 5000,
    "Content-Length: 1e3", "Content-Length: 10, 10",
    "Content-Length: 99999999999999", "Content-Type: text/html", "Content-Encoding: gzip",
    "Transfer-Encoding: chunked", "Location: /x", "Location: file:///etc/passwd",
    "Location: http://127.0.0.1:1/", "Location: ", "Retry-After: 1e9", "Retry-After: x", "Retry-After: -1",
    "Retry-After: " + "9" * 5000,
    "Content-Range: bytes 0-4/5", "Content-Range: bytes x", "ETag: " + "x" * 5000, "ETag: \xff", "x" * 5000 + ": y",
    "Content-Type: " + "é" * 50,
)  # fmt: skip
_BODIES = (
    b"",
    b"hello",
    b"<!DOCTYPE html><html>x</html>",
    b"PK\x03\x04" + bytes(500),
    b"\x1f\x8b\x08garbage",
    b"5\r\nhello\r\n",
    b"ffffffffffff\r\nx",
    b"zz\r\n",
)
_ADDRESSES = ("{url}", "{url}/", "{url}/a b", "http://127.0.0.1:1", "ftp://127.0.0.1", "file:///etc", "x",
    "http://", "http://[", "http://127.0.0.1:99999",
              "http://127.0.0.1:x", "http://\u202e", "//x", "http://x" * 500, "{url}?a=b#c",
              "http://user:pw@127.0.0.1:1", " ", "http://é.invalid:1")  # fmt: skip


def download_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Download a published file from an odd server."""
    address = "{url}"
    if index % 4 == 0:
        address = random.choice(_ADDRESSES)
    status = "200 OK" if random.random() < 0.6 else random.choice(_STATUS)
    headers = random.sample(_HEADERS, random.randrange(4))
    lines = "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""])
    answer = random.choice(
        [lines.encode("latin-1", "replace") + random.choice(_BODIES)] * 8
        + [b"", random.randbytes(300), b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 300, b"\r\n\r\n", b"SSH-2.0-x\r\n"]
    )
    names = ["atst_stage2", "beats_as", "cpjku-dcase24", "all", "atst_stage", "", "../x", "x" * 5000, "[/b]", "é"]
    name = "atst_stage2" if random.random() < 0.8 else random.choice(names)
    root = (
        "weights"
        if random.random() < 0.9
        else random.choice(["a\nb", "é é", "file", "file/x", "x" * 300, "[b]", "/proc/x", "/dev/null"])
    )
    (folder / "file").write_bytes(b"x")
    idea = f"{status} {[header[:30] for header in headers]} {address[:40]} {name[:20]} {root[:20]}"
    arguments = ("weights", "download", name, "--root", root, "--mirror", address)
    kept = (root,) if not root.startswith(("/", "file")) else ()
    return Case(arguments, idea, None, kept, kept=kept, names=(name[:40], "atst_stage2", "weights", "127.0.0.1",
        "/", root[:40]), answer=answer)  # fmt: skip
