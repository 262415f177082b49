"""What `sedlab detect` does between its options and the rooms that work: recordings in, events out.

A recording that cannot be read is reported, and the others are finished.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sedlab.commands import detection_outputs as outputs
from sedlab.commands.detection_outputs import Result
from sedlab.commands.detection_rule import DetectionRule, detection_rule
from sedlab.commands.display import format_seconds
from sedlab.commands.recordings import Recording, find_recordings
from sedlab.errors import SedlabError

if TYPE_CHECKING:
    from sedlab.inference.predictor import Predictor
    from sedlab.inference.recording import RecordingScores
    from sedlab.progress import Progress


@dataclass(frozen=True)
class DetectOptions:
    """How recordings are scored, and what is written about them."""

    formats: tuple[str, ...] = ("tsv",)
    """tsv, audacity, json, scores"""
    plot: bool = False
    thresholds: tuple[str, ...] = ()
    """As in `detection_rule`."""
    postprocess: str | None = None
    """As in `detection_rule`."""
    classes: tuple[str, ...] = ()
    """Classes to report; none: all."""
    network: str = "student"
    device: str = "auto"
    batch_size: int = 4
    """Windows of 10 s scored at once."""


@dataclass(frozen=True)
class _Job:
    """Everything that is the same for all recordings."""

    predictor: Predictor
    rule: DetectionRule
    options: DetectOptions
    out: Path | None


def detect_command(inputs: Sequence[Path], checkpoint: Path, out: Path | None, options: DetectOptions) -> None:
    """Detect events in files and folders; write them to ``out``, or print them as a table.

    Raises
    ------
    SedlabError
        For wrong options; and at the end, when a recording could not be analysed.
    """
    recordings = find_recordings(inputs)
    predictor = _load(checkpoint, options)
    rule = detection_rule(
        predictor.classes, thresholds=options.thresholds, postprocess=options.postprocess, classes=options.classes
    )
    job = _Job(predictor, rule, options, out)
    if out is None:
        print("filename", "onset", "offset", "event_label", "confidence", sep="\t", flush=True)
    results: list[Result] = []
    console = Console(stderr=True)
    interrupted = False
    with _progress(console, len(recordings)) as next_recording:
        try:
            for recording in recordings:
                results.append(_analyse(job, recording, next_recording(recording.filename)))
                if results[-1].error:
                    _say(console, f"failed: {results[-1].error}")
        except KeyboardInterrupt:
            interrupted = True
    if out is not None:
        if "tsv" in options.formats:
            outputs.write_events(out, results)
        if "json" in options.formats:
            outputs.write_document(out, results, checkpoint=checkpoint, network=options.network, rule=rule)
    if interrupted:
        raise SedlabError(f"interrupted after {len(results)} of {len(recordings)} recordings; those are in the output.")
    _conclude(console, results, out)


def _analyse(job: _Job, recording: Recording, progress: Progress) -> Result:
    """Score one recording and write or print what is its own; a recording that cannot be read has an error."""
    try:
        scores = job.predictor.predict_file(recording.path, progress=progress)
    except SedlabError as error:
        return Result(recording, error=str(error))
    result = Result(recording, scores.duration, job.rule.events(scores))
    if job.out is None:
        table = outputs.event_table(result)
        table.to_csv(sys.stdout, sep="\t", index=False, header=False, lineterminator="\n")
        sys.stdout.flush()
    else:
        _write(job, result, scores, job.out)
    return result


def _write(job: _Job, result: Result, scores: RecordingScores, out: Path) -> None:
    if "audacity" in job.options.formats:
        outputs.write_audacity(out, result)
    if "scores" in job.options.formats:
        outputs.write_scores(out, result.recording, job.rule.score_table(scores))
    if job.options.plot:
        outputs.write_plot(out, result, scores)


def _conclude(console: Console, results: Sequence[Result], out: Path | None) -> None:
    done = [result for result in results if not result.error]
    if len(done) < len(results):
        number = f"{len(results) - len(done)} of {len(results)} recordings"
        raise SedlabError(f"{number} could not be analysed, the reasons are above; the others are in the output.")
    if out is not None:
        seconds = format_seconds(sum(result.duration for result in done))
        events = sum(len(result.events) for result in done)
        _say(console, f"{events} events, {len(done)} recordings, {seconds} of audio: {out}")


def _load(checkpoint: Path, options: DetectOptions) -> Predictor:
    import torch

    from sedlab.checkpoints.loading import load_network
    from sedlab.inference.predictor import Predictor

    if options.device == "cuda" and not torch.cuda.is_available():
        raise SedlabError("--device cuda: torch sees no GPU. Use --device cpu, or see sedlab doctor.")
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    network = load_network(checkpoint, network=options.network).to(device)
    return Predictor(network, batch_size=options.batch_size)


@contextmanager
def _progress(console: Console, num_recordings: int) -> Iterator[Callable[[str], Progress]]:
    """Yield a function that takes the name of the next recording and returns the callback for its seconds.

    A bar in a terminal, nothing elsewhere.
    """
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    # A table that is piped on must not be taken for a message that belongs above the bar.
    redirect = sys.stdout.isatty()
    with Bar(
        *columns, console=console, transient=True, redirect_stdout=redirect, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None, state="")
        numbers = count(1)

        def next_recording(name: str) -> Progress:
            bar.update(task, description=f"{next(numbers)} of {num_recordings}: {name}", completed=0, state="reading")
            return show

        def show(done: float, total: float, _what: str) -> None:
            state = f"{format_seconds(done)} of {format_seconds(total)}"
            bar.update(task, completed=done, total=total, state=state)

        yield next_recording


def _say(console: Console, text: str) -> None:
    # Without markup and wrapping: a name or path in brackets has to arrive as it is.
    console.print(text, markup=False, highlight=False, soft_wrap=True)
