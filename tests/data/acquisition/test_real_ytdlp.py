"""The real yt-dlp and ffmpeg, where both are installed, on sounds that a server on this machine holds.

sedlab does not need either of them: pip install "yt-dlp[default]" imageio-ffmpeg, to run this.
"""

import subprocess

import numpy as np
import pytest
import soundfile
from http_files import serve
from scipy.signal import fftconvolve, resample_poly

from sedlab.data.acquisition.cutting import find_ffmpeg
from sedlab.data.acquisition.reasons import ClipFailure
from sedlab.data.acquisition.ytdlp import YtDlp
from sedlab.data.corpora.video_names import VideoSpan
from sedlab.errors import SedlabError

pytest.importorskip("yt_dlp", reason="yt-dlp is not installed (optional: sedlab[youtube])")
RATE = 44_100
SECONDS = 20


@pytest.fixture(scope="module")
def ffmpeg():
    try:
        return find_ffmpeg()
    except SedlabError:
        pytest.skip("no ffmpeg here (optional: pip install imageio-ffmpeg)")


@pytest.fixture(scope="module")
def noise():
    random = np.random.default_rng(0)
    return 0.3 * random.standard_normal(SECONDS * RATE) * np.repeat(random.random(SECONDS * 100), RATE // 100)


@pytest.fixture(params=[("m4a", "aac", "audio/mp4"), ("webm", "libopus", "audio/webm")], ids=["m4a", "webm"])
def server(request, ffmpeg, noise, tmp_path):
    """A server that has the noise in one of the formats of YouTube, under any name."""
    suffix, codec, kind = request.param
    soundfile.write(tmp_path / "noise.wav", noise, RATE)
    sound = tmp_path / f"noise.{suffix}"
    arguments = ["-v", "error", "-i", tmp_path / "noise.wav", "-c:a", codec, "-b:a", "128k", "-movflags", "faststart"]
    subprocess.run([ffmpeg, *arguments, sound], check=True)
    with serve(sound.read_bytes()) as files:
        files.faults.content_type, files.faults.ranges = kind, "unconditional"
        files.address = f"{files.url}/{{video_id}}.{suffix}"
        yield files


def lag_milliseconds(path, noise, start):
    """Return by how much the sound in ``path`` is late, and how long it is in seconds."""
    sound, rate = soundfile.read(path)
    expected = noise[round(start * RATE) : round(start * RATE) + round(len(sound) * RATE / rate)]
    expected = expected if rate == RATE else resample_poly(expected, rate, RATE)
    length = min(len(sound), len(expected))
    match = fftconvolve(sound[:length], expected[:length][::-1])
    assert match.max() > 0.5 * np.sum(expected[:length] ** 2)
    return (np.argmax(match) - (length - 1)) / rate * 1000, len(sound) / rate


@pytest.mark.parametrize("limit_rate", [None, 50_000_000], ids=["span", "whole"])
def test_clips_begin_where_their_names_say(server, ffmpeg, noise, tmp_path, limit_rate):
    source = YtDlp(ffmpeg, limit_rate=limit_rate, address=server.address)
    for start in (0, 2.5, 8.345, 16):
        clip = source.fetch(VideoSpan("abcdefghijk", start, start + 10), tmp_path)
        lag, seconds = lag_milliseconds(clip, noise, start)
        assert abs(lag) <= 1.1 and abs(seconds - min(10, SECONDS - start)) < 0.03


def test_a_connection_that_breaks_costs_nothing_of_the_clip(server, ffmpeg, noise, tmp_path):
    server.faults.cut, server.faults.truncations = 40_000, 3
    clip = YtDlp(ffmpeg, address=server.address).fetch(VideoSpan("abcdefghijk", 5, 15), tmp_path)
    lag, seconds = lag_milliseconds(clip, noise, 5)
    assert abs(lag) <= 1.1 and abs(seconds - 10) < 0.001 and server.faults.truncations == 0


def test_failures_have_reasons(server, ffmpeg, tmp_path):
    source = YtDlp(ffmpeg, address=server.address, retries=0)
    with pytest.raises(ClipFailure) as failure:
        source.fetch(VideoSpan("abcdefghijk", 30, 40), tmp_path)
    assert failure.value.reason == "too_short"
    for status, reason in ((429, "throttled"), (503, "network")):
        server.faults.always = status
        with pytest.raises(ClipFailure, match=f"HTTP Error {status}") as failure:
            source.fetch(VideoSpan("abcdefghijk", 0, 10), tmp_path)
        assert failure.value.reason == reason
