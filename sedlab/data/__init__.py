"""Read corpora as tables of clips and events, and these as batches to train on."""

from __future__ import annotations

from importlib import import_module

_HOME = {
    "Corpus": "tables",
    "load_corpus": "corpora.load",
    "corpus_summary": "summary",
    "class_counts": "summary",
    "WaveformCache": "cache",
    "SedDataset": "dataset",
    "collate": "batch",
    "Batch": "batch",
    "GroupBatchSampler": "sampler",
    "read_pseudo_labels": "pseudo_labels",
}

__all__ = list(_HOME)


def __getattr__(name: str):
    # Lazy, because the dataset needs torch and the tables do not.
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
