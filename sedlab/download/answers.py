"""What a server answers: the file, its rest, something else, or nothing for now."""

from __future__ import annotations

import re

import requests

from sedlab.download.part import VALIDATOR, Part
from sedlab.errors import SedlabError

MAX_WAIT_SECONDS = 30.0
#: A number of bytes that a disk may hold, as a regular expression.
_BYTES = "[0-9]{1,18}"
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
#: Answers to a range request that say nothing about the file itself: the whole file may still be had.
_RANGE_REFUSED = (400, 405, 412, 416, 501)
_REMEDIES = {
    401: "It needs a login: get it with a browser",
    403: "Access is refused: get it with a browser, or from a mirror",
    404: "The file has moved or the name is wrong: look for it where it was published",
    407: "The proxy asks who you are: set HTTP_PROXY to http://USER:PASSWORD@HOST:PORT",
    410: "The file was withdrawn: look for it where it was published",
}


class Again(Exception):
    """This attempt failed; the next may succeed."""

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


def check_status(part: Part, response: requests.Response) -> None:
    """Let pass only an answer whose bytes continue ``part`` (206) or begin the file (200)."""
    status = response.status_code
    if status == 200:
        return
    if status == 206:
        begin, total = _content_range(response)
        resized = None not in (part.total, total) and part.total != total
        marks = {response.headers.get(name) for name in ("ETag", "Last-Modified")} - {None}
        if begin != part.size or resized or (marks and part.validator not in marks):
            part.restart("", None)
            raise Again("the server sent another part of the file than was asked for")
        part.total = part.total or total
        return
    if part.size and status in _RANGE_REFUSED:
        part.restart("", None)
        raise Again(f"the server refuses to send the rest of a file (status {status})")
    if status in _TRY_AGAIN:
        wait = response.headers.get("Retry-After", "")
        raise Again(
            f"the server answers with status {status}",
            min(float(wait), MAX_WAIT_SECONDS) if wait.isdecimal() else 0.0,
        )
    remedy = _REMEDIES.get(status, "Get it with a browser")
    raise SedlabError(f"{part.url}: the server answers with status {status}. {remedy}.")


def refuse_other_content(
    part: Part, response: requests.Response, first: bytes, size: int | None, total: int | None
) -> None:
    """Recognise an answer that is not the file: before anything that has arrived is given up for it."""
    kind = response.headers.get("Content-Type", "")
    begin = first[:64].lstrip().lower()
    page = response.status_code == 200 and begin.startswith((b"<!doctype html", b"<html"))
    if page or kind.startswith("text/html"):
        raise SedlabError(
            f"{part.url}: the server sent a web page instead of the file, perhaps a login or a confirmation. Open it "
            f"in a browser and save the file as {part.path.with_name(part.name)}."
        )
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise SedlabError(f"{part.url}: the server sends the file encoded ({encoding}). Use another mirror.")
    if size is not None and total is not None and total != size:
        raise SedlabError(
            f"{part.url}: the server has {total} bytes, expected {size}. The file was replaced or this is another one: "
            "look where it was published."
        )


def content_length(response: requests.Response) -> int | None:
    """Return the size in bytes of what the server sends, None if it does not say, or nothing that can be true."""
    length = response.headers.get("Content-Length", "")
    return int(length) if re.fullmatch(_BYTES, length) else None


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """Return (first byte, size of the whole file) of a partial answer (RFC 9110, section 14.4)."""
    found = re.fullmatch(rf"bytes ({_BYTES})-\d+/({_BYTES}|\*)", response.headers.get("Content-Range", ""))
    if not found:
        return None, None
    return int(found[1]), None if found[2] == "*" else int(found[2])


def validator_of(response: requests.Response) -> str:
    """Return what identifies this version of the file in `If-Range`: a strong ETag, or the date (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
    return validator if re.fullmatch(VALIDATOR, validator) else ""
