"""Good inputs of every kind, as small as they can be: what the generators change."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLIPS = ("clip_0", "clip_1", "clip_2")
CLASSES = ("Alarm_bell_ringing", "Dog", "Speech")
FRAMES = 50


@dataclass(frozen=True)
class Material:
    """A folder with the good files; a case takes copies."""

    folder: Path

    def take(self, target: Path, *names: str) -> None:
        """Copy files and folders to a case's folder."""
        for name in names:
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if (self.folder / name).is_dir():
                shutil.copytree(self.folder / name, place, symlinks=True)
            else:
                shutil.copyfile(self.folder / name, place)

    def text(self, name: str) -> str:
        """Return the text of a file."""
        return (self.folder / name).read_text(encoding="utf-8")

    def data(self, name: str) -> bytes:
        """Return the content of a file."""
        return (self.folder / name).read_bytes()


def make_material(folder: Path) -> Material:
    """Write all of it."""
    folder.mkdir(parents=True)
    _scores(folder)
    _tables(folder)
    _checkpoints(folder)
    _sound(folder)
    _corpus(folder)
    _run(folder)
    _preset(folder)
    return Material(folder)


def logits(seed: int = 0) -> np.ndarray:
    """Return scores (clips, frames, classes) float32."""
    return np.random.default_rng(seed).normal(0, 2, (len(CLIPS), FRAMES, len(CLASSES))).astype(np.float32)


def frame_boundaries() -> np.ndarray:
    """Return the boundaries (frames + 1,) of the frames in seconds."""
    from sedlab.data.targets import frame_times

    return frame_times()[: FRAMES + 1]


def _scores(folder: Path) -> None:
    import pandas as pd
    from scipy.special import expit

    from sedlab.scoring.scores.file import ScoreFile, write_score_file

    times = frame_boundaries()
    for seed, name in enumerate(("scores.hdf5", "other.hdf5")):
        write_score_file(folder / name, ScoreFile(list(CLIPS), logits(seed), CLASSES, times))
    (folder / "scores").mkdir()
    for clip, values in zip(CLIPS, expit(logits().astype(float)), strict=True):
        table = pd.DataFrame(values, columns=list(CLASSES))
        table.insert(0, "offset", times[1:])
        table.insert(0, "onset", times[:-1])
        table.to_csv(folder / "scores" / f"{clip}.tsv", sep="\t", index=False)
    settings = {"step": 0.5, "absolute": 0.1, "relative": None}
    boxes = {
        "format": "sedlab-csebbs-1",
        "classes": dict.fromkeys(CLASSES, settings),
        "provenance": {"x": [1, 2]},
    }
    (folder / "csebbs.json").write_text(json.dumps(boxes))
    median = {"format": "sedlab-median-1", "classes": dict.fromkeys(CLASSES, 0.5), "provenance": {}}
    (folder / "median.json").write_text(json.dumps(median))


def _tables(folder: Path) -> None:
    events = [(clip, 0.5 + i / 4, 1.5 + i / 4, CLASSES[i]) for i, clip in enumerate(CLIPS)]
    events += [(clip, 1.0, 2.5, label) for clip, label in zip(CLIPS, reversed(CLASSES), strict=True)]
    lines = ["filename\tonset\toffset\tevent_label", *("\t".join(map(str, (f"{e[0]}.wav", *e[1:]))) for e in events)]
    (folder / "truth.tsv").write_text("\n".join(lines) + "\n")
    rows = ["filename\tduration", *(f"{clip}.wav\t{FRAMES * 0.064:.3f}" for clip in CLIPS)]
    (folder / "durations.tsv").write_text("\n".join(rows) + "\n")


def _checkpoints(folder: Path) -> None:
    from small_detectors import small_detector

    from sedlab.checkpoints.own import save_networks

    detector = small_detector("atst")
    save_networks(folder / "atst.pt", {"student": detector, "teacher": detector})
    thresholds = dict.fromkeys(detector.classes[:3], 0.4)
    (folder / "thresholds.json").write_text(json.dumps(thresholds))


def _sound(folder: Path) -> None:
    import soundfile

    noise = np.random.default_rng(3).normal(0, 0.1, 16_000).astype(np.float32)
    soundfile.write(folder / "sound.wav", noise, 16_000, subtype="PCM_16")


def _corpus(folder: Path) -> None:
    from sedlab.data.corpora.layout import SUBSETS

    subset = SUBSETS["devtest"]
    root = folder / "corpus"
    for table, source in ((subset.table, "truth.tsv"), (subset.durations, "durations.tsv")):
        (root / table).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / source, root / table)
    (root / subset.audio).mkdir(parents=True)
    for clip in CLIPS:
        shutil.copyfile(folder / "sound.wav", root / subset.audio / f"{clip}.wav")


def _run(folder: Path) -> None:
    from small_run import complete_run

    complete_run(folder)


def _preset(folder: Path) -> None:
    from importlib.resources import files

    text = (files("sedlab") / "presets" / "nano.yaml").read_text(encoding="utf-8")
    (folder / "preset.yaml").write_text(text, encoding="utf-8")
