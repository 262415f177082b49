"""Read all subsets that a data folder holds as one corpus."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

from sedlab.config.data import DataConfig
from sedlab.data.corpora.audioset import read_audioset
from sedlab.data.corpora.desed import read_desed
from sedlab.data.corpora.layout import COMPARABLE, SUBSETS, Subset
from sedlab.data.corpora.maestro import read_maestro
from sedlab.data.corpora.own import label_space_of, read_own
from sedlab.data.formats.text import is_table
from sedlab.data.review.corrections import with_corrections
from sedlab.data.tables import Corpus, concatenate
from sedlab.errors import SedlabError

#: The reader of each family of subsets.
READERS = {"desed": read_desed, "maestro": read_maestro, "audioset": read_audioset, "own": read_own}


def load_corpus(root: str | Path, config: DataConfig | None = None) -> Corpus:
    """Return the clips and events of every subset found under ``root``.

    A subset is read when both its table and its audio folder exist (see ``sedlab.data.corpora.layout``); when only one
    does, it is left out with a warning. A subset whose size differs from the published one is a warning too. The
    corpus carries its label space: that of the task, that of one's own recordings, or both.

    Parameters
    ----------
    config : DataConfig or None
        Splits, aliases, exclusions and corrections; None for the published ones, without corrections. Its own ``root``
        is not used.

    Raises
    ------
    SedlabError
        When there is no subset at all, when an audio folder holds none of a subset's clips, for wrong columns, unknown
        classes and damaged sound files.
    """
    root = Path(root)
    if not root.is_dir():
        raise SedlabError(
            f"{root}: no such data folder. Set data.root, or get a corpus with `sedlab data desed download`, "
            "`sedlab data import` or `sedlab data mini`."
        )
    config = config or DataConfig(root=root)
    corpora = []
    for subset in (subset for subset in SUBSETS.values() if _is_present(root, subset)):
        corpus = READERS[subset.family](root, subset, config)
        # A split may put every clip on the other side.
        if len(corpus):
            corpora.append(corpus)
            _compare_with_published(corpus, subset, config)
    if not corpora:
        raise SedlabError(
            f"{root}: no subset has both its table and its audio, for example {SUBSETS['devtest'].table} and "
            f"{SUBSETS['devtest'].audio}/. Check data.root; what is there says `sedlab data check --root {root}`."
        )
    corpus = replace(concatenate(corpora), space=label_space_of(root))
    return with_corrections(corpus, config)


def _is_present(root: Path, subset: Subset) -> bool:
    if subset.is_there(root) or subset.table is None:
        return subset.is_there(root)
    folder, has_table = subset.audio_folder(root), is_table(root / subset.table)
    if folder is not None and not has_table and not _shares_audio(root, subset):
        warnings.warn(f"{subset.name}: {folder} is there but not {subset.table}; left out.", stacklevel=3)
    if has_table and folder is None:
        warnings.warn(f"{subset.name}: {root / subset.table} is there but not {subset.audio}; left out.", stacklevel=3)
    elif has_table:
        warnings.warn(f"{subset.name}: {folder} is empty; left out.", stacklevel=3)
    return False


def _shares_audio(root: Path, subset: Subset) -> bool:
    """Say whether another subset that is there uses the same folder, so that it does not point to a missing table."""
    return any(
        other.audio == subset.audio and other.table and other.name != subset.name and is_table(root / other.table)
        for other in SUBSETS.values()
    )


def _compare_with_published(corpus: Corpus, subset: Subset, config: DataConfig) -> None:
    expected = subset.published_count
    if expected is None or config.mini is not None or (subset.exclude and is_table(corpus.root / subset.exclude)):
        return
    if len(corpus) != expected and len(corpus) > COMPARABLE * expected:
        warnings.warn(
            f"{subset.name}: {len(corpus)} clips where the published set has {expected}; "
            "scores and epoch lengths will differ.",
            stacklevel=3,
        )
