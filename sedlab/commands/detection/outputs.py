"""What `sedlab detect` writes: tables, label tracks, JSON, scores, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedlab.commands.detection.rule import DetectionRule
from sedlab.data.formats.names import readable_name
from sedlab.data.formats.recordings import InputRecording
from sedlab.files import atomic_path, write_json, write_text

if TYPE_CHECKING:
    import pandas as pd

    from sedlab.inference.recording import RecordingScores

EVENTS_FILE = "events.tsv"
JSON_FILE = "detections.json"
SCORES_FOLDER = "scores"
_PACKAGES = ("torch", "numpy", "scipy", "soundfile")


@dataclass(frozen=True, eq=False)
class Result:
    """What came of one recording."""

    recording: InputRecording
    duration: float | None = None
    """Seconds; None when it failed."""
    events: pd.DataFrame | None = None
    """onset, offset (seconds), label, confidence; None when it failed."""
    error: str = ""
    """Why it failed."""


def event_table(result: Result) -> pd.DataFrame:
    """Return the events with DESED's columns and their confidence, as text: times to the millisecond."""
    import pandas as pd

    events = result.events
    return pd.DataFrame(
        {
            "filename": result.recording.filename,
            "onset": events["onset"].map("{:.3f}".format),
            "offset": events["offset"].map("{:.3f}".format),
            "event_label": events["label"],
            "confidence": events["confidence"].map("{:.4f}".format),
        }
    )


def write_events(folder: Path, results: Sequence[Result]) -> None:
    """Write the events of all recordings as one table with exactly the columns of DESED.

    Without confidence: with that column, a table is read as soft labels, in which every second counts.
    """
    import pandas as pd

    from sedlab.data.tsv import write_tsv

    columns = ["filename", "onset", "offset", "event_label"]
    tables = [event_table(result)[columns] for result in results if not result.error]
    write_tsv(folder / EVENTS_FILE, pd.concat(tables) if tables else pd.DataFrame(columns=columns))


def write_audacity(folder: Path, result: Result) -> None:
    """Write the events of a recording as a label track of Audacity."""
    rows = result.events[["onset", "offset", "label"]].itertuples(index=False)
    text = "".join(f"{onset:.6f}\t{offset:.6f}\t{label}\n" for onset, offset, label in rows)
    write_text(folder / f"{result.recording.stem}.txt", text)


def write_scores(folder: Path, recording: InputRecording, table: pd.DataFrame) -> None:
    """Write a score table in the form of sed_scores_eval; 9 digits give every float32 back."""
    with atomic_path(folder / SCORES_FOLDER / f"{recording.stem}.tsv") as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.9g", lineterminator="\n")


def write_plot(folder: Path, result: Result, scores: RecordingScores, *, note: str) -> None:
    """Draw the spectrogram of a recording with its events and, in ``note``, how they were found.

    The recording is decoded again, block by block.
    """
    from sedlab.data.audio_stream import open_audio
    from sedlab.views.figures.clips.detections import detections_figure
    from sedlab.views.figures.clips.overview import log_mel_overview
    from sedlab.views.figures.embed import figure_to_png

    recording = result.recording
    figure = detections_figure(
        log_mel_overview(open_audio(recording.path).blocks(), scores.duration),
        result.events,
        probabilities=scores.probabilities,
        frame_times=scores.frame_times,
        classes=scores.classes,
        title=recording.filename,
        note=note,
    )
    with atomic_path(folder / f"{recording.stem}.png") as temporary:
        temporary.write_bytes(figure_to_png(figure))


def write_document(
    folder: Path, results: Sequence[Result], *, checkpoint: Path, network: str, rule: DetectionRule
) -> None:
    """Write everything as one JSON document: how events were found, and those of every recording."""
    from sedlab import __version__
    from sedlab.runs.versions import package_version

    document = {
        "sedlab": __version__,
        "versions": {name: package_version(name) for name in _PACKAGES},
        "checkpoint": str(checkpoint),
        "network": network,
        "postprocess": rule.postprocess or "median",
        "thresholds": {label: rule.thresholds[label] for label in rule.classes},
        "recordings": [_recording(result) for result in results],
    }
    write_json(folder / JSON_FILE, document)


def _recording(result: Result) -> dict[str, Any]:
    entry: dict[str, Any] = {"filename": result.recording.filename, "path": readable_name(result.recording.path)}
    if result.error:
        return {**entry, "error": result.error}
    return {**entry, "duration": round(result.duration, 6), "events": result.events.round(6).to_dict("records")}
