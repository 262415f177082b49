"""What detectors hear in recordings, part by part: a list of the parts, and the scene of each."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sedlab.data.formats.names import readable_name
from sedlab.data.formats.opening import open_sound
from sedlab.data.formats.recordings import InputRecording
from sedlab.errors import SedlabError, SedlabWarning
from sedlab.grid import SAMPLE_RATE
from sedlab.scoring.clips.confidence import mean_entropy, peak_scores
from sedlab.scoring.clips.disagreement import disagreement
from sedlab.views.explorers.clip_list import LaterColumns
from sedlab.views.player.scene import Scene, System

if TYPE_CHECKING:
    from sedlab.inference.passages import DecodedRecording, Passages
    from sedlab.inference.predictor import Predictor

#: A longer recording has a row for every part of this length.
PART_SECONDS = 60
#: Above it a class counts as detected.
THRESHOLD = 0.5
#: Recordings that are kept decoded, each in a temporary file.
_DECODED = 4
#: What each column says.
HELP = {
    "detected": f"classes with a median filtered score above {THRESHOLD} of the first detector",
    "confidence": "largest score, of the first detector",
    "entropy": "how undecided the first detector is: mean binary entropy of its frames, bits",
    "disagreement": "standard deviation of the detectors' scores, mean over frames",
    "heard": "whether a detector has listened to it",
    "problem": "why it cannot be read",
}


class HeardRecordings:
    """Recordings, and what detectors say of those parts that they have listened to.

    ``tell`` is told how far listening is (HTML); ``put`` takes columns of the list as soon as they are known.
    """

    def __init__(self, recordings: Sequence[InputRecording], detectors: dict[str, Predictor]) -> None:
        self.detectors = detectors
        self.classes = next(iter(detectors.values())).classes
        self.tell: Callable[[str], None] = lambda _text: None
        self.put: Callable[[LaterColumns], None] = lambda _part: None
        self._decoded: OrderedDict[Path, DecodedRecording] = OrderedDict()
        self._passages: dict[Path, dict[str, Passages]] = {}
        rows = [row for recording in recordings for row in _rows_of(recording)]
        self._paths = [row.pop("path") for row in rows]
        self.clips = pd.DataFrame(rows)
        self._values = {name: self._unknown() for name in self._measures()}
        self._detected: list[tuple[str, ...]] = [()] * len(rows)
        self._heard = np.zeros(len(rows), dtype=bool)
        for name in self._measures():
            self.clips[name] = np.nan

    @property
    def total_seconds(self) -> float:
        """Of what can be read."""
        return float(self.clips["seconds"].sum())

    @property
    def num_parts(self) -> int:
        """How many bits of listening there are at most."""
        return len(self.clips) + int(np.ceil(self.total_seconds / 8 + 2 * len(self.clips))) * len(self.detectors)

    def scene(self, key: str) -> Scene:
        """Return a row's passage with what the detectors say; they listen to it now unless they have."""
        row = self._row(key)
        try:
            return self._scene(key, row)
        except SedlabError as error:
            if not self.clips["problem"][row]:
                self.put(self._failed(row, error))
            raise

    def _scene(self, key: str, row: int) -> Scene:
        start, stop = self._span(row)
        decoded = self._open(self._paths[row])
        for done, total in self._listen(row):
            self.tell(f"<p role='status'>listening: {done} of {total} windows of 10 s</p>")
        self.tell("")
        self._enter(row)
        passages = self._passages[self._paths[row]]
        waveform = decoded.read(round(start * SAMPLE_RATE), round(stop * SAMPLE_RATE))
        systems = []
        for name, heard in passages.items():
            scores, filtered, times = heard.scores(start, stop)
            systems.append(System(name, scores.astype(float), times, median=filtered.astype(float)))
        return Scene(key, waveform, SAMPLE_RATE, tuple(self.classes), tuple(systems), None, title=key)

    def parts(self) -> Iterator[LaterColumns]:
        """Listen to everything, a window at a time, in the order of the list; yields columns where a row is done."""
        for row in range(len(self.clips)):
            if self.clips["problem"][row]:
                continue
            try:
                for _ in self._listen(row):
                    yield LaterColumns({}, what="listening")
            except SedlabError as error:
                yield self._failed(row, error)
                continue
            if not self._heard[row]:
                self._measure(row)
                yield self._columns("listening")

    def _listen(self, row: int) -> Iterator[tuple[int, int]]:
        """Hear what is missing of a row; yields how many windows of how many are done."""
        path, (start, stop) = self._paths[row], self._span(row)
        decoded = self._open(path)
        missing = [(heard, window) for heard in self._passages[path].values() for window in heard.missing(start, stop)]
        for done, (heard, window) in enumerate(missing):
            yield done, len(missing)
            heard.hear(window, decoded)

    def _open(self, path: Path) -> DecodedRecording:
        from sedlab.inference.passages import DecodedRecording, Passages

        if path not in self._decoded:
            with warnings.catch_warnings():
                # What is odd about a file is said by its row; in a callback a warning would reach nobody.
                warnings.simplefilter("ignore", SedlabWarning)
                self._decoded[path] = DecodedRecording(path)
            while len(self._decoded) > _DECODED:
                self._decoded.popitem(last=False)
        self._decoded.move_to_end(path)
        audio = self._decoded[path].audio
        if path not in self._passages:
            self._passages[path] = {name: Passages(one, audio) for name, one in self.detectors.items()}
        return self._decoded[path]

    def _enter(self, row: int) -> None:
        """Put the numbers of a row that was just heard into the list."""
        if not self._heard[row]:
            self._measure(row)
            self.put(self._columns(""))

    def _measure(self, row: int) -> None:
        start, stop = self._span(row)
        said = [heard.scores(start, stop) for heard in self._passages[self._paths[row]].values()]
        scores = [raw[None] for raw, _, _ in said]
        audible = np.ones(scores[0].shape[:2], dtype=bool)
        self._values["confidence"][row] = peak_scores(scores[0], audible)
        self._values["entropy"][row] = mean_entropy(scores[0], audible)
        if "disagreement" in self._values:
            self._values["disagreement"][row] = disagreement(scores, audible)
        above = (said[0][1] > THRESHOLD).any(axis=0)
        self._detected[row] = tuple(label for label, is_above in zip(self.classes, above, strict=True) if is_above)
        self._heard[row] = True

    def _columns(self, what: str) -> LaterColumns:
        whole = {name: np.where(self._heard, table.max(axis=1), np.nan) for name, table in self._values.items()}
        heard = ["yes" if heard else "not yet" for heard in self._heard]
        return LaterColumns({**whole, "detected": self._detected, "heard": heard}, self._values, what)

    def _failed(self, row: int, error: SedlabError) -> LaterColumns:
        problems = self.clips["problem"].copy()
        problems[row] = readable_name(str(error))
        self.clips["problem"] = problems
        return LaterColumns({"problem": list(problems)}, what="listening")

    def _measures(self) -> list[str]:
        return ["confidence", "entropy", *(["disagreement"] if len(self.detectors) > 1 else [])]

    def _unknown(self) -> np.ndarray:
        return np.full((len(self.clips), len(self.classes)), np.nan, dtype=np.float32)

    def _row(self, key: str) -> int:
        return int(np.flatnonzero(self.clips["key"] == key)[0])

    def _span(self, row: int) -> tuple[float, float]:
        if self.clips["problem"][row]:
            raise SedlabError(self.clips["problem"][row])
        start = float(self.clips["from"][row])
        return start, start + float(self.clips["seconds"][row])


def _rows_of(recording: InputRecording) -> Iterator[dict[str, Any]]:
    """Yield the rows of a recording: one, or one for every minute; with its reason where it cannot be read."""
    row = {"recording": recording.filename, "path": recording.path, "detected": (), "heard": "not yet", "problem": ""}
    try:
        seconds = _seconds(recording.path)
    except SedlabError as error:
        problem = readable_name(str(error))
        yield {"key": recording.filename, **row, "from": 0.0, "seconds": np.nan, "problem": problem}
        return
    for start in range(0, max(1, int(np.ceil(seconds))), PART_SECONDS):
        key = recording.filename if seconds <= PART_SECONDS else f"{recording.filename} {_clock(start)}"
        yield {"key": key, **row, "from": float(start), "seconds": round(min(PART_SECONDS, seconds - start), 3)}


def _seconds(path: Path) -> float:
    """Return how long a recording is, by its header where that says it."""
    from sedlab.data.audio_stream import open_audio

    with open_sound(path, quiet=True) as sound:
        frames, rate = sound.num_frames, sound.sample_rate
    if frames:
        return frames / rate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SedlabWarning)
        return open_audio(path).duration


def _clock(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}"
