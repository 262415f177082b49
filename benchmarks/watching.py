"""What it costs a training to be watched: steps of stage 1 of mini, with a watch and without, in turns.

    python benchmarks/watching.py --data data/mini

Prints the processor time of a step either way, the median of the paired differences, and what a glance takes. With the
watch are the glances, the rows and the progress file on the disk; the picture is the browser's business.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from sedlab.config.loading import load_experiment
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.load import load_corpus
from sedlab.runs.live.training import TrainingLog
from sedlab.runs.progress import stop_file
from sedlab.training.node import TrainingInputs, train_node


class Nobody:
    """Is shown a training and does not look."""

    def show(self, state, rows) -> None:
        """Take note."""


class Timed:
    """A watch that notes what each glance costs."""

    def __init__(self, watch) -> None:
        self.watch, self.seconds = watch, []

    def __call__(self, glance) -> None:
        """Pass on."""
        begin = time.process_time()
        self.watch(glance)
        self.seconds.append(time.process_time() - begin)


def main() -> None:
    """Train in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("data/mini"))
    parser.add_argument("--arch", default="atst")
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args()

    experiment = load_experiment("mini", ["pretrain=null", "stage1.epochs=1", f"data.root={arguments.data.absolute()}"])
    node = experiment.node("stage1", arguments.arch, 1)
    corpus = load_corpus(arguments.data, experiment.data)
    cache = WaveformCache.build(corpus)
    plain, watched, glances = [], [], []
    for pair in range(arguments.pairs + 1):  # the first one warms up
        for with_watch in (pair % 2 == 0, pair % 2 == 1):
            with tempfile.TemporaryDirectory() as folder:
                log = Timed(TrainingLog(Path(folder), node.name, Nobody())) if with_watch else None
                stop = stop_file(Path(folder), node.name) if with_watch else None
                inputs = TrainingInputs(node, corpus, cache, Path(folder) / "node", stop_file=stop)
                begin = time.process_time()
                result = train_node(inputs, watch=log)
                seconds = (time.process_time() - begin) / result.steps
                if pair:
                    (watched if with_watch else plain).append(seconds)
                    glances += log.seconds if log else []
    differences = [100 * (one / other - 1) for one, other in zip(watched, plain, strict=True)]
    print(f"{result.steps} steps, {arguments.pairs} pairs, processor milliseconds a step")
    print(f"  not watched {1000 * statistics.median(plain):.1f}   watched {1000 * statistics.median(watched):.1f}")
    print("  differences in %: " + " ".join(f"{value:+.2f}" for value in differences))
    print(f"  median {statistics.median(differences):+.2f} %")
    print(f"  a glance, about once a second: {1000 * statistics.mean(glances):.2f} ms ({len(glances)} of them)")


if __name__ == "__main__":
    main()
