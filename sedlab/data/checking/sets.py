"""The sets of a data root as their tables name them: read so that one bad row hides no other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.checking.findings import ERROR, WARNING, Findings
from sedlab.data.corpora.desed import split_weak
from sedlab.data.corpora.layout import Subset
from sedlab.data.corpora.maestro import split_recordings
from sedlab.data.corpora.reading import clip_keys, stem
from sedlab.data.corpora.video_names import video_span
from sedlab.data.formats.names import readable_name
from sedlab.data.formats.text import is_table
from sedlab.data.tsv import line_number, read_tsv
from sedlab.errors import SedlabError

STRONG_COLUMNS = ("filename", "onset", "offset", "event_label")
_AUDIOSET_COLUMNS = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
_COLUMNS = {
    "strong": STRONG_COLUMNS,
    "soft": (*STRONG_COLUMNS, "confidence"),
    "weak": ("filename", "event_labels"),
}
NUMBERS = ("onset", "offset", "confidence")
_WINDOW = r"^(?P<recording>.+)-(?P<start>\d{6,})-(?P<end>\d{6,})$"


@dataclass(frozen=True, eq=False)
class CheckedSet:
    """What the table of a set says, row by row as it stands there, and which clips that are."""

    subset: Subset
    folder: Path | None
    """Where its audio is; None: nowhere."""
    has_table: bool
    rows: pd.DataFrame
    """clip_id and the columns of its kind of table as text, and as numbers with "_s" behind the name; the index leads
    to the line, see `line`. Empty for a set without table."""
    clips: tuple[str, ...]
    """Clip ids in the order of the table, each once; of a set without table, those of its files, filled in later."""
    excluded: frozenset[str] = frozenset()
    """Clips that its exclusion list names, as `clip_keys` has them."""

    @property
    def name(self) -> str:
        """Name of the subset."""
        return self.subset.name

    @property
    def is_there(self) -> bool:
        """Whether both its audio and (if it has any) its table are there."""
        return self.folder is not None and (self.has_table or self.subset.table is None)

    def excludes(self, clip_id: str) -> bool:
        """Return whether its exclusion list names a clip, under whatever spelling."""
        return bool(self.excluded) and (clip_id in self.excluded or video_span(clip_id) in self.excluded)

    def line(self, row: int) -> str:
        """Return where a row stands: the file's name and the line."""
        return f"{Path(str(self.subset.table)).name} line {line_number(row)}"


def read_sets(root: Path, subsets: list[Subset], config: DataConfig, findings: Findings) -> list[CheckedSet]:
    """Return the sets in the order of ``subsets``, with findings about tables that cannot be read."""
    tables: dict[str, pd.DataFrame] = {}
    return [_read_set(root, subset, config, findings, tables) for subset in subsets]


def windows(clip_ids: pd.Series) -> pd.DataFrame:
    """Return recording, start, end (s) of MAESTRO clips; NaN where the name is not of that form."""
    parts = clip_ids.str.extract(_WINDOW)
    times = {name: pd.to_numeric(parts[name]) / 100 for name in ("start", "end")}
    return parts.assign(**times)


def _read_set(
    root: Path, subset: Subset, config: DataConfig, findings: Findings, tables: dict[str, pd.DataFrame]
) -> CheckedSet:
    folder, excluded = subset.audio_folder(root), _excluded(root, subset, findings)
    nothing = pd.DataFrame({"clip_id": pd.Series(dtype=str)})
    if subset.table is None or not is_table(root / subset.table):
        return CheckedSet(subset, folder, False, nothing, (), excluded)
    if subset.table not in tables:
        tables[subset.table] = nothing
        try:
            tables[subset.table] = _read_table(root, subset)
            if tables[subset.table].empty:
                raise SedlabError(f"{subset.table}: lists no clips.")
        except SedlabError as error:
            findings.add(ERROR, subset.name, "unreadable table", str(error), "Mend the table.", count=1)
    rows = _own_part(tables[subset.table], subset, config)
    clips = tuple(clip for clip in rows["clip_id"].drop_duplicates() if clip)
    return CheckedSet(subset, folder, True, rows, clips, excluded)


def _read_table(root: Path, subset: Subset) -> pd.DataFrame:
    columns = _AUDIOSET_COLUMNS if subset.family == "audioset" else _COLUMNS[subset.label_kind]
    table = read_tsv(root / str(subset.table), columns, any_bytes=True)
    if subset.family == "audioset":
        table.columns = list(STRONG_COLUMNS)
    table["filename"] = table["filename"].map(readable_name)
    table.insert(0, "clip_id", stem(table["filename"]))
    for name in (name for name in NUMBERS if name in table):
        table[f"{name}_s"] = pd.to_numeric(table[name], errors="coerce").astype(float)
    return table


def _own_part(table: pd.DataFrame, subset: Subset, config: DataConfig) -> pd.DataFrame:
    """Return the rows of this subset of a table that two share, as the readers split it."""
    if table.empty or subset.split == "test":
        return table
    if subset.label_kind == "weak" and subset.family == "desed":
        parts = split_weak(table, fraction=config.weak_train_fraction, seed=config.split_seed)
        return parts[subset.split != "train"].sort_index()
    if subset.family == "maestro":
        recordings = windows(table["clip_id"].drop_duplicates())["recording"].dropna()
        parts = split_recordings(recordings, fraction=config.maestro_train_fraction, seed=config.split_seed)
        own = windows(table["clip_id"])["recording"].isin(parts[subset.split != "train"])
        # Rows whose names say no recording are told of once, with the training part.
        unnamed = windows(table["clip_id"])["recording"].isna() & (subset.split == "train")
        return table[own | unnamed]
    return table


def _excluded(root: Path, subset: Subset, findings: Findings) -> frozenset[str]:
    if subset.exclude is None or not is_table(root / subset.exclude):
        return frozenset()
    try:
        listed = read_tsv(root / subset.exclude, ("filename",), any_bytes=True)["filename"].map(readable_name)
        return frozenset(clip_keys(stem(listed)))
    except SedlabError as error:
        remedy = "Write it again: sedlab data desed exclude"
        findings.add(WARNING, subset.name, "unreadable exclusion list", str(error), remedy, count=1)
        return frozenset()
