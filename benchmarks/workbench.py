"""Measure the explorer as a person meets it: JupyterLab, chromium, a synthesised run of 1,168 clips of 10 s, 4 systems.

    python benchmarks/workbench.py
    python benchmarks/workbench.py --clips 200

Printed: from the call to the first clip drawn; from the key n to the next clip drawn; from a press on a head of the
list to the list in the new order; a step of the threshold, as the browser's own trace has it (the longest task of the
page's main thread in each step, and the drawing in it); memory of the kernel and of the page. Times are elapsed, of
whatever else the machine does too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parents[1] / "tests" / "material"
sys.path[:0] = [str(TESTS), str(Path(__file__).resolve().parent)]

from jupyter_lab import browser, jupyter_lab, wait_for_kernel, write_cells  # noqa: E402
from scoring_material import make_corpus  # noqa: E402
from small_run import SmallRun  # noqa: E402

from sedlab.config.loading import load_experiment  # noqa: E402
from sedlab.data.tables import Corpus  # noqa: E402
from sedlab.data.targets import frame_times  # noqa: E402
from sedlab.labels import CLASSES, DESED_CLASSES  # noqa: E402
from sedlab.runs.run import create_run  # noqa: E402
from sedlab.scoring.scores.file import ScoreFile, write_score_file  # noqa: E402

STEPS = 30
CELLS = """
import sys, time
import psutil
sys.path.insert(0, {benchmarks!r})
import workbench
from sedlab.runs.explore.systems import scored_systems_of
run = workbench.synthesised("project", {clips})
systems = [one for one in scored_systems_of(run, "devtest") if one.iteration == 2]
---
held = round(psutil.Process().memory_info().rss / 1e6)
began = time.time()
explorer = run.explore(subset="devtest", systems=systems)
made = time.time()
explorer
---
print("MADE", began, made, len(systems))
---
print("KERNEL", round(psutil.Process().memory_info().rss / 1e6), "MB, of which", held, "before the call")
"""
# Every drawing that ends, by the clock of Python's time.time().
WATCH = """
window.draws = [];
document.addEventListener("sedlab-drawn", (event) => window.draws.push({
  at: Date.now() / 1000, milliseconds: event.detail.milliseconds, parts: event.detail.parts,
  title: document.querySelector(".sedlab-player .title")?.textContent }), true);
0;
"""


class BigRun(SmallRun):
    """A run of many clips of noise."""

    clips = 0

    def corpus(self):
        return made_corpus(self.path, self.clips)  # read once, as that of any run

    def read(self, subset, clip_id, num_samples=None):
        return np.random.default_rng(int(clip_id[4:])).normal(0, 0.1, 160_000).astype(np.float32)


@cache
def made_corpus(root: Path, num_clips: int) -> Corpus:
    """Return the tables of clips with two events each."""
    rng = np.random.default_rng(0)
    clips, events = [], []
    for name in names(num_clips):
        clips.append({"subset": "devtest", "clip_id": name, "audio": f"{name}.wav", "recording": name})
        for label in rng.choice(DESED_CLASSES, 2, replace=False):
            onset = rng.uniform(0, 8)
            events.append(("devtest", name, onset, onset + rng.uniform(0.2, 2), label, 1.0))
    return make_corpus(clips, events, root=root)


def names(clips: int) -> list[str]:
    """Return the ids of the clips."""
    return [f"clip{number:05}" for number in range(clips)]


def synthesised(folder: str, clips: int) -> BigRun:
    """Return a run whose 4 systems of iteration 2 have scores of its test set: noise, and a sound now and then."""
    created = create_run(load_experiment("mini"), Path(folder) / "runs" / "big")
    run = BigRun(created.path, created.experiment)
    object.__setattr__(run, "clips", clips)
    for place, model in enumerate((*run.experiment.archs, "ensemble")):
        rng = np.random.default_rng(place)
        logits = rng.normal(-5, 1, (clips, 156, len(CLASSES))).astype(np.float32)
        for one in logits:
            for column in rng.choice(len(DESED_CLASSES), 3, replace=False):
                start = rng.integers(0, 130)
                one[start : start + 25, column] += rng.normal(6, 2)
        home = run.pseudo_labels_dir(2) if model == "ensemble" else run.scores_dir(2, "stage2", model)
        write_score_file(home / "devtest.hdf5", ScoreFile(names(clips), logits, CLASSES, frame_times()))
    return run


def main() -> None:
    """Print all measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1168)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cells = CELLS.format(benchmarks=str(Path(__file__).resolve().parent), clips=options.clips).split("---\n")
        write_cells(Path(folder) / "explore.ipynb", cells)
        with jupyter_lab(Path(folder)) as address, browser() as opened:
            page = opened.new_page(viewport={"width": 1500, "height": 1400})
            page.set_default_timeout(120_000)
            page.goto(address.format("explore.ipynb"))
            page.evaluate(WATCH)
            measure(opened, page)


def measure(opened, page) -> None:
    """Run the cells one by one and print what each part takes."""
    wait_for_kernel(page)
    for place in (0, 1, 2):
        run_cell(page, place)
    page.locator(".jp-OutputArea-output").filter(has_text="MADE").wait_for()
    page.wait_for_function("draws.some(({ parts }) => parts.includes('sound'))")
    line = page.locator(".jp-OutputArea-output").filter(has_text="MADE").inner_text().split()
    began, made, systems = float(line[1]), float(line[2]), line[3]
    first = page.evaluate("draws.find(({ parts }) => parts.includes('sound')).at")
    print(f"{systems} systems; the call takes {made - began:.2f} s, the first clip is drawn {first - made:.2f} s later")

    page.wait_for_timeout(12_000)  # numbers of the list come by and by
    player = page.locator(".sedlab-player")
    times = []
    for _ in range(12):
        page.wait_for_timeout(700)
        times.append(page.evaluate(NEXT))
    print(f"next clip: {statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f}) from key to drawing")
    times = [page.evaluate(SORT, column) for column in ("confidence", "entropy") for _ in range(4)]
    print(f"sort: {statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f}) from press to next frame")

    slider = player.get_by_label("Threshold", exact=True)
    slider.evaluate("node => node.focus()")
    opened.start_tracing(page=page, categories=["devtools.timeline", "toplevel", "blink.user_timing"])
    page.evaluate("performance.mark('steps-begin'); draws.length = 0; 0;")
    for _ in range(STEPS):
        slider.evaluate(
            "node => { node.value = 0.2 + (Number(node.value) + 0.017) % 0.6; node.dispatchEvent(new Event('input')); }"
        )
        page.wait_for_timeout(60)
    trace = json.loads(opened.stop_tracing())["traceEvents"]
    draws = page.evaluate("draws.map(({ milliseconds }) => milliseconds)")
    tasks = longest_tasks(trace)
    print(
        f"threshold step: drawing {statistics.median(draws):.1f} ms (at most {max(draws):.1f}), {len(draws)} drawings; "
        f"main thread: median task {statistics.median(tasks):.1f} ms, 95 % {np.percentile(tasks, 95):.1f}, "
        f"longest {max(tasks):.1f} ms"
    )
    run_cell(page, 3)
    page.locator(".jp-OutputArea-output").filter(has_text="KERNEL").wait_for()
    print(page.locator(".jp-OutputArea-output").filter(has_text="KERNEL").inner_text())
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    print(f"page: {session.send('Runtime.getHeapUsage')['usedSize'] / 1e6:.0f} MB of JavaScript objects")


NEXT = """() => new Promise((resolve) => {
  const root = document.querySelector(".sedlab-player");
  root.focus();
  const began = performance.now();
  const heard = (event) => {
    if (!event.detail.parts.includes("sound")) return;
    document.removeEventListener("sedlab-drawn", heard, true);
    resolve(performance.now() - began);
  };
  document.addEventListener("sedlab-drawn", heard, true);
  root.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true }));
})"""

SORT = """(column) => new Promise((resolve) => {
  const heads = [...document.querySelectorAll(".sedlab-clip-table thead th")];
  const began = performance.now();
  const sorted = () => {
    document.removeEventListener("sedlab-draw", sorted, true);
    requestAnimationFrame(() => resolve(performance.now() - began));
  };
  document.addEventListener("sedlab-draw", sorted, true);
  heads.find((head) => head.textContent.trim() === column).click();
})"""


def run_cell(page, place: int) -> None:
    """Run one cell of the notebook."""
    page.evaluate(
        "place => { const notebook = window.jupyterapp.shell.currentWidget.content;"
        " notebook.activeCellIndex = place;"
        " void window.jupyterapp.commands.execute('notebook:run-cell'); }",
        place,
    )


def longest_tasks(trace: list[dict]) -> list[float]:
    """Return, for each slider event of a trace, the milliseconds of the tasks of its thread that drew after it."""
    steps = [one for one in trace if one.get("name") == "EventDispatch" and one["args"]["data"]["type"] == "input"]
    frames = [one for one in trace if one.get("name") == "FireAnimationFrame"]
    found = []
    for step in steps:
        until = step["ts"] + 50_000
        drawn = sum(one.get("dur", 0) for one in frames if one["tid"] == step["tid"] and step["ts"] < one["ts"] < until)
        found.append((step.get("dur", 0) + drawn) / 1000)
    return found


if __name__ == "__main__":
    main()
