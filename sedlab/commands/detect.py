"""`sedlab detect`: events in recordings.

A recording that cannot be read is reported, and the others are finished.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from sedlab.commands import options
from sedlab.commands.output import format_seconds, plain_console, progress_bar, say
from sedlab.errors import SedlabError, SedlabWarning, count_of

if TYPE_CHECKING:
    from sedlab.commands.detection.outputs import Result
    from sedlab.commands.detection.rule import DetectionRule
    from sedlab.data.formats.recordings import InputRecording
    from sedlab.inference.predictor import Predictor
    from sedlab.inference.recording import RecordingScores
    from sedlab.progress import Progress


#: What can be written about recordings.
EventFormat = StrEnum("EventFormat", "tsv audacity json scores")


@dataclass(frozen=True)
class _Job:
    """Everything that is the same for all recordings."""

    predictor: Predictor
    rule: DetectionRule
    formats: Sequence[EventFormat]
    plot: bool
    out: Path | None
    told: str
    """How events are found, for a picture."""


def detect(
    audio: Annotated[list[Path], typer.Argument(metavar="AUDIO...", help="Sound files, or folders to search.")],
    checkpoint: Annotated[Path, typer.Option(metavar="FILE", help="Published or own, see sedlab weights list.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where files go; those of an earlier call are replaced. Default: print."),
    ] = None,
    format_: Annotated[
        list[EventFormat],
        typer.Option("--format", help="tsv: events.tsv. audacity: a label track each. scores: probabilities. Repeat."),
    ] = [EventFormat.tsv],  # noqa: B006  (typer makes a new list)
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="X", help="0.5, CLASS=0.3 or a JSON file {class: threshold}. Repeat. Default: 0.5."),
    ] = None,
    thresholds: options.ThresholdFile = None,
    postprocess: Annotated[
        str | None,
        typer.Option(
            metavar="none|median|FILE", help="FILE: of sedlab tune. Default: median for events, none for scores."
        ),
    ] = None,
    classes: options.Classes = None,
    network: Annotated[
        Literal["student", "teacher"], typer.Option(help="Teacher: the mean teacher, running mean of the student.")
    ] = "student",
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where the network runs.")] = "auto",
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Windows of 10 s that are scored at once. Default: 4, up to 64 on a GPU.")
    ] = None,
    precision: Annotated[
        Literal["auto", "float32", "half"], typer.Option(help="Of the network. Auto: half on a GPU, as it was trained.")
    ] = "auto",
    plot: Annotated[bool, typer.Option("--plot", help="Draw each recording with its events (PNG).")] = False,
) -> None:
    """Detect sound events in recordings of any length, sample rate and number of channels.

    Without --out the events are printed as a table. A recording that cannot be read is reported, the others are
    finished, and the exit status is 1.

    Example: sedlab detect recordings/ --checkpoint atst_stage2.ckpt --out found --format audacity --format json --plot
    """
    from sedlab.commands.detection import outputs
    from sedlab.commands.detection.rule import detection_rule
    from sedlab.data.formats.recordings import find_recordings
    from sedlab.runs.moved.left_out import require_packed

    require_packed(checkpoint)
    if out is None and (plot or set(format_) != {EventFormat.tsv}):
        raise typer.BadParameter("writes files: give their folder with --out.", param_hint="--plot/--format")
    console = plain_console(stderr=True)
    with _notes(console):
        recordings = find_recordings(audio)
    predictor = _load(checkpoint, network, device, batch_size, precision)
    rule = detection_rule(
        predictor.classes,
        thresholds=threshold or (),
        chosen=thresholds,
        postprocess=postprocess,
        classes=options.class_names(classes, predictor.classes),
    )
    job = _Job(predictor, rule, format_, plot, out, _told(predictor, checkpoint, network, rule))
    if out is None:
        print("filename", "onset", "offset", "event_label", "confidence", sep="\t", flush=True)
    results: list[Result] = []
    interrupted = False
    with progress_bar(console) as progress, _notes(console) as tell:

        def seconds_of(place: int) -> Progress:
            name = f"{place + 1} of {len(recordings)}: {recordings[place].filename}"
            return partial(_show_seconds, progress, name)

        try:
            found = predictor.predict_files([recording.path for recording in recordings], progress=seconds_of)
            for recording, scores in zip(recordings, found, strict=True):
                results.append(_finish(job, recording, scores))
                tell()
                if results[-1].error:
                    say(console, f"failed: {_one_line(results[-1].error)}")
        except KeyboardInterrupt:
            interrupted = True
    if out is not None:
        if EventFormat.tsv in format_:
            outputs.write_events(out, results)
        if EventFormat.json in format_:
            outputs.write_document(out, results, checkpoint=checkpoint, network=network, rule=rule)
    if interrupted:
        raise SedlabError(
            f"interrupted after {len(results)} of {count_of(len(recordings), 'recording')}; those are in the output."
        )
    _conclude(console, results, out)


def _told(predictor: Predictor, checkpoint: Path, network: str, rule: DetectionRule) -> str:
    """Return in words which network and which rule find the events."""
    from sedlab.data.formats.names import readable_name
    from sedlab.scoring.names import model_name

    config = predictor.network.config
    arch = getattr(config, "transformer", config).arch
    return f"{model_name(arch)}, {network} of {readable_name(checkpoint)}: {rule.told()}"


@contextmanager
def _notes(console: Console) -> Iterator[Callable[[], None]]:
    """Collect what sedlab warns of in the block, in any thread; libraries are not heard.

    It is printed, each sentence once and on a line of its own, when the block ends, and before that by the function
    that it gets.
    """
    told: set[str] = set()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SedlabWarning)

        def tell() -> None:
            new, caught[:] = caught[:], []
            for warning in new:
                note = _one_line(str(warning.message))
                if issubclass(warning.category, SedlabWarning) and note not in told:
                    told.add(note)
                    say(console, f"note: {note}")

        try:
            yield tell
        finally:
            tell()


def _one_line(text: str) -> str:
    # Names may hold line breaks.
    return text.replace("\n", r"\n")


def _show_seconds(progress: Progress, name: str, done: float, total: float, _what: str) -> None:
    progress(done, total, f"{name}, {format_seconds(done)} of {format_seconds(total)}")


def _finish(job: _Job, recording: InputRecording, scores: RecordingScores | Exception) -> Result:
    """Write or print what is one recording's own; one that failed, for whatever reason, has an error."""
    from sedlab.commands.detection import outputs
    from sedlab.data.formats.names import readable_name

    try:
        if isinstance(scores, Exception):
            raise scores
        result = outputs.Result(recording, scores.duration, job.rule.events(scores))
        if job.out is not None:
            _write(job, result, scores)
    except SedlabError as error:
        return outputs.Result(recording, error=readable_name(str(error)))
    except Exception as error:
        # A defect of ours or of a library: its recording is lost, not those after it.
        reason = " ".join(str(error).split()).rstrip(".") or "no reason given"
        message = f"{recording.path}: {type(error).__name__} ({reason}). Convert it to WAV, or leave it out."
        return outputs.Result(recording, error=readable_name(message))
    if job.out is None:
        table = outputs.event_table(result)
        table.to_csv(sys.stdout, sep="\t", index=False, header=False, lineterminator="\n")
        sys.stdout.flush()
    return result


def _write(job: _Job, result: Result, scores: RecordingScores) -> None:
    """Write the files that belong to one recording."""
    from sedlab.commands.detection import outputs

    if EventFormat.audacity in job.formats:
        outputs.write_audacity(job.out, result)
    if EventFormat.scores in job.formats:
        outputs.write_scores(job.out, result.recording, job.rule.score_table(scores))
    if job.plot:
        outputs.write_plot(job.out, result, scores, note=job.told)


def _conclude(console: Console, results: Sequence[Result], out: Path | None) -> None:
    done = [result for result in results if not result.error]
    if len(done) < len(results):
        number = f"{len(results) - len(done)} of {count_of(len(results), 'recording')}"
        raise SedlabError(f"{number} could not be analysed, the reasons are above; the others are in the output.")
    if out is not None:
        seconds = format_seconds(sum(result.duration for result in done))
        events = sum(len(result.events) for result in done)
        say(console, f"{count_of(events, 'event')}, {count_of(len(done), 'recording')}, {seconds} of audio: {out}")


def _load(checkpoint: Path, network: str, device: str, batch_size: int | None, precision: str) -> Predictor:
    import torch

    from sedlab.checkpoints.loading import load_network
    from sedlab.inference.evaluating import batch_that_fits
    from sedlab.inference.predictor import Predictor

    if device == "cuda" and not torch.cuda.is_available():
        raise SedlabError("--device cuda: torch sees no GPU. Use --device cpu, or see sedlab doctor.")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    loaded = load_network(checkpoint, network=network).to(device)
    return Predictor(
        loaded,
        batch_size=batch_size or batch_that_fits(device, least=4, most=64),
        precision="32-true" if precision == "float32" else "16-mixed",
    )
