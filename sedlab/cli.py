"""The command line: `sedlab ...`. Thin: each command reads its options and calls the room that does the work.

Rooms are imported inside the commands, so that help is shown at once.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from sedlab.errors import SedlabError

app = typer.Typer(
    name="sedlab",
    help="A research workbench for sound event detection. Start with: sedlab run mini",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Corpora. Example: sedlab data mini", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")
weights_app = typer.Typer(
    help="Published checkpoints. Example: sedlab weights list", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(weights_app, name="weights")


@app.command()
def run(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="Name of a preset (nano, mini, ...) or a YAML file.")],
    name: Annotated[str | None, typer.Option(help="Name of the folder in runs/. Default: that of the preset.")] = None,
    arch: Annotated[
        list[str] | None, typer.Option(metavar="NAMES", help="Transformers: passt, beats, atst. Repeat, or use commas.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Number of iterations.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change an option of the preset. Repeat.")
    ] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="CPU cores to use. Default: all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the jobs to run, and what they lack.")] = False,
) -> None:
    """Run an experiment, or what is missing of it.

    Example: sedlab run mini --name quick --arch atst --iterations 1 --set stage2.epochs=5
    """
    from sedlab.commands.run import run_command

    run_command(
        preset, name=name, archs=arch or [], iterations=iterations, overrides=set_ or [], cores=cores, dry_run=dry_run
    )


@data_app.command()
def mini(
    action: Annotated[
        Literal["prepare", "check"], typer.Argument(help="prepare: generate and show it. check: show what is there.")
    ] = "prepare",
    root: Annotated[Path, typer.Option(help="Folder of the corpus.")] = Path("data/mini"),
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other sounds.")] = 0,
) -> None:
    """Generate the embedded mini corpus: procedural soundscapes in the layout of the real corpora.

    Example: sedlab data mini --root data/mini
    """
    from sedlab.commands.run import check_command, mini_command

    check_command(root) if action == "check" else mini_command(root, seed)


class EventFormat(StrEnum):
    """What `sedlab detect` writes."""

    tsv = "tsv"
    audacity = "audacity"
    json = "json"
    scores = "scores"


@app.command()
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
    postprocess: Annotated[
        str | None,
        typer.Option(
            metavar="none|median|FILE", help="FILE: of sedlab tune. Default: median for events, none for scores."
        ),
    ] = None,
    classes: Annotated[str, typer.Option(metavar="NAMES", help="Classes to report, with commas between.")] = "",
    network: Annotated[Literal["student", "teacher"], typer.Option(help="Teacher: mean of the student.")] = "student",
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where the network runs.")] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Windows of 10 s that are scored at once.")] = 4,
    plot: Annotated[bool, typer.Option("--plot", help="Draw each recording with its events (PNG).")] = False,
) -> None:
    """Detect sound events in recordings of any length, sample rate and number of channels.

    Without --out the events are printed as a table. A recording that cannot be read is reported, the others are
    finished, and the exit status is 1.

    Example: sedlab detect recordings/ --checkpoint atst_stage2.ckpt --out found --format audacity --format json --plot
    """
    from sedlab.commands.detect import DetectOptions, detect_command

    if out is None and (plot or set(format_) != {EventFormat.tsv}):
        raise typer.BadParameter("writes files: give their folder with --out.", param_hint="--plot/--format")
    options = DetectOptions(
        formats=tuple(kind.value for kind in format_),
        plot=plot,
        thresholds=tuple(threshold or ()),
        postprocess=postprocess,
        classes=_names(classes),
        network=network,
        device=device,
        batch_size=batch_size,
    )
    detect_command(audio, checkpoint, out, options)


@app.command()
def evaluate(
    scores: Annotated[Path, typer.Argument(metavar="SCORES", help="HDF5 score file, or a folder with one TSV a clip.")],
    ground_truth: Annotated[
        Path, typer.Option(metavar="TSV", help="filename, onset, offset, event_label; soft labels also confidence.")
    ],
    durations: Annotated[
        Path | None, typer.Option(metavar="TSV", help="filename, duration (seconds). PSDS needs it.")
    ] = None,
    postprocess: Annotated[
        str, typer.Option(metavar="none|median|csebbs|FILE", help="FILE: tuned parameters (sedlab tune).")
    ] = "none",
    parameters: Annotated[Path | None, typer.Option(metavar="FILE", help="For csebbs or median (sedlab tune).")] = None,
    metric: Annotated[
        Literal["auto", "psds", "mpauc"],
        typer.Option(help="auto: mpauc for soft labels and MAESTRO classes, psds and F1 otherwise."),
    ] = "auto",
    classes: Annotated[str, typer.Option(metavar="NAMES", help="Classes to score, with commas between.")] = "",
    common_clips: Annotated[bool, typer.Option("--common-clips", help="Leave out clips on one side only.")] = False,
    threshold: Annotated[float, typer.Option(min=0.0, max=1.0, help="For F1; F1 at the best is there too.")] = 0.5,
    pipsds: Annotated[
        bool, typer.Option("--pipsds", help="Also PSDS1 with the best median filter at every point (slow).")
    ] = False,
    intervals: Annotated[
        int, typer.Option(metavar="N", min=0, help="Bootstrap 95 % intervals from N resamples of the clips. 0: none.")
    ] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all of it as JSON.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a row a number.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the PSD-ROC curve (.png, .svg).")] = None,
) -> None:
    """Evaluate scores: PSDS and F1 of events, mpAUC of soft one-second labels, overall and by class.

    Clips without event do not count for PSDS and F1, as in the published evaluation. Example: sedlab evaluate
    scores.hdf5 --ground-truth validation.tsv --durations validation_durations.tsv --postprocess median
    """
    from sedlab.commands.evaluate import EvaluateOptions, evaluate_command

    options = EvaluateOptions(
        postprocess=postprocess,
        parameters=parameters,
        metric=metric,
        classes=_names(classes),
        common_clips=common_clips,
        threshold=threshold,
        pipsds=pipsds,
        replicates=intervals,
    )
    evaluate_command(scores, ground_truth, durations, options, json_file=json_file, csv_file=csv_file, plot=plot)


@app.command()
def tune(
    scores: Annotated[Path, typer.Argument(metavar="SCORES", help="HDF5 score file, or a folder with one TSV a clip.")],
    ground_truth: Annotated[Path, typer.Option(metavar="TSV", help="filename, onset, offset, event_label.")],
    durations: Annotated[Path, typer.Option(metavar="TSV", help="filename, duration (seconds).")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the parameters go (JSON).")],
    method: Annotated[
        Literal["csebbs", "median"], typer.Option(help="Sound event bounding boxes, or lengths of the median filter.")
    ] = "csebbs",
    common_clips: Annotated[bool, typer.Option("--common-clips", help="Leave out clips on one side only.")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw every setting tried (.png, .svg).")] = None,
) -> None:
    """Tune post-processing class by class: the setting with the best PSDS1 of the class alone.

    Tune on other clips than those you report results of.

    Example: sedlab tune scores.hdf5 --ground-truth validation.tsv --durations validation_durations.tsv
    --out csebbs.json
    """
    from sedlab.commands.tune import tune_command

    tune_command(scores, ground_truth, durations, out, method=method, common_clips=common_clips, plot=plot)


@app.command("compare")
def compare_systems(
    scores_a: Annotated[Path, typer.Argument(metavar="SCORES_A", help="HDF5 score file, or folder of score TSVs.")],
    scores_b: Annotated[Path, typer.Argument(metavar="SCORES_B", help="Of the same clips; differences are B - A.")],
    ground_truth: Annotated[
        Path, typer.Option(metavar="TSV", help="filename, onset, offset, event_label; soft labels also confidence.")
    ],
    durations: Annotated[
        Path | None, typer.Option(metavar="TSV", help="filename, duration (seconds). PSDS needs it.")
    ] = None,
    metrics: Annotated[
        str, typer.Option(metavar="NAMES", help="psds1, psds2, collar_f1, intersection_f1 or mpauc. Default: all.")
    ] = "",
    postprocess: Annotated[
        str, typer.Option(metavar="none|median|csebbs|FILE", help="FILE: tuned parameters (sedlab tune).")
    ] = "none",
    parameters: Annotated[Path | None, typer.Option(metavar="FILE", help="For csebbs or median (sedlab tune).")] = None,
    metric: Annotated[
        Literal["auto", "psds", "mpauc"],
        typer.Option("--kind", help="auto: mpauc for soft labels and MAESTRO classes, psds and F1 otherwise."),
    ] = "auto",
    classes: Annotated[str, typer.Option(metavar="NAMES", help="Classes to score, with commas between.")] = "",
    common_clips: Annotated[bool, typer.Option("--common-clips", help="Leave out clips that one side lacks.")] = False,
    threshold: Annotated[float, typer.Option(min=0.0, max=1.0, help="For F1.")] = 0.5,
    resamples: Annotated[int, typer.Option(min=1, help="How often the clips are drawn again.")] = 1000,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same clips.")] = 0,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a row a difference.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the differences (.png, .svg).")] = None,
) -> None:
    """Say whether system B differs from system A: paired bootstrap over clips (MAESTRO: over recordings).

    Example: sedlab compare iteration1.hdf5 iteration2.hdf5 --ground-truth validation.tsv
    --durations validation_durations.tsv --postprocess median --metrics psds1,psds2
    """
    from sedlab.commands.compare import compare_command
    from sedlab.commands.evaluate import EvaluateOptions

    options = EvaluateOptions(
        postprocess=postprocess,
        parameters=parameters,
        metric=metric,
        classes=_names(classes),
        common_clips=common_clips,
        threshold=threshold,
        replicates=resamples,
    )
    compare_command(
        scores_a,
        scores_b,
        ground_truth,
        durations,
        options,
        metrics=_names(metrics),
        confidence=confidence,
        seed=seed,
        csv_file=csv_file,
        plot=plot,
    )


@app.command("errors")
def name_errors(
    scores: Annotated[Path, typer.Argument(metavar="SCORES", help="HDF5 score file, or a folder with one TSV a clip.")],
    ground_truth: Annotated[Path, typer.Option(metavar="TSV", help="filename, onset, offset, event_label.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the tables (CSV) and pictures (PNG) go.")],
    durations: Annotated[
        Path | None, typer.Option(metavar="TSV", help="filename, duration (seconds): for false detections an hour.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="SCORES", help="Earlier scores of the same clips: say what changed since.")
    ] = None,
    threshold: Annotated[float, typer.Option(min=0.0, max=1.0, help="Scores above it are detections.")] = 0.5,
    postprocess: Annotated[
        str, typer.Option(metavar="none|median|csebbs|FILE", help="FILE: tuned parameters (sedlab tune).")
    ] = "median",
    parameters: Annotated[Path | None, typer.Option(metavar="FILE", help="For csebbs or median (sedlab tune).")] = None,
    classes: Annotated[str, typer.Option(metavar="NAMES", help="Classes to look at, with commas between.")] = "",
    common_clips: Annotated[bool, typer.Option("--common-clips", help="Leave out clips on one side only.")] = False,
) -> None:
    """Name every error: missed, false alarm, cross-class, onset or offset early or late, fragmented, merged, duplicate.

    Example: sedlab errors scores.hdf5 --ground-truth validation.tsv --out errors --against earlier_scores.hdf5
    """
    from sedlab.commands.errors import errors_command
    from sedlab.commands.evaluate import EvaluateOptions

    options = EvaluateOptions(
        postprocess=postprocess,
        parameters=parameters,
        classes=_names(classes),
        common_clips=common_clips,
        threshold=threshold,
    )
    errors_command(scores, ground_truth, durations, options, out, against=against)


WeightsRoot = Annotated[Path, typer.Option(help="Folder of the files.")]


@weights_app.command("list")
def list_weights(
    root: WeightsRoot = Path("data/weights"),
    verify: Annotated[bool, typer.Option("--verify", help="Read the files and compare their SHA-256.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything that is registered, for machines.")] = False,
) -> None:
    """List the published checkpoints: what each is, its published score, and whether it is here.

    Exits with status 1 if a file is damaged. Example: sedlab weights list --verify
    """
    from sedlab.commands.weights import list_command

    list_command(root, verify=verify, as_json=as_json)


@weights_app.command("download")
def download_weights(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Files or groups, or all (every checkpoint).")],
    root: WeightsRoot = Path("data/weights"),
    mirror: Annotated[
        str, typer.Option(metavar="URL", help="Folder that holds the files under their published names.")
    ] = "",
) -> None:
    """Download published files, going on where an earlier call stopped; check those that are here.

    Proxies are those of the environment (HTTPS_PROXY). SEDLAB_WEIGHTS_MIRROR is the default of --mirror.
    Example: sedlab weights download atst_stage2 beats_stage2
    """
    from sedlab.commands.weights import download_command

    download_command(names, root, mirror=mirror)


@weights_app.command("inspect")
def inspect_weights(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A checkpoint, or the name of a published one.")],
    root: WeightsRoot = Path("data/weights"),
) -> None:
    """Say what a checkpoint holds: format, network, classes, front-end, versions.

    Example: sedlab weights inspect runs/mini/iteration2/stage2/atst/best.pt
    """
    from sedlab.commands.weights import inspect_command

    inspect_command(file, root)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Open JupyterLab on the notebooks. Other options are passed on to it.

    Example: sedlab lab --port 8890 --no-browser
    """
    from sedlab.commands.lab import open_lab

    open_lab(port=port, browser=not no_browser, options=context.args)


@app.command()
def doctor() -> None:
    """Say what works here: Python, torch, CUDA, audio, scoring, notebooks, disk, data sets.

    Exits with status 1 if something essential is broken. Example: sedlab doctor
    """
    from sedlab.commands.doctor import examine, print_findings

    raise typer.Exit(print_findings(examine(Path.cwd())))


def _names(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def main() -> None:
    """Run the command line; a problem the user can act on is one line and exit status 1."""
    try:
        app()
    except SedlabError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
