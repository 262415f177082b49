"""All kinds of input, and the way from a seed and a number to a case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing.arguments import argument_case
from fuzzing.audio import audio_case
from fuzzing.case import Case
from fuzzing.checkpoints import checkpoint_case
from fuzzing.downloads import download_case
from fuzzing.hdf5 import hdf5_case
from fuzzing.json_files import json_case
from fuzzing.material import Material
from fuzzing.names import name_case
from fuzzing.presets import preset_case, setting_case
from fuzzing.run_folders import run_case
from fuzzing.score_folders import score_folder_case
from fuzzing.tables import corpus_table_case, table_case

Generator = Callable[[Random, int, Path, Material], Case]

KINDS: dict[str, Generator] = {
    "tables": table_case,
    "corpora": corpus_table_case,
    "score folders": score_folder_case,
    "HDF5": hdf5_case,
    "JSON": json_case,
    "audio": audio_case,
    "names": name_case,
    "presets": preset_case,
    "settings": setting_case,
    "checkpoints": checkpoint_case,
    "downloads": download_case,
    "run folders": run_case,
    "arguments": argument_case,
}


def make_case(kind: str, index: int, seed: int, folder: Path, material: Material) -> Case:
    """Write the files of a case to a new ``folder`` and return it; the same numbers give the same case."""
    folder.mkdir(parents=True)
    # Each seed begins with other changes, so that a few inputs of several seeds try all of them.
    return KINDS[kind](Random(f"{seed}/{kind}/{index}"), index + 17 * seed, folder, material)
