"""What sedlab uses of yt-dlp, with recordings of a folder in place of YouTube: the boundary to the network, no more."""

from __future__ import annotations

import shutil
import types
from pathlib import Path


class DownloadError(Exception):
    """As yt-dlp's: its message begins with ERROR."""


def standin(videos: dict[str, Path | str]) -> types.ModuleType:
    """Return a module in place of ``yt_dlp``, whose videos are files, or the message that YouTube gives for them."""

    class YoutubeDL:
        made: list[YoutubeDL] = []  # noqa: RUF012

        def __init__(self, params: dict) -> None:
            self.params, self.asked = params, []
            if (given := params.get("cookiefile")) is not None and "Netscape" not in given.readline():
                raise ValueError("does not look like a Netscape format cookies file")
            self.cookiejar = None
            YoutubeDL.made.append(self)

        def extract_info(self, url: str, download: bool) -> dict:
            video_id = url.rpartition("=")[2]
            self.asked.append(video_id)
            found = videos.get(video_id, "Video unavailable")
            if isinstance(found, str):
                raise DownloadError(f"\x1b[0;31mERROR:\x1b[0m [youtube] {video_id}: {found}")
            assert download, "without ffmpeg nothing can be cut from an address"
            path = Path(self.params["outtmpl"]["default"] % {"ext": found.suffix[1:]})
            shutil.copyfile(found, path)
            return {"id": video_id, "requested_downloads": [{"filepath": str(path)}]}

    module = types.ModuleType("yt_dlp")
    module.YoutubeDL = YoutubeDL
    module.utils = types.SimpleNamespace(DownloadError=DownloadError)
    return module
