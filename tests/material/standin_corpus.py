"""A data root in the layout of the real corpora, with a few clips a group and procedural sounds in them.

The sounds and file names are those of the mini generator. What it has no need of is added here: external strong clips,
exclusion lists and an overlap that one of them names.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sedlab.config.data import MiniConfig
from sedlab.data.corpora.desed import write_durations
from sedlab.data.corpora.exclusion import write_exclusion_lists
from sedlab.data.corpora.layout import MINI_MARKER, SUBSETS
from sedlab.data.mini.writer import generate
from sedlab.data.tsv import read_tsv, write_tsv

#: One file of each kind.
ONE_OF_EACH = {name: 1 for name in MiniConfig.model_fields if name.startswith("num_")}
#: Clips of each subset, enough for a batch of every stage; MAESTRO recordings give two windows each.
SIZES = {
    "num_synth_train": 3,
    "num_strong_train": 3,
    "num_weak": 5,
    "num_unlabeled": 3,
    "num_synth_val": 3,
    "num_devtest": 2,
    "num_public": 2,
    "num_maestro_train": 5,
    "num_maestro_dev": 2,
    "maestro_seconds": 11,
    "maestro_hop_train": 1,
    "maestro_hop_dev": 1,
    "num_audioset_train": 5,
    "num_audioset_eval": 2,
}
#: Clips that training has of it: weak clips after the split, MAESTRO windows of four of the five recordings.
TRAINING_CLIPS = {
    "maestro_train": 8,
    "strong_train": 3,
    "external_strong_train": 2,
    "synth_train": 3,
    "weak_train": 4,
    "unlabeled_train": 2,
}


def build_standin(root: Path) -> Path:
    """Write the data root and return it."""
    generate(root, MiniConfig(seed=7, **SIZES), workers=1)
    # From here on it is a corpus like any other, not one that sedlab may replace.
    (root / MINI_MARKER).unlink()
    _add_external(root)
    _overlap(root)
    write_exclusion_lists(root)
    return root


def _add_external(root: Path) -> None:
    """Use the synthetic validation clips, under AudioSet names, as external strong clips: two to train on, one not."""
    source = SUBSETS["synth_val"]
    events = read_tsv(root / source.table, ("filename", "onset", "offset", "event_label"))
    names = sorted(path.name for path in (root / source.audio).iterdir())
    renamed = {name: f"Yext{number:08d}_30.000_40.000.wav" for number, name in enumerate(names)}
    folder = root / SUBSETS["external_strong_train"].audio
    folder.mkdir(parents=True)
    for name in names:
        shutil.copyfile(root / source.audio / name, folder / renamed[name])
    for part, held in (("external_strong_train", names[:2]), ("external_strong_eval", names[2:])):
        rows = events[events["filename"].isin(held)]
        write_tsv(root / SUBSETS[part].table, rows.assign(filename=rows["filename"].map(renamed)))
    write_durations(root, "external_strong_eval")


def _overlap(root: Path) -> None:
    """Give an unlabelled clip the name of a strong one, as 1325 of the real ones have: its exclusion list names it."""
    strong, unlabeled = (root / SUBSETS[name].audio for name in ("strong_train", "unlabeled_train"))
    replaced = min(unlabeled.iterdir())
    replaced.rename(unlabeled / min(strong.iterdir()).name)
