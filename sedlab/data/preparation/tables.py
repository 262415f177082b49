"""Tables that preparing writes, and those of others that it puts in their place.

What it wrote itself is remembered by content (``prepared/tables.tsv``): such a table follows its audio. A table that
somebody else made, a published one say, or that was corrected by hand, stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from sedlab.data.corpora.desed import write_durations
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.reading import stem
from sedlab.data.formats.names import readable_name
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.data.formats.text import is_table
from sedlab.data.preparation.ledger import sources_in
from sedlab.data.preparation.outcome import FOLDER
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError
from sedlab.files import file_sha256, link_or_copy

_OWN = f"{FOLDER}/tables.tsv"
_COLUMNS = ("table", "sha256")
#: Scored sets of DESED whose durations PSDS counts with.
SCORED = ("synth_val", "external_strong_eval", "devtest", "eval_public")
#: Where the impulse responses of devices belong.
DEVICES = "device_responses"
# Folders in which the resources of the published system may lie, by the end of the names that are put into place.
_RESOURCES = {
    "metadata/exclude": ("unlabeled_exclude.tsv", "weak_exclude.tsv", "audioset_strong_exclude.tsv"),
    "metadata/external_strong": (
        "external_audioset_strong_train.tsv",
        "external_audioset_strong_eval.tsv",
        "external_audioset_strong_dur.tsv",
    ),
}


def write_generated(root: Path, path: Path, write: Callable[[Path], object]) -> bool:
    """Let ``write`` make the table at ``path``, unless somebody else's is there; return whether it is ours now.

    A table that would be the same keeps its time of change.
    """
    if not may_write(root, path):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    try:
        write(draft)
        digest = _digest(draft)
        if digest != _digest(path):
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    own = _own(root)
    if own.get(_key(root, path)) != digest:
        rows = sorted((own | {_key(root, path): digest}).items())
        (root / FOLDER).mkdir(exist_ok=True)
        write_tsv(root / _OWN, pd.DataFrame(rows, columns=list(_COLUMNS)))
    return True


def may_write(root: Path, path: Path) -> bool:
    """Return whether no table is at ``path``, or one that `write_generated` wrote and nobody changed since."""
    digest = _digest(path)
    return digest is None or _own(root).get(_key(root, path)) == digest


def write_scored_durations(root: Path) -> list[str]:
    """Write the durations tables of DESED's scored sets whose clips they do not name yet; return which.

    One decimal, as the baseline writes them: the rounding is part of PSDS.
    """
    written = []
    for name in SCORED:
        subset = SUBSETS[name]
        folder = subset.audio_folder(root)
        if folder is None or not is_table(root / subset.table):
            continue
        path = root / subset.durations
        clips = {readable_name(clip) for clip in sources_in(folder)}
        if not clips or not may_write(root, path) or (path.is_file() and _named(path) == clips):
            continue
        if write_generated(root, path, lambda draft, name=name: write_durations(root, name, draft)):
            written.append(name)
    return written


def place_resources(root: Path, folders: Sequence[Path]) -> list[str]:
    """Put exclusion lists, external strong tables and device responses that lie in ``folders`` into their places.

    The folders are those of the published system's downloads, flat or with its sub-folders (``exclude``,
    ``external_strong_split``, ``dirs``). What is in place already stays. Returns what was placed, relative to the root.
    """
    placed = []
    for folder in filter(Path.is_dir, folders):
        for target, names in _RESOURCES.items():
            for name in names:
                found = next((p for p in (folder / name, *sorted(folder.glob(f"*/{name}"))) if p.is_file()), None)
                path = root / target / name
                if found is not None and not path.exists():
                    link_or_copy(found, path)
                    placed.append(f"{target}/{name}")
        responses = folder / "dirs"
        if responses.is_dir() and not (root / DEVICES).exists():
            for found in sorted(responses.rglob("*")):
                if is_audio_name(found.name) and found.is_file():
                    link_or_copy(found, root / DEVICES / found.relative_to(responses))
            if (root / DEVICES).exists():
                placed.append(DEVICES)
    return placed


def _named(path: Path) -> set[str]:
    try:
        return set(stem(read_tsv(path, ("filename",), any_bytes=True)["filename"]))
    except SedlabError:
        return set()


def _own(root: Path) -> dict[str, str]:
    try:
        table = read_tsv(root / _OWN, _COLUMNS)
    except SedlabError:
        return {}
    return dict(zip(table["table"], table["sha256"], strict=True))


def _key(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _digest(path: Path) -> str | None:
    return file_sha256(path) if path.is_file() else None
