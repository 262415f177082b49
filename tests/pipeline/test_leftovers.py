"""What killed processes leave behind is gone at the next start, unless somebody still works on it."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from sedlab.config.data import MiniConfig
from sedlab.data.mini.writer import _sweep, generate
from sedlab.pipeline.running.leftovers import make_scheduler_folder, sweep
from sedlab.system import locking

WRITES = """
import os, sys
from sedlab.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_bytes(b"half")
    os._exit(9)
"""
GENERATES = """
import sys, time
from sedlab.config.data import MiniConfig
from sedlab.data.mini.writer import generate
config = MiniConfig.model_validate_json(sys.argv[2])
generate(sys.argv[1], config, lambda *_: (print(flush=True), time.sleep(600)), workers=1)
"""
ONE = {name: 1 for name in MiniConfig.model_fields if name.startswith("num_")} | {"num_maestro_train": 2, "num_weak": 2}
SMALLEST = MiniConfig(**ONE, maestro_seconds=12, maestro_hop_train=1, maestro_hop_dev=1)


def test_half_written_files_are_removed_and_nothing_else(tmp_path):
    written = [
        "last.pt",
        "iteration1/stage1/atst/best_so_far.pt",
        "history.csv",
        "config",
        "a.b.hdf5",
        f"{'x' * 90}.json",
    ]
    for name in written:
        assert subprocess.run([sys.executable, "-c", WRITES, tmp_path / name]).returncode == 9
    (tmp_path / ".last.ab_cd1x9.pt").write_text("of an earlier version")
    make_scheduler_folder(tmp_path).joinpath("snakemakeabc").mkdir()
    assert len([path for path in tmp_path.rglob(".*") if path.is_file()]) == len(written) + 1
    kept = [".run.lock", ".digests", ".locks/node.lock", "last.pt", "a.12345678.pt", ".snakemake/log", ".12345678"]
    for name in kept:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("whole")
    sweep(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(kept)
    assert not (tmp_path / ".scheduler").exists()


@pytest.fixture
def generating(tmp_path):
    """A process in the middle of writing the corpus `mini`."""
    words = [sys.executable, "-c", GENERATES, str(tmp_path / "mini"), SMALLEST.model_dump_json()]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_half_a_corpus_is_removed_when_nobody_writes_it_any_more(generating, tmp_path, monkeypatch):
    (part,) = tmp_path.glob(".mini.*.part")
    _sweep(tmp_path / "mini")
    assert part.is_dir(), "somebody works on it"
    os.kill(generating.pid, signal.SIGKILL)
    generating.wait()
    (tmp_path / ".mini.0123abcd.part").mkdir()
    (tmp_path / ".other.0123abcd.part").mkdir()
    clock = SimpleNamespace(monotonic=time.monotonic, strftime=time.strftime, sleep=lambda _: pytest.fail("it waits"))
    monkeypatch.setattr(locking, "time", clock)
    generate(tmp_path / "mini", SMALLEST, workers=1)
    assert {path.name for path in tmp_path.iterdir()} == {"mini", ".other.0123abcd.part"}
