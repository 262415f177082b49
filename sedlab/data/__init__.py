"""Read corpora as tables of clips and events, and these as batches to train on."""

from __future__ import annotations

from sedlab.lazy import names_on_demand

# The dataset needs torch, the tables do not.
__all__, __getattr__, __dir__ = names_on_demand(
    __name__,
    {
        "tables": ("Corpus",),
        "corpora.load": ("load_corpus",),
        "summary": ("corpus_summary", "class_counts"),
        "cache": ("WaveformCache",),
        "dataset": ("SedDataset",),
        "batch": ("collate", "Batch"),
        "sampler": ("GroupBatchSampler",),
        "pseudo_labels": ("read_pseudo_labels",),
    },
)
