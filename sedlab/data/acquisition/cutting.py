"""Cut a span out of a recording: by ffmpeg, from a file or over HTTP, or by libsndfile from a file."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sedlab.data.acquisition.reasons import ClipFailure
from sedlab.data.corpora.video_names import VideoSpan
from sedlab.errors import SedlabError

#: For one clip; a server that sends more slowly is given up.
TIMEOUT_SECONDS = 180
_STALL_MICROSECONDS = 30_000_000
#: ffmpeg jumps to this long before the clip and counts from there. A jump to its begin would be wrong by up to a packet
#: (23 ms in M4A), and near the start of a file by the encoder's delay; after a jump before it 1 ms remains, in WebM.
_LEAD_SECONDS = 3.0


def find_ffmpeg(named: str | Path | None = None) -> str:
    """Return the program that cuts: the one named, that on the path, or that of the package imageio-ffmpeg.

    Raises
    ------
    SedlabError
        When there is none.
    """
    found = shutil.which(str(named) if named else "ffmpeg")
    if named and not found:
        raise SedlabError(f"--ffmpeg {named}: no such program. Name the file ffmpeg itself.")
    if not found and importlib.util.find_spec("imageio_ffmpeg"):
        import imageio_ffmpeg

        with suppress(RuntimeError):  # it is there and cannot be run
            found = imageio_ffmpeg.get_ffmpeg_exe()
    if not found:
        raise SedlabError(
            "ffmpeg: not on the path, and YouTube's sound cannot be cut without it. "
            "Install it: pip install imageio-ffmpeg, or conda install ffmpeg."
        )
    return found


def cut_with_ffmpeg(
    source: str | Path, span: VideoSpan, target: Path, *, ffmpeg: str, headers: Mapping[str, str] | None = None
) -> None:
    """Write the span of ``source`` (a file, or an address with the ``headers`` to send) to ``target``, 16-bit WAV.

    Rate and channels stay. Decoded and not copied: to the sample from a file, to a millisecond from an address.
    Where the source ends early the clip is shorter.

    Raises
    ------
    ClipFailure
        When ffmpeg fails or the source ends before the span.
    """
    over_http: list[str] = []
    begin = 0.0
    if str(source).startswith(("http://", "https://")):
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        over_http = ["-rw_timeout", str(_STALL_MICROSECONDS), *(("-headers", lines) if lines else ())]
        # A file is decoded from its start, to the sample; of an address only what is needed is asked for.
        begin = max(0.0, span.start - _LEAD_SECONDS)
    jump = ["-ss", f"{begin:.6f}"] if begin else []
    rest = ["-ss", f"{span.start - begin:.6f}", "-t", f"{span.end - span.start:.6f}"]
    where = [*over_http, *jump, "-i", str(source), *rest]
    # Without marks of time or version: the same sound is the same file.
    how = ["-map", "0:a:0", "-map_metadata", "-1", "-fflags", "+bitexact", "-c:a", "pcm_s16le", "-f", "wav"]
    command = [ffmpeg, "-nostdin", "-y", "-v", "error", *where, *how, os.fspath(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise ClipFailure(f"ffmpeg: timed out after {TIMEOUT_SECONDS} s") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-3:] or [f"exit status {done.returncode}"]
        raise ClipFailure(f"ffmpeg: {' '.join(last)}")
    if seconds_of(target) == 0:
        raise ClipFailure("the video ends before the clip begins")


def cut_with_libsndfile(source: Path, span: VideoSpan, target: Path) -> None:
    """Do the same for a file that libsndfile reads.

    Raises
    ------
    ClipFailure
        When the file ends before the span.
    SedlabError
        When libsndfile does not read it.
    """
    import soundfile

    try:
        rate = soundfile.info(source).samplerate
    except soundfile.LibsndfileError as error:
        raise SedlabError(
            f"{source.name}: only ffmpeg reads this sound ({error}). Install it: pip install imageio-ffmpeg."
        ) from error
    first, last = round(span.start * rate), round(span.end * rate)
    waveform, _ = soundfile.read(source, start=min(first, soundfile.info(source).frames), stop=last, dtype="float32")
    if len(waveform) == 0:
        raise ClipFailure("the video ends before the clip begins")
    soundfile.write(target, waveform, rate, subtype="PCM_16", format="WAV")


def seconds_of(path: Path) -> float:
    """Return how long the sound in a WAV file is, 0 where there is none."""
    import soundfile

    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError:
        return 0.0
    return info.frames / info.samplerate
