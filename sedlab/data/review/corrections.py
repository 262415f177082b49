"""Corrections of a corpus: a file of decisions, or a corrected annotation table, that wins over its own labels.

Only the splits that the configuration names are corrected, by default training sets: who changes test labels with the
training labels cannot tell a better system from another ruler.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.corpora.layout import SUBSETS, layout
from sedlab.data.corpora.reading import add_aliases, check_labels, event_table, stem
from sedlab.data.review.corrected import corrected_events, effective
from sedlab.data.review.decisions import latest, read_decisions
from sedlab.data.tables import EVENT_COLUMNS, Corpus
from sedlab.data.tsv import line_number, read_tsv
from sedlab.errors import SedlabError, nearest, short
from sedlab.labels import DCASE, LabelSpace

_STRONG = ("filename", "onset", "offset", "event_label")
_WEAK = ("filename", "event_labels")


def with_corrections(corpus: Corpus, config: DataConfig) -> Corpus:
    """Return the corpus with the labels that ``config.corrections`` gives, in the splits that it names.

    Warns
    -----
    UserWarning
        When the file has rows about other splits, or about sets without labels, which are left out.

    Raises
    ------
    SedlabError
        For a file that is neither, for unknown subsets, clips and classes, and for an event that is not there.
    """
    path = config.corrections
    if path is None:
        return corpus
    if is_review(path):
        parts = _from_decisions(corpus, path, config.corrected_splits)
    else:
        parts = _from_table(corpus, path, config.corrected_splits)
    events = [parts.get(name, corpus.events[corpus.events["subset"] == name]) for name in corpus.subsets]
    return replace(corpus, events=pd.concat([part for part in events if len(part)], ignore_index=True))


def own_events(corpus: Corpus, subset: str) -> pd.DataFrame:
    """Return the events of a subset as its annotation has them: without those doubled under another corpus's name."""
    events = corpus.events[corpus.events["subset"] == subset]
    if layout(subset).family != "audioset":
        events = events[events["label"].isin(own_classes(subset, corpus.space))]
    return events.reset_index(drop=True)


def own_classes(subset: str, space: LabelSpace = DCASE) -> tuple[str, ...]:
    """Return the classes that the annotation of a subset speaks about: those that can be decided about."""
    family = layout(subset).family
    return () if family == "audioset" else space.annotated(family)


def corrections_digest(path: Path, splits: Collection[str]) -> str:
    """Return a digest of what a file of corrections says about some splits; empty if it is not there.

    Of decisions only those count that change events, so that who goes on listening makes no training out of date.
    """
    if not path.is_file():
        return ""
    if not is_review(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    decisions = effective(latest(read_decisions(path)))
    told = decisions[decisions["subset"].map(_split).isin(list(splits))]
    text = told.drop(columns=["note", "reviewer", "time", "system"]).to_csv(index=False)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def is_review(path: Path) -> bool:
    """Return whether a file is one of decisions, by its columns; SedlabError for one that is no table of labels."""
    names = _header(path)
    if any(names) and "decision" not in names and not {"event_label", "event_labels"} & set(names):
        raise SedlabError(
            f"{path}: neither a review.tsv nor a corrected table; found columns {short(', '.join(names))}, expected "
            f"{', '.join(_STRONG)} with tabs between."
        )
    return "decision" in names


def _from_decisions(corpus: Corpus, path: Path, splits: Collection[str]) -> dict[str, pd.DataFrame]:
    decisions = latest(read_decisions(path))
    for row, name in decisions["subset"].drop_duplicates().items():
        if name not in SUBSETS:
            raise SedlabError(f"{path}, line {line_number(row)}: unknown subset {short(name)}.{nearest(name, SUBSETS)}")
    decisions = effective(decisions)
    found = {}
    for name, told in decisions.groupby("subset", sort=False):
        if _is_used(str(name), path, splits):
            _check_clips(corpus, str(name), told["clip_id"], path)
            check_labels(told["label"], own_classes(str(name), corpus.space), path)
            weak = layout(str(name)).label_kind == "weak"
            events = corrected_events(own_events(corpus, str(name)), told, weak=weak, path=path)
            found[str(name)] = _aliased(corpus, str(name), events)
    return found


def _from_table(corpus: Corpus, path: Path, splits: Collection[str]) -> dict[str, pd.DataFrame]:
    weak = "event_labels" in _header(path)
    columns = _WEAK if weak else (*_STRONG, "confidence")
    numbers = () if weak else ("onset", "offset", "confidence")
    table = read_tsv(path, (*columns, "subset"), numbers=numbers, optional=("confidence", "subset"))
    table["clip_id"] = stem(table["filename"])
    if "subset" not in table:
        table["subset"] = _subsets_of(corpus, table["clip_id"], path, splits, weak=weak)
    found = {}
    for row, name in table["subset"].drop_duplicates().items():
        if name not in SUBSETS:
            raise SedlabError(f"{path}, line {line_number(row)}: unknown subset {short(name)}.{nearest(name, SUBSETS)}")
    for name, rows in table.groupby("subset", sort=False):
        if _is_used(str(name), path, splits):
            _check_clips(corpus, str(name), rows["clip_id"], path)
            told = _weak_events(rows, str(name)) if weak else _strong_events(rows, str(name), path)
            check_labels(told["label"], own_classes(str(name), corpus.space), path)
            own = own_events(corpus, str(name))
            events = pd.concat([own[~own["clip_id"].isin(rows["clip_id"])], told])
            found[str(name)] = _aliased(corpus, str(name), events[list(EVENT_COLUMNS)].reset_index(drop=True))
    return found


def _strong_events(rows: pd.DataFrame, subset: str, path: Path) -> pd.DataFrame:
    # An empty row says that the clip holds no event.
    rows = rows[rows["event_label"] != ""]
    confidence = rows["confidence"].fillna(1.0) if "confidence" in rows else 1.0
    events = event_table(SUBSETS[subset], rows, rows["event_label"], path=path, confidence=confidence)
    return events.set_axis(rows.index)


def _weak_events(rows: pd.DataFrame, subset: str) -> pd.DataFrame:
    labels = rows["event_labels"].str.split(",").explode().str.strip()
    labels = labels[labels != ""]
    known = {"subset": subset, "clip_id": rows["clip_id"].reindex(labels.index), "label": labels}
    return pd.DataFrame({**known, "onset": float("nan"), "offset": float("nan"), "confidence": 1.0})


def _subsets_of(corpus: Corpus, clip_ids: pd.Series, path: Path, splits: Collection[str], *, weak: bool) -> list[str]:
    """Return the subset of each clip, of those that have labels of the table's kind."""
    kinds = ("weak",) if weak else ("strong", "soft")
    clips = corpus.clips[corpus.clips["label_kind"].isin(kinds) & (corpus.clips["group"] != "audioset")]
    # A name that another split has too is meant where it is used.
    clips = clips.iloc[(~clips["split"].isin(splits)).to_numpy().argsort(kind="stable")]
    where = clips.groupby("clip_id", sort=False)["subset"].agg(list).to_dict()
    found = []
    for row, clip_id in clip_ids.items():
        names = [name for name in where.get(clip_id, []) if SUBSETS[name].split in splits] or where.get(clip_id, [])
        if len(names) != 1:
            problem = f"is in {' and '.join(names)}. Add a column subset" if names else "is no labelled clip. Remove it"
            raise SedlabError(f"{path}, line {line_number(row)}: {short(clip_id)} {problem}.")
        found.append(names[0])
    return found


def _is_used(name: str, path: Path, splits: Collection[str]) -> bool:
    """Return whether a subset is corrected; warn where it is not."""
    subset = layout(name)
    if subset.split not in splits:
        why = f"a {subset.split} set, and data.corrected_splits names {', '.join(splits) or 'none'}"
    elif subset.label_kind == "none" or subset.family == "audioset":
        why = "without labels of the task's classes"
    else:
        return True
    warnings.warn(f"{path}: rows about {name} are left out ({why}).", stacklevel=4)
    return False


def _check_clips(corpus: Corpus, name: str, clip_ids: pd.Series, path: Path) -> None:
    known = corpus.clips.loc[corpus.clips["subset"] == name, "clip_id"]
    for row, clip_id in clip_ids[~clip_ids.isin(known)].head(1).items():
        near = nearest(clip_id, known) or " Remove the row, or add the clip."
        raise SedlabError(f"{path}, line {line_number(row)}: {name} has no clip {short(clip_id)}.{near}")


def _aliased(corpus: Corpus, name: str, events: pd.DataFrame) -> pd.DataFrame:
    subset = layout(name)
    doubled = corpus.aliased and subset.split == "train"
    return add_aliases(events, corpus.space.aliases(subset.family) if doubled else ())


def _header(path: Path) -> list[str]:
    """Return the names in the first line; none of a file that cannot be read, about which `read_tsv` says more."""
    try:
        with path.open("rb") as file:
            line = file.readline(10_000)
    except OSError:
        return []
    text = line.decode("utf-16" if line.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", errors="replace")
    return [name.strip(' \t\r\n"') for name in text.split("\t")]


def _split(subset: str) -> str:
    return SUBSETS[subset].split if subset in SUBSETS else "unknown"
