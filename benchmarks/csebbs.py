"""Time the tuning of sound event bounding boxes over the published grid, on synthetic scores of the dev-test's size.

python benchmarks/csebbs.py
python benchmarks/csebbs.py --reference-python PYTHON

The second also times the package `sebbs`, installed for that interpreter, in turn with ours on the same scores, and
compares the results.

Write OMP_NUM_THREADS=1 before it to measure one core.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.targets import frame_times
from sedlab.labels import DESED_CLASSES
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.scores.tables import ScoreTables, score_tables
from sedlab.scoring.tuning.choice import Tuning
from sedlab.scoring.tuning.csebbs import PUBLISHED_GRID, tune_csebbs

# Runs where `sebbs` is installed: reads the scores, tunes, prints seconds and results.
REFERENCE = """
import json, sys, time
import numpy as np
from sebbs import csebbs
from sed_scores_eval.base_modules.scores import create_score_dataframe
with np.load(sys.argv[1]) as file:
    classes = [str(name) for name in file["classes"]]
    clips = [str(name) for name in file["clips"]]
    scores = {clip: create_score_dataframe(scores=values, timestamps=file["times"], event_classes=classes)
              for clip, values in zip(clips, file["probabilities"])}
    times = file["times"]
job = json.load(open(sys.argv[2]))
truth = {clip: [tuple(event) for event in events] for clip, events in job["truth"].items()}
durations = {clip: float(times[-1]) for clip in clips}
begin = time.perf_counter(), time.process_time()
predictor, best = csebbs.tune(
    scores, truth, durations,
    step_filter_lengths=job["steps"], merge_thresholds_abs=job["absolute"], merge_thresholds_rel=job["relative"],
    selection_fn=csebbs.select_best_psds, dtc_threshold=0.7, gtc_threshold=0.7, cttc_threshold=None, alpha_ct=0.0)
seconds = time.perf_counter() - begin[0], time.process_time() - begin[1]
print(json.dumps({
    "seconds": seconds,
    "best": {name: float(value) for name, value in best.items()},
    "settings": {name: [float(getattr(predictor, parameter)[name]) for parameter in
                        ("step_filter_length", "merge_threshold_abs", "merge_threshold_rel")] for name in classes},
}))
"""


def main() -> None:
    """Print seconds, memory and, with a reference, ratio and differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=692)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1, help="how often each is timed")
    parser.add_argument("--reference-python", type=Path)
    options = parser.parse_args()

    probabilities, events = synthetic_scores(options.clips, options.seed)
    clip_ids = [f"clip{k:04d}" for k in range(options.clips)]
    tables = score_tables(probabilities, clip_ids, DESED_CLASSES, frame_times())
    print(f"{options.clips} clips, {len(events)} events, {len(DESED_CLASSES)} classes, 128 settings")
    ours, theirs = [], []
    for _ in range(options.rounds):
        before = _peak_memory()
        begin = time.perf_counter(), time.process_time()
        tuning = tune_csebbs(CountedEvents.of(tables, events, dict.fromkeys(clip_ids, float(frame_times()[-1]))))
        ours.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
        print(f"sedlab  {_seconds(ours[-1])}, peak memory {_peak_memory():.2f} GiB ({before:.2f} before)", flush=True)
        if options.reference_python:
            result = _reference(options.reference_python, tables, probabilities, events)
            theirs.append(result["seconds"])
            print(f"sebbs   {_seconds(theirs[-1])}", flush=True)
            _compare(tuning, result)
    if theirs:
        elapsed, processor = np.median(theirs, axis=0) / np.median(ours, axis=0)
        print(f"ratio of medians: {elapsed:.1f} elapsed, {processor:.1f} of processor time")


def _seconds(pair: tuple[float, float]) -> str:
    # Both, because on a busy machine the elapsed time says little.
    return f"{pair[0]:8.2f} s elapsed, {pair[1]:8.2f} s of processor time"


def synthetic_scores(num_clips: int, seed: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Return (clips, 156, 10) float32 probabilities that follow events with blurred edges and noise, and the events."""
    rng = np.random.default_rng(seed)
    times = frame_times()
    centres = (times[1:] + times[:-1]) / 2
    logits = rng.normal(-3.5, 1.0, (num_clips, len(centres), len(DESED_CLASSES)))
    smooth = np.ones(3) / 3
    logits = np.apply_along_axis(np.convolve, 1, logits, smooth, mode="same")
    rows = []
    for clip in range(num_clips):
        for _ in range(rng.integers(1, 8)):
            k = rng.integers(len(DESED_CLASSES))
            onset = rng.uniform(0, 9.4)
            offset = min(onset + rng.lognormal(0.3, 0.9), 9.98)
            heard_onset, heard_offset = onset + rng.normal(0, 0.1), offset + rng.normal(0, 0.1)
            blur = rng.uniform(0.03, 0.15)
            rise = 1 / (1 + np.exp(np.clip(-(centres - heard_onset) / blur, -50, 50)))
            fall = 1 / (1 + np.exp(np.clip((centres - heard_offset) / blur, -50, 50)))
            logits[clip, :, k] += rng.uniform(2, 7) * rise * fall
            rows.append((f"clip{clip:04d}", round(onset, 3), round(offset, 3), DESED_CLASSES[k]))
    events = pd.DataFrame(rows, columns=["clip_id", "onset", "offset", "label"])
    return (1 / (1 + np.exp(-logits))).astype(np.float32), events[events["offset"] - events["onset"] > 0.05]


def _reference(python: Path, tables: ScoreTables, probabilities: np.ndarray, events: pd.DataFrame) -> dict:
    from sedlab.scoring.metrics.events import merge_touching

    merged = merge_touching(events, ["clip_id"])
    truth = {clip_id: rows.values.tolist() for clip_id, rows in merged.groupby("clip_id")[["onset", "offset", "label"]]}
    with tempfile.TemporaryDirectory() as folder:
        data, job = Path(folder) / "scores.npz", Path(folder) / "job.json"
        chosen = [k for k, clip_id in enumerate(tables) if clip_id in truth]
        clips = np.array(list(tables))[chosen]
        np.savez(data, probabilities=probabilities[chosen], clips=clips, classes=DESED_CLASSES, times=frame_times())
        grid = PUBLISHED_GRID
        job.write_text(
            json.dumps({"truth": truth, "steps": grid.steps, "absolute": grid.absolute, "relative": grid.relative})
        )
        printed = subprocess.run(
            [python, "-c", REFERENCE, data, job], check=True, stdout=subprocess.PIPE, text=True, cwd=folder
        ).stdout
    return json.loads(printed.splitlines()[-1])


def _compare(tuning: Tuning, reference: dict) -> None:
    largest = max(abs(tuning.best[label] - value) for label, value in reference["best"].items())
    same = sum(
        [setting.step, setting.absolute, setting.relative] == reference["settings"][label]
        for label, setting in tuning.params.settings.items()
    )
    print(f"largest difference of a class's value {largest:.1e}; same setting for {same} of {len(tuning.best)} classes")


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
