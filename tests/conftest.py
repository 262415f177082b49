"""One thread a process, as the tests run side by side; no deadlines, as the machine may be busy; one corpus."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import warnings
from pathlib import Path

import hypothesis
import pytest
from nano_sizes import NANO_SIZES

# Before any test file imports NumPy or torch: threads that wait for each other's cores make the tests crawl.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# jsonschema would build a grammar of web addresses when it is imported, as jobs keep it from doing.
sys.modules.setdefault("rfc3987_syntax", None)

# What takes long on a busy machine is no failure; and examples are the same each time, lest a change fail for one that
# has nothing to do with it.
hypothesis.settings.register_profile(
    "sedlab", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("sedlab")

#: The files that take minutes, the longest first; three of the last read the finished run that the first one makes.
LONGEST = (
    "test_whole_graph.py",
    "test_paper_steps.py",
    "test_run.py",
    "test_ddp.py",
    "test_on_slurm.py",
    "test_partial_corpora.py",
    "test_from_archives.py",
    "test_imported_corpus.py",
    "test_fuzz.py",
    "test_live_training.py",
    "test_commands.py",
    "test_exercises.py",
    "test_alone.py",
    "test_time_limit.py",
    "test_wheel.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Have matplotlib's list of fonts made before several processes want it, which then warn that they wait."""
    if not hasattr(config, "workerinput"):
        import matplotlib

        if not list(Path(matplotlib.get_cachedir()).glob("fontlist-*.json")):
            import matplotlib.font_manager


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left alone with one of them at the end."""
    with_slow_tests = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> int:
        if item.path.name in LONGEST:
            return LONGEST.index(item.path.name)
        return len(LONGEST) + (item.path not in with_slow_tests)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def own_folders_of_jupyter(tmp_path_factory):
    """Keep signatures and histories, of no use to a person, in folders of this process.

    Of databases that several processes make or write at once, one finds them damaged or locked.
    """
    for variable in ("JUPYTER_DATA_DIR", "IPYTHONDIR"):
        os.environ[variable] = str(tmp_path_factory.mktemp(variable.lower()))


@pytest.fixture(autouse=True)
def plain_layers(request):
    """Compute layers in their plain ways after a test that left others behind, and say which test that was."""
    yield
    choice = sys.modules.get("sedlab.models.kernels.choice")
    if choice is not None and (left := {key: way for key, way in choice._chosen.items() if way != "plain"}):
        choice._chosen.clear()
        warnings.warn(f"{request.node.nodeid} leaves layers in other ways: {left}", stacklevel=1)


@pytest.fixture(scope="session")
def nano(tmp_path_factory):
    """Return a corpus with the training clips of `nano`, and its cache; a copy of one that all processes share."""
    from sedlab.config.loading import load_experiment
    from sedlab.data.cache import WaveformCache
    from sedlab.data.corpora.load import load_corpus
    from sedlab.data.mini import generate

    data, base = load_experiment("nano").data, tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "nano-corpus.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        generate(shared / "nano-corpus", data.mini.model_copy(update=NANO_SIZES), workers=1)
    root = Path(shutil.copytree(shared / "nano-corpus", tmp_path_factory.mktemp("nano") / "corpus"))
    corpus = load_corpus(root, data)
    return corpus, WaveformCache.build(corpus)
