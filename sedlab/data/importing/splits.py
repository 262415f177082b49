"""Which recordings train, validate and test: whole recordings, so that no part of one is on two sides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.importing.annotation import file_rows
from sedlab.data.importing.matching import plain_name
from sedlab.data.importing.record import ImportOptions
from sedlab.data.importing.tables import columns_of
from sedlab.errors import SedlabError, short

SPLITS = ("train", "val", "test")
DEFAULT = "70/15/15"
_NAMES = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "development": "val", "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
}  # fmt: skip
_RATIOS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[/:]\s*(\d+(?:\.\d+)?)\s*[/:]\s*(\d+(?:\.\d+)?)\s*")


def split_recordings(
    rows: pd.DataFrame, options: ImportOptions, known: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    """Return {recording: train, val or test} of all recordings of ``rows``, and in words how they were split.

    Parameters
    ----------
    rows : DataFrame
        `annotation.ROW_COLUMNS` of recordings with strong labels, of the classes that were chosen.
    known : mapping
        Splits of recordings that an earlier import of the same ratios gave: they stay where they are.

    Raises
    ------
    SedlabError
        For a split that does not say where a recording goes.
    """
    recordings = sorted(rows["recording"].unique())
    if options.split_column is not None:
        return _by_column(rows, options.split_column), f"by column {options.split_column!r}"
    ratios = _RATIOS.fullmatch(options.split or "")
    if options.split not in (None, "folders") and ratios is None:
        return _by_list(recordings, Path(options.split)), f"by {options.split}"
    folders = {name: _split_of_folder(name) for name in recordings}
    if options.split == "folders" or (options.split is None and all(folders.values()) and len(recordings) > 1):
        lost = next((name for name, split in folders.items() if split is None), None)
        if lost is not None:
            raise SedlabError(f"{lost}: is in no folder train, val or test, as --split folders asks. Move it into one.")
        return folders, "by their folders"
    shares = _shares(ratios or _RATIOS.fullmatch(DEFAULT))
    holds = rows[rows["label"] != ""].groupby("recording")["label"].agg(set)
    labels = {name: holds.get(name, set()) for name in recordings}
    rng = np.random.default_rng(options.seed)
    told = f"{options.split or DEFAULT} of the recordings, balanced by class, seed {options.seed}"
    return stratified(labels, shares, rng, known={n: s for n, s in known.items() if n in labels}), told


def stratified(
    labels: Mapping[str, set[str]],
    shares: Mapping[str, float],
    rng: np.random.Generator,
    *,
    known: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return {recording: split} such that recordings, and those of each class, are shared out as ``shares`` says.

    Iterative stratification: the class with the fewest recordings left is handed out first, each recording to the split
    that lacks it most. Afterwards a recording changes sides where a class would be missing from a split that could have
    it. A class of two recordings is trained and tested, one of a single recording trained.

    Source: Sechidis, Tsoumakas & Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011.
    """
    found = dict(known or {})
    open_ = [name for name in sorted(labels) if name not in found]
    rng.shuffle(open_)
    wanted = {split: share * len(labels) for split, share in shares.items()}
    classes = sorted(set().union(*labels.values()) if labels else ())
    of_class = {c: {s: shares[s] * sum(c in held for held in labels.values()) for s in shares} for c in classes}

    def hand_out(name: str, split: str) -> None:
        found[name] = split
        wanted[split] -= 1
        for label in labels[name]:
            of_class[label][split] -= 1

    for name, split in list(found.items()):
        hand_out(name, split)
    left = {c: sum(c in labels[name] for name in open_) for c in classes}
    while open_:
        rarest = min((c for c in classes if left[c]), key=lambda c: (left[c], c), default=None)
        name = next(name for name in open_ if rarest is None or rarest in labels[name])
        open_.remove(name)
        for label in labels[name]:
            left[label] -= 1
        need = of_class[rarest] if rarest is not None else wanted
        # One that has its share of recordings takes no more; those that an earlier import gave may be too many.
        short = [s for s in shares if wanted[s] > 1e-9] or [s for s in shares if shares[s]]
        hand_out(name, max(short, key=lambda s: (round(need[s], 6), round(wanted[s], 6))))
    _give_each_its_classes(found, labels, shares, fixed=set(known or ()))
    return found


def _give_each_its_classes(
    found: dict[str, str], labels: Mapping[str, set[str]], shares: Mapping[str, float], *, fixed: set[str]
) -> None:
    """Move recordings to the splits that lack one of their classes, where no split loses its last one by that."""
    # What a class of one or two recordings is for first.
    order = [split for split in ("train", "test", "val") if shares.get(split)]
    for label in sorted(set().union(*labels.values()) if labels else ()):
        for split in order:
            holders = {s: sorted(n for n in labels if label in labels[n] and found[n] == s) for s in order}
            if holders[split]:
                continue
            rank = order.index(split)
            givers = [s for s in order if len(holders[s]) > 1 or (holders[s] and order.index(s) > rank)]
            for name in (n for s in sorted(givers, key=lambda s: -len(holders[s])) for n in holders[s]):
                others = labels[name] - {label}
                kept = all(
                    any(c in labels[n] and found[n] == found[name] and n != name for n in labels) for c in others
                )
                alone = sum(found[n] == found[name] for n in labels) == 1
                if name not in fixed and kept and not alone:
                    found[name] = split
                    break


def _by_column(rows: pd.DataFrame, column: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, given, line in rows[["recording", "split", "line"]].itertuples(index=False):
        split = _NAMES.get(str(given).strip().lower())
        if split is None:
            raise SedlabError(f"column {column!r}, line {line}: {short(given)} is not train, val or test. Correct it.")
        if found.setdefault(name, split) != split:
            raise SedlabError(
                f"column {column!r}, line {line}: {name!r} is in {found[name]} and in {split}. A recording is in one."
            )
    return found


def _by_list(recordings: Sequence[str], path: Path) -> dict[str, str]:
    if not path.is_file():
        raise SedlabError(f"--split {path}: is neither ratios such as {DEFAULT}, nor folders, nor a file. Correct it.")
    rows = file_rows(path)
    places = columns_of(rows[0][1] if rows else [], {"split": "split"}, path)
    if "filename" not in places:
        raise SedlabError(f"{path}: no column for the recording. Write a table with columns filename and split.")
    given: dict[str, str] = {}
    for line, fields in rows[1:]:
        fields = fields + [""] * len(rows[0][1])
        split = _NAMES.get(fields[places["split"]].lower())
        if split is None:
            raise SedlabError(f"{path}, line {line}: {short(fields[places['split']])} is not train, val or test.")
        given[plain_name(fields[places["filename"]])] = split
    found = {}
    for name in recordings:
        split = given.get(plain_name(name)) or given.get(plain_name(name).rpartition("/")[2])
        if split is None:
            raise SedlabError(f"{path}: does not say where {name!r} goes. Add it with train, val or test.")
        found[name] = split
    return found


def _split_of_folder(name: str) -> str | None:
    """Return the split that one of the folders a recording lies in is called after, the outermost first."""
    return next((_NAMES[part.lower()] for part in name.split("/")[:-1] if part.lower() in _NAMES), None)


def _shares(ratios: re.Match[str]) -> dict[str, float]:
    numbers = [float(number) for number in ratios.groups()]
    if not numbers[0]:
        raise SedlabError(f"--split {ratios[0].strip()}: leaves nothing to train on. The first number is for that.")
    return {split: number / sum(numbers) for split, number in zip(SPLITS, numbers, strict=True)}
