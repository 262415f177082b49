"""Clips of videos arrive whole or not at all; why not is remembered; a call that was stopped goes on."""

import sys
import types
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import soundfile
from standin_ytdlp import standin

from sedlab.data.acquisition.missing import read_failures, write_desed_missing
from sedlab.data.acquisition.reasons import ClipFailure, reason_of
from sedlab.data.acquisition.wanted import SETS
from sedlab.data.acquisition.youtube import Pace, fetch_clips, plan_clips
from sedlab.data.acquisition.ytdlp import YtDlp
from sedlab.data.corpora.video_names import VideoSpan
from sedlab.data.tsv import write_tsv
from sedlab.errors import SedlabError

RATE = 8000
WEAK = SETS["weak"]
FAST = Pace(workers=2, sleep_seconds=0, retry_seconds=0, blocked_seconds=0)
BOT = "Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the authentication"
#: Real messages, without the extractor's name before and the hints behind.
MESSAGES = {
    BOT: "bot_check",
    "This content isn't available, try again later. The current session has been rate-limited by YouTube": "throttled",
    "Unable to download API page: HTTP Error 429: Too Many Requests (caused by <HTTPError 429>)": "throttled",
    "Private video. Sign in if you've been granted access to this video. Use --cookies-from-browser": "private",
    "Sign in to confirm your age. This video may be inappropriate for some users. Use --cookies": "age",
    "Video unavailable": "removed",
    "Video unavailable. This video has been removed by the uploader": "removed",
    "This video has been removed for violating YouTube's Terms of Service": "removed",
    "Video unavailable. This video is no longer available because the YouTube account associated with this video has "
    "been terminated.": "removed",
    "Video unavailable. This video is no longer available due to a copyright claim by X": "removed",
    "Video unavailable. This content isn’t available.": "removed",
    "Video unavailable. This video contains content from X, who has blocked it in your country on copyright "
    "grounds": "geo",
    "The uploader has not made this video available in your country": "geo",
    "Join this channel to get access to members-only content like this video": "paid",
    "Requested format is not available. Use --list-formats for a list of available formats": "no_format",
    "Unable to download webpage: The read operation timed out": "network",
    "Unable to download video data: HTTP Error 403: Forbidden": "network",
    "ffmpeg: Error opening input: Server returned 5XX Server Error reply": "network",
    "the video ends before the clip begins": "too_short",
    "KeyError('x')": "other",
}


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_have_their_reasons(message):
    assert reason_of(f"ERROR: [youtube] abcdefghijk: {message}") == MESSAGES[message]


def video(number: int) -> str:
    return f"video{number:06d}"


def name(number: int) -> str:
    return f"Y{video(number)}_1.000_3.000.wav"


@pytest.fixture
def root(tmp_path):
    names = [name(number) for number in range(8)]
    write_tsv(tmp_path / WEAK.tables[0], pd.DataFrame({"filename": names, "event_labels": "Speech"}))
    return tmp_path


class Videos:
    """Brings two seconds of sound, or fails with a message, or with anything else."""

    def __init__(self, **failures):
        self.failures, self.asked = failures, []

    def fetch(self, span, folder):
        self.asked.append(span.video_id)
        what = self.failures.get(span.video_id)
        what = what.pop(0) if isinstance(what, list) else what
        if isinstance(what, BaseException):
            raise what
        if isinstance(what, str):
            raise ClipFailure(f"ERROR: [youtube] {span.video_id}: {what}")
        path = folder / "clip.wav"
        soundfile.write(path, np.zeros(round((what or span.end - span.start) * RATE)), RATE)
        return path


def fetch(root, source, pace=FAST, **options):
    return fetch_clips(root, plan_clips(root, WEAK, **options), source, pace=pace)


def there(root):
    folder = root / WEAK.audio
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def test_clips_come_under_the_table_s_names_and_failures_with_their_reasons(root):
    source = Videos(
        video000001="Private video",
        video000002=["Unable to download webpage: timed out", None],
        video000003="Video unavailable",
        video000004=1.2,
        video000005="Sign in to confirm your age",
    )
    done = fetch(root, source)
    gone = {1: "private", 3: "removed", 5: "age"}
    assert there(root) == {name(number) for number in range(8) if number not in gone}
    assert (done.wanted, done.there, done.fetched, done.short, done.blocked) == (8, 0, 5, 1, "")
    failures = read_failures(root, "weak")
    assert {file: failure.reason for file, failure in failures.items()} == {name(n): why for n, why in gone.items()}
    assert failures[name(1)].message == f"[youtube] {video(1)}: Private video" and failures[name(1)].date
    assert list((root / "missing").iterdir()) != [] and not (root / "missing/.weak").exists()


def test_what_is_gone_for_good_is_not_asked_for_again_unless_that_is_wanted(root):
    fetch(root, Videos(video000001="Private video", video000005="Sign in to confirm your age", video000006="odd"))
    again = Videos(video000001="Private video")
    assert plan_clips(root, WEAK).gone == 2
    done = fetch(root, again)
    assert again.asked == [video(6)] and done.missing == {"private": 1, "age": 1}
    signed_in = Videos()
    fetch(root, signed_in, signed_in=True)
    assert signed_in.asked == [video(5)]
    fetch(root, again, retry=True)
    assert again.asked[1:] == [video(1)] and read_failures(root, "weak")[name(1)].tries == 2
    fetch(root, Videos(), retry=True)
    assert len(there(root)) == 8 and not (root / "missing/weak.tsv").exists()


def test_it_stops_when_youtube_asks_for_a_person_again_and_again(root):
    source = Videos(**{video(number): BOT for number in range(2, 8)})
    done = fetch(root, source, Pace(workers=1, sleep_seconds=0, blocked_seconds=0, blocked_limit=3))
    assert "not a bot" in done.blocked and source.asked == [video(number) for number in range(5)]
    assert (done.fetched, done.missing, done.untried) == (2, {"bot_check": 3}, 3)
    # The next call asks first for those it has not asked for yet, and all of them are still worth asking for.
    after = Videos()
    assert fetch(root, after, Pace(workers=1, sleep_seconds=0)).fetched == 6
    assert after.asked == [video(number) for number in (5, 6, 7, 2, 3, 4)]


def test_a_call_that_was_interrupted_goes_on(root):
    source = Videos(video000000="Video unavailable", video000003=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        fetch(root, source, Pace(workers=1, sleep_seconds=0))
    assert there(root) == {name(1), name(2)} and set(read_failures(root, "weak")) == {name(0)}
    # A process that was killed leaves what was on its way.
    (root / "missing/.weak/0").mkdir(parents=True)
    (root / "missing/.weak/0/clip.wav").write_bytes(b"half")
    after = Videos()
    assert fetch(root, after).fetched == 5 and video(0) not in after.asked
    assert not (root / "missing/.weak").exists()


def test_a_limit_fetches_so_many_and_others_later(root):
    assert fetch(root, Videos(), limit=3).untried == 5
    assert fetch(root, Videos()).fetched == 5


@pytest.fixture
def recording(tmp_path):
    """Three and a half seconds in which no sample is like another, in stereo."""
    samples = np.linspace(-0.9, 0.9, 2 * 28_000).reshape(-1, 2)
    soundfile.write(tmp_path / "recording.flac", samples, RATE, subtype="PCM_16")
    return soundfile.read(tmp_path / "recording.flac")[0]


def test_the_span_is_cut_to_the_sample(tmp_path, recording, monkeypatch):
    videos = {"abcdefghijk": tmp_path / "recording.flac"}
    monkeypatch.setitem(sys.modules, "yt_dlp", standin(videos))
    source, folder = YtDlp(ffmpeg=None, limit_rate=5000), tmp_path / "100 %s"
    folder.mkdir()
    for start, end in ((0, 1), (1.2345, 2.5), (3, 13)):
        sound, rate = soundfile.read(source.fetch(VideoSpan("abcdefghijk", start, end), folder))
        assert rate == RATE and np.array_equal(sound, recording[round(start * RATE) : round(end * RATE)])
    with pytest.raises(ClipFailure, match="ends before") as failure:
        source.fetch(VideoSpan("abcdefghijk", 4, 14), folder)
    assert failure.value.reason == "too_short"
    with pytest.raises(ClipFailure) as failure:
        source.fetch(VideoSpan("zbcdefghijk", 4, 14), folder)
    assert failure.value.message == "[youtube] zbcdefghijk: Video unavailable"
    (made,) = sys.modules["yt_dlp"].YoutubeDL.made
    assert made.params["ratelimit"] == 5000 and made.params["format"] == "bestaudio/best"


def test_cookies_are_read_and_never_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yt_dlp", standin({}))
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n")
    cookies.chmod(0o400)
    YtDlp(None, cookies=cookies).check()
    params = sys.modules["yt_dlp"].YoutubeDL.made[-1].params
    params["cookiefile"].truncate(0)
    assert cookies.read_text() == "# Netscape HTTP Cookie File\n"
    other = tmp_path / "other.txt"
    other.write_text("{}")
    with pytest.raises(SedlabError, match=r"--cookies .*other\.txt: yt-dlp cannot read them \(does not look like"):
        YtDlp(None, cookies=other).check()
    assert YtDlp(None, cookies_from_browser="Firefox:work")._options()["cookiesfrombrowser"][:2] == ("firefox", "work")


def test_without_yt_dlp_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    with pytest.raises(SedlabError, match=r'pip install -U "yt-dlp\[default,deno\]"'):
        YtDlp(None).check()


def test_an_old_yt_dlp_is_warned_of(monkeypatch):
    module = standin({})
    monkeypatch.setitem(sys.modules, "yt_dlp", module)
    module.version = types.SimpleNamespace(__version__="2024.01.02")
    assert "pip install -U yt-dlp" in YtDlp(None).check()[0]
    module.version.__version__ = f"{datetime.now():%Y.%m.%d}"
    assert YtDlp(None).check() == []


def test_the_request_to_the_organisers_counts_what_it_lists(root):
    fetch(root, Videos(**{video(number): "Video unavailable" for number in range(1, 4)}), limit=6)
    table, list_path, request_path = write_desed_missing(root)
    assert table["filename"].tolist() == [name(number) for number in (1, 2, 3, 6, 7)] and set(table["set"]) == {"weak"}
    assert table["error"].iloc[[0, -1]].tolist() == [f"removed: [youtube] {video(1)}: Video unavailable", "not tried"]
    assert pd.read_csv(list_path, sep="\t").equals(table)
    request = request_path.read_text()
    assert "weak                    5 of      8\n" in request and "desed_missing.tsv" in request and "@" not in request
    with pytest.raises(SedlabError, match="sedlab data desed download"):
        write_desed_missing(root / "elsewhere")
