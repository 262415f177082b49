"""A root with own recordings of five classes, a tone or a noise each: tables and clips of 10 s, in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.own import write_own_classes
from sedlab.data.tsv import write_tsv
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE

#: The second has its name from DESED, and the last from nobody.
OWN = ("whistle", "Speech", "low hum", "hiss", "beep/alarm")
_HZ = {"whistle": 3000, "Speech": 700, "low hum": 120, "beep/alarm": 1500}
#: Clips by subset.
SIZES = {"own_train": 8, "own_weak": 3, "own_unlabeled": 2, "own_val": 4, "own_test": 4}


def write_own_corpus(root: Path, sizes: dict[str, int] | None = None) -> Path:
    """Write clips of two events each, of different classes; the last clip of each set with events has none."""
    write_own_classes(root, OWN)
    for subset, count in (sizes or SIZES).items():
        random, rows = np.random.default_rng(len(subset)), []
        for index in range(count):
            waveform, name = random.normal(0, 0.003, CLIP_SAMPLES), f"{subset}{index}.wav"
            silent = index == count - 1 and subset in ("own_val", "own_test")
            for part in () if silent else range(2):
                label = OWN[(2 * index + part) % len(OWN)]
                onset, length = 1.0 + 4.5 * part + random.uniform(0, 0.5), random.uniform(1.0, 3.0)
                first, last = round(onset * SAMPLE_RATE), round((onset + length) * SAMPLE_RATE)
                waveform[first:last] += sound(label, last - first, random)
                rows.append((name, round(onset, 3), round(onset + length, 3), label))
            if silent:
                rows.append((name, None, None, ""))
            path = root / SUBSETS[subset].audio / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, waveform.astype(np.float32), SAMPLE_RATE, subtype="PCM_16")
        _write_table(root, subset, pd.DataFrame(rows, columns=["filename", "onset", "offset", "event_label"]))
    return root


def sound(label: str, samples: int, random: np.random.Generator) -> np.ndarray:
    """Return so many samples of a class."""
    if label not in _HZ:
        return random.normal(0, 0.1, samples)
    return 0.3 * np.sin(2 * np.pi * _HZ[label] / SAMPLE_RATE * np.arange(samples))


def _write_table(root: Path, subset: str, table: pd.DataFrame) -> None:
    kind = SUBSETS[subset].label_kind
    if kind == "weak":
        table = table.groupby("filename")["event_label"].agg(",".join).reset_index(name="event_labels")
    if kind != "none":
        write_tsv(root / SUBSETS[subset].table, table)
