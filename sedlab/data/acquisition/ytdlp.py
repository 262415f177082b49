"""The part of a video's sound that a clip is, through the optional package yt-dlp.

First only the span is asked for: ffmpeg reads the address that yt-dlp has found, a few hundred kilobytes. Where that
fails or brings less than the video has, or the bandwidth is limited, yt-dlp downloads the whole sound with its own
means (retries, pieces, a limit of bandwidth), and the span is cut out of the file.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from sedlab.data.acquisition.cutting import cut_with_ffmpeg, cut_with_libsndfile, seconds_of
from sedlab.data.acquisition.reasons import ClipFailure
from sedlab.data.corpora.video_names import VideoSpan
from sedlab.errors import SedlabError

ADDRESS = "https://www.youtube.com/watch?v={video_id}"
#: YouTube gives whole seconds, rounded: a clip at the end of a video may be this much shorter than they promise.
ROUNDED_SECONDS = 1.0
#: Less than this of a clip is of no use.
MIN_SECONDS = 0.5
#: A sound that is this much shorter than the clip was broken off, or the video ends.
_TRUNCATED_SECONDS = 0.02
_OLD_DAYS = 90


class ClipFetcher(Protocol):
    """What brings clips."""

    def fetch(self, span: VideoSpan, folder: Path) -> Path:
        """Return a WAV file of the span, written into ``folder``; raise ClipFailure where it cannot be had."""


@dataclass(frozen=True)
class YtDlp:
    """Clips of YouTube videos."""

    ffmpeg: str | None
    """None: only sounds that libsndfile reads can be cut."""
    cookies: Path | None = None
    """Cookies of a browser that is signed in, in the format of Netscape; the file is only read."""
    cookies_from_browser: str = ""
    """BROWSER or BROWSER:PROFILE."""
    limit_rate: int | None = None
    """Bytes a second."""
    retries: int = 3
    address: str = ADDRESS
    _own: threading.local = field(default_factory=threading.local, repr=False)

    def fetch(self, span: VideoSpan, folder: Path) -> Path:
        """Return a WAV file of the span, in the rate and with the channels of the video's best sound.

        Raises
        ------
        ClipFailure
            With the reason, when YouTube does not give it, or the video ends before or just after the clip begins.
        """
        target = folder / "clip.wav"
        if self.ffmpeg is None or self.limit_rate:
            self._cut_whole(span, folder, target)
        else:
            try:
                self._cut_span(span, target)
            except _Incomplete:
                self._cut_whole(span, folder, target)
        return target

    def _cut_span(self, span: VideoSpan, target: Path) -> None:
        ydl, info = self._ask(span, download=False)
        _check_length(info, span)
        url, headers = str(info.get("url", "")), dict(info.get("http_headers") or {})
        if not url.startswith(("http://", "https://")) or "m3u8" in str(info.get("protocol", "")):
            raise _Incomplete("the sound comes in pieces")
        if cookie := ydl.cookiejar.get_cookie_header(url):
            headers["Cookie"] = cookie
        try:
            cut_with_ffmpeg(url, span, target, ffmpeg=str(self.ffmpeg), headers=headers)
        except ClipFailure as failure:
            raise _Incomplete(failure.message) from failure
        # A connection that breaks is an early end of the sound for ffmpeg, no error.
        if seconds_of(target) < _promised(info, span):
            raise _Incomplete("more was to come")

    def _cut_whole(self, span: VideoSpan, folder: Path, target: Path) -> None:
        _, info = self._ask(span, download=True, folder=folder)
        source = Path(info["requested_downloads"][0]["filepath"])
        if self.ffmpeg is None:
            cut_with_libsndfile(source, span, target)
        else:
            cut_with_ffmpeg(source, span, target, ffmpeg=self.ffmpeg)
        if seconds_of(target) < min(MIN_SECONDS, span.end - span.start):
            raise ClipFailure(f"the video ends before the clip does, after {seconds_of(target):.2f} s of it")

    def check(self) -> list[str]:
        """Return what there is to warn of; raise SedlabError where yt-dlp is missing or cannot read the cookies."""
        module = _yt_dlp()
        try:
            self._downloader(module).cookiejar  # noqa: B018 (read when first asked for)
        except Exception as error:
            option, value = "--cookies", str(self.cookies or "")
            if not value:
                option, value = "--cookies-from-browser", self.cookies_from_browser
            raise SedlabError(
                f"{option} {value}: yt-dlp cannot read them ({_first_line(error)}). Give a cookies.txt in the format "
                "of Netscape, or the name of a browser on this machine."
            ) from error
        return _too_old(module)

    def _ask(self, span: VideoSpan, *, download: bool, folder: Path | None = None) -> tuple[Any, dict[str, Any]]:
        """Return yt-dlp's downloader and what it knows of the video, whose sound it has then put into ``folder``."""
        module = _yt_dlp()
        ydl = self._downloader(module)
        if folder is not None:
            ydl.params["outtmpl"]["default"] = f"{str(folder).replace('%', '%%')}/whole.%(ext)s"
        try:
            info = ydl.extract_info(self.address.format(video_id=span.video_id), download=download)
        except module.utils.DownloadError as error:
            raise ClipFailure(str(error)) from error
        if not info:
            raise ClipFailure("yt-dlp found nothing")
        return ydl, info

    def _downloader(self, module: ModuleType) -> Any:
        """Return this thread's own: it keeps cookies and what it has learnt of the player."""
        if not hasattr(self._own, "ydl"):
            self._own.ydl = module.YoutubeDL(self._options())
        return self._own.ydl

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "format": "bestaudio/best",
            "outtmpl": {"default": "%(id)s.%(ext)s"},
            "quiet": True,
            "no_warnings": True,
            "noprogress": True,
            "logger": _Silence(),
            "noplaylist": True,
            "overwrites": True,
            "fixup": "never",
            "socket_timeout": 30,
            "retries": self.retries,
            "fragment_retries": self.retries,
            "extractor_retries": self.retries,
        }
        if self.ffmpeg:
            options["ffmpeg_location"] = self.ffmpeg
        if self.limit_rate:
            options["ratelimit"] = self.limit_rate
        if self.cookies:
            # A copy in memory for each worker: yt-dlp writes back what it was given.
            options["cookiefile"] = io.StringIO(self.cookies.read_text(encoding="utf-8", errors="replace"))
        if self.cookies_from_browser:
            browser, _, profile = self.cookies_from_browser.partition(":")
            options["cookiesfrombrowser"] = (browser.lower(), profile or None, None, None)
        return options


class _Incomplete(Exception):
    """The span alone could not be had; the whole sound may be."""


class _Silence:
    """Takes yt-dlp's remarks: what matters of them it raises."""

    def debug(self, _message: str) -> None: ...

    def info(self, _message: str) -> None: ...

    def warning(self, _message: str, **_: object) -> None: ...

    def error(self, _message: str) -> None: ...


def _yt_dlp() -> ModuleType:
    try:
        import yt_dlp
    except ImportError as error:
        raise SedlabError(
            "yt-dlp is not installed, which downloads the clips of YouTube videos. "
            'Install it: pip install -U "yt-dlp[default,deno]" imageio-ffmpeg'
        ) from error
    return yt_dlp


def _too_old(module: ModuleType) -> list[str]:
    """Return a warning about a version that YouTube has probably moved away from."""
    version = str(getattr(getattr(module, "version", None), "__version__", ""))
    try:
        days = (datetime.now() - datetime.strptime(version[:10], "%Y.%m.%d")).days
    except ValueError:  # a version of one's own
        return []
    if days <= _OLD_DAYS:
        return []
    return [f"yt-dlp {version} is {days} days old, and YouTube changes often: pip install -U yt-dlp"]


def _check_length(info: Mapping[str, Any], span: VideoSpan) -> None:
    length = info.get("duration")
    if length is not None and length + ROUNDED_SECONDS <= span.start:
        raise ClipFailure(f"the video ends before the clip begins: after {length} s, not {span.start:g} s")


def _promised(info: Mapping[str, Any], span: VideoSpan) -> float:
    """Return how many seconds of the clip there have to be, as far as is known."""
    length = info.get("duration")
    if length is None or length >= span.end + ROUNDED_SECONDS:
        return span.end - span.start - _TRUNCATED_SECONDS
    return max(MIN_SECONDS, length - ROUNDED_SECONDS - span.start)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
