"""One thread a process: the tests run side by side, and threads that wait for each other's cores make them crawl."""

from __future__ import annotations

import os

import pytest

# Before any test file imports NumPy or torch.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


@pytest.fixture(scope="session")
def nano(tmp_path_factory):
    """Return the corpus of `nano` and its cache."""
    from sedlab.config.loading import load_experiment
    from sedlab.data.cache import WaveformCache
    from sedlab.data.corpora.load import load_corpus
    from sedlab.data.mini import generate

    data = load_experiment("nano").data
    root = tmp_path_factory.mktemp("nano")
    generate(root, data.mini)
    corpus = load_corpus(root, data)
    return corpus, WaveformCache.build(corpus)
