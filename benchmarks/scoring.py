"""Time and memory of `sedlab evaluate` on random scores, by number of clips and classes.

    python benchmarks/scoring.py 1000x10 2000x10 20000x10 1000x447 --metrics psds1

Each size is scored in a process of its own, with every metric unless some are named. Prints processor seconds, largest
memory, both without what the command takes for nothing (a handful of clips), and the size of the file of scores.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.targets import frame_times
from sedlab.data.tsv import write_tsv
from sedlab.scoring.scores.file import ScoreFile, write_score_file

NOTHING = "4x2"
EVENTS_A_CLIP = 3


def main() -> None:
    """Score each size and print a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="+", metavar="CLIPSxCLASSES")
    parser.add_argument("--metrics", default="")
    parser.add_argument("--options", default="", help="Further options of sedlab evaluate.")
    options = parser.parse_args()
    base = None
    for size in [NOTHING, *options.sizes]:
        with tempfile.TemporaryDirectory() as folder:
            files = write(Path(folder), *map(int, size.split("x")))
            seconds, peak = scored(files, [*options.options.split(), "--metrics", options.metrics])
            base = base or (seconds, peak)
            megabytes = files[0].stat().st_size / 2**20
        taken, beside = (peak - base[1]) / 2**10, base[1] / 2**10
        print(
            f"{size:>10}: {seconds - base[0]:7.1f} s, {taken:6.0f} MiB beside {beside:.0f}; scores {megabytes:.0f} MiB",
            flush=True,
        )


def write(folder: Path, num_clips: int, num_classes: int) -> tuple[Path, Path, Path]:
    """Write noise in which each clip has some events, and return the files of scores, ground truth and durations."""
    rng = np.random.default_rng(0)
    times = frame_times()
    classes = tuple(f"class{k:03d}" for k in range(num_classes))
    clip_ids = [f"clip{k:06d}" for k in range(num_clips)]
    logits = rng.normal(-2, 2, (num_clips, len(times) - 1, num_classes)).astype(np.float32)
    rows = []
    for k, clip_id in enumerate(clip_ids):
        for c in rng.choice(num_classes, size=min(EVENTS_A_CLIP, num_classes), replace=False):
            onset = rng.uniform(0, 8)
            offset = min(onset + rng.uniform(0.3, 5), times[-1])
            logits[k, (times[:-1] >= onset) & (times[1:] <= offset), c] += 3
            rows.append((f"{clip_id}.wav", round(onset, 3), round(offset, 3), classes[c]))
    files = folder / "scores.hdf5", folder / "truth.tsv", folder / "durations.tsv"
    write_score_file(files[0], ScoreFile(clip_ids, logits, classes, times))
    write_tsv(files[1], pd.DataFrame(rows, columns=["filename", "onset", "offset", "event_label"]))
    write_tsv(files[2], pd.DataFrame({"filename": [f"{clip_id}.wav" for clip_id in clip_ids], "duration": times[-1]}))
    return files


def scored(files: tuple[Path, Path, Path], options: list[str]) -> tuple[float, int]:
    """Return processor seconds and largest memory (KiB) of the command."""
    command = [sys.executable, "-m", "sedlab.cli", "evaluate", files[0], "--ground-truth", files[1]]
    child = subprocess.Popen([*map(str, command), "--durations", str(files[2]), *options], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"sedlab evaluate ended with status {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


if __name__ == "__main__":
    main()
