"""Why a clip could not be had: what YouTube and yt-dlp say, as one of a few reasons.

Wording as of yt-dlp 2026.10.26 and of what YouTube answers through it (threads of its issue tracker, 2024 to 2026).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """A kind of failure."""

    name: str
    permanent: bool
    """Whether the next call would find the same: such clips are not tried again unless that is asked for."""
    said: str
    """What the messages of this kind hold, as a regular expression; the first kind that fits counts."""


#: In the order in which they are looked for: particular before general.
REASONS: tuple[Reason, ...] = (
    Reason("bot_check", False, r"confirm you.re not a bot|captcha challenge"),
    Reason("throttled", False, r"HTTP Error 429|Too Many Requests|rate-limited|try again later"),
    Reason("age", True, r"confirm your age|age.restricted|inappropriate for some users"),
    Reason("geo", True, r"(in|from) your (country|location)|geo.?restrict"),
    Reason("private", True, r"private video|video is private"),
    Reason("paid", True, r"members|join this channel|requires payment|purchase|rent(al)? "),
    Reason("too_short", True, r"ends before the clip"),
    Reason(
        "removed",
        True,
        r"been (removed|terminated|deleted|closed)|no longer available|video (is )?(unavailable|not available)"
        r"|does not exist|copyright|isn.t available|live (event|stream recording)|incomplete youtube id",
    ),
    # Where no JavaScript runtime answers the player's riddle, YouTube seems to have pictures only.
    Reason("no_format", False, r"requested format is not available|no video formats|only images are available"),
    Reason(
        "network",
        False,
        r"timed? ?out|HTTP Error|connection|connect to|resolve|name or service|network|temporary failure"
        r"|incompleteread|bytes read|SSL|remote end closed|unable to download|proxy|input/output error"
        r"|server returned|invalid data found|end of file|more was to come",
    ),
    Reason("other", False, r""),
)
PERMANENT = frozenset(reason.name for reason in REASONS if reason.permanent)
#: After several of these in a row, going on would only make it worse.
BLOCKED = frozenset({"bot_check", "throttled"})
#: Worth another attempt at once.
PASSING = frozenset({"network"})


class ClipFailure(Exception):
    """A clip that could not be had, with the reason."""

    def __init__(self, message: str, reason: str = "") -> None:
        self.message = _one_line(message)
        self.reason = reason or reason_of(self.message)
        super().__init__(self.message)


def reason_of(message: str) -> str:
    """Return the name of the reason that a message of yt-dlp or ffmpeg gives."""
    return next(reason.name for reason in REASONS if re.search(reason.said, message, re.IGNORECASE))


def _one_line(message: str, limit: int = 300) -> str:
    """Return the message without colours, its prefix and line ends."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", message).split()).removeprefix("ERROR: ")
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
