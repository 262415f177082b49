"""What `sedlab run` prints when something an experiment needs is not there: tables in a terminal, lines in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from rich.console import Console
from rich.table import Column, Table

from sedlab.commands.output import say
from sedlab.errors import count_of
from sedlab.pipeline.readiness import Machine, NeededFile, Readiness, in_working_folder
from sedlab.pipeline.subset_states import SubsetState
from sedlab.pipeline.training_cost import TrainingCost
from sedlab.weights.store import WEIGHTS_FOLDER

#: Subset -> where its makers keep it. Identifiers as in data/README.md.
SOURCES = {
    "synth_train": "Zenodo 6026841",
    "strong_train": "labels Zenodo 6444477, audio YouTube",
    "weak_train": "labels Zenodo 4639776, audio YouTube",
    "unlabeled_train": "list Zenodo 4639776, audio YouTube",
    "maestro_train": "Zenodo 7244360, windows every second",
    "external_strong_train": "audio saoyear.github.io",
    "synth_val": "Zenodo 6026841",
    "external_strong_eval": "audio saoyear.github.io",
    "weak_val": "part of weak_train's",
    "maestro_val": "part of maestro_train's",
    "devtest": "labels Zenodo 4639776, audio YouTube",
    "maestro_dev": "Zenodo 7244360, windows every second",
    "eval_public": "Zenodo 4560759",
    "audioset_train": "labels research.google.com/audioset, audio YouTube",
    "audioset_eval": "labels research.google.com/audioset, audio YouTube",
    "own_train": "sedlab data import",
    "own_weak": "sedlab data import",
    "own_unlabeled": "sedlab data import --unlabeled",
    "own_val": "sedlab data import",
    "own_test": "sedlab data import",
}
#: What a subset is for, where its split does not say it.
PURPOSES = {
    "audioset_train": "pre-training",
    "weak_val": "clip-level F1 while training",
    "maestro_val": "selects checkpoints",
    "synth_val": "selects checkpoints, tunes event boxes",
    "external_strong_eval": "selects checkpoints",
    "audioset_eval": "selects pre-trained networks",
    "own_val": "selects checkpoints, tunes event boxes",
}


def print_readiness(console: Console, name: str, ready: Readiness) -> None:
    """Print everything the experiment ``name`` needs, and what is there of it."""
    _line(console, f"{name}: what it needs, and what is here")
    if ready.subsets:
        _subsets(console, ready)
    files = (*ready.data_files, *ready.weights)
    if files:
        _files(console, files)
    if ready.trainings:
        _trainings(console, ready)
        _machine(console, ready.machine, ready.trainings)
    _line(console, "")


def print_jobs(console: Console, jobs: Sequence[str]) -> None:
    """Print the names of the jobs that cannot be run yet."""
    _line(console, f"{count_of(len(jobs), 'job')} would run once everything needed is here:")
    _line(console, fill("  ".join(jobs), 118, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))


def _subsets(console: Console, ready: Readiness) -> None:
    columns = ("set", "needed", "clips", "for", "from")
    _table(console, f"Clips in {in_working_folder(ready.root)}", columns, [_subset_row(s) for s in ready.subsets])
    absent = [state for state in ready.subsets if not state.is_there]
    if not absent:
        return
    enough = "1 of: one of these sets is enough. " if any(_needed(state) == "1 of" for state in ready.subsets) else ""
    own = all(state.subset.family == "own" for state in ready.subsets)
    command = "sedlab data import" if own else "sedlab data {desed,maestro,audioset} download"
    _line(console, f"{enough}To get them: {command}.")
    _line(console, f"Looked for and not found in {in_working_folder(ready.root)}:")
    width = max(len(state.subset.name) for state in absent)
    for state in absent:
        _line(console, f"  {state.subset.name:<{width}}  {state.problem or ', '.join(state.missing)}")


def _subset_row(state: SubsetState) -> tuple[str, ...]:
    subset, expected = state.subset, state.subset.published_count
    clips = f"{state.clips} of {'?' if expected is None else expected}"
    if state.training_clips < state.clips:
        clips += f" ({state.training_clips} after exclusions)"
    purpose = PURPOSES.get(subset.name, {"train": "training", "test": "test"}.get(subset.split, ""))
    return subset.name, _needed(state), clips, purpose, SOURCES[subset.name]


def _needed(state: SubsetState) -> str:
    if not state.required:
        return "no"
    return "yes" if state.subset.split == "train" else "1 of"


def _files(console: Console, files: Sequence[NeededFile]) -> None:
    rows = [
        (
            str(in_working_folder(file.path)),
            "yes" if file.required else "no",
            f"{file.state} ({file.detail})" if file.detail else file.state,
            file.what,
        )
        for file in files
    ]
    _table(console, "Files", ("file", "needed", "state", "what"), rows)
    absent = [file for file in files if not file.is_there]
    if absent:
        _line(console, "To get them:")
    for folder in dict.fromkeys(file.path.parent for file in absent if file.download):
        names = " ".join(file.download for file in absent if file.download and file.path.parent == folder)
        root = in_working_folder(folder)
        _line(console, f"  sedlab weights download {names}{'' if root == WEIGHTS_FOLDER else f' --root {root}'}")
    for advice in dict.fromkeys(file.advice for file in absent if file.advice):
        _line(console, f"  {advice}")
    _line(console, "Pseudo-labels are made by the iteration before; none have to be downloaded.")


def _trainings(console: Console, ready: Readiness) -> None:
    rows = [
        (
            cost.node,
            f"{cost.batch_clips} x {cost.accumulation}",
            f"0: too few clips of {cost.short_group}" if cost.short_group else str(cost.steps_per_epoch),
            str(cost.epochs),
            f"{cost.steps:,}",
            "" if cost.gpu_bytes is None else _gigabytes(cost.gpu_bytes),
        )
        for cost in ready.trainings
    ]
    basis = "the clips found" if ready.from_found_clips else "the published numbers of clips where none are here"
    columns = ("training", "clips x accumulation", "steps/epoch", "epochs", "steps", "GPU memory")
    _table(console, f"Trainings, steps from {basis}", columns, rows)
    if any(cost.gpu_bytes for cost in ready.trainings):
        _line(
            console,
            "GPU memory is an estimate, not a measurement on a GPU: weights of all networks, gradients and moments in "
            "32 bits, 1 GB for the libraries, and what the forward pass keeps for the backward pass, counted on a CPU.",
        )


def _machine(console: Console, machine: Machine, trainings: Sequence[TrainingCost]) -> None:
    largest = max((cost.gpu_bytes or 0 for cost in trainings), default=0)
    rows = [("GPU", *_gpu(machine, largest))]
    files = machine.cache_bytes + machine.scores_bytes + (machine.checkpoints_bytes or 0)
    parts = [f"waveform cache {_gigabytes(machine.cache_bytes)}", f"scores {_gigabytes(machine.scores_bytes)}"]
    if machine.checkpoints_bytes is not None:
        parts.append(f"checkpoints {_gigabytes(machine.checkpoints_bytes)}")
    enough = "" if machine.free_bytes > files else ": too little"
    rows.append(("disk", f"{_gigabytes(machine.free_bytes)} free{enough}", f"about {', '.join(parts)}"))
    _table(console, "Machine", ("part", "here", "takes"), rows)


def _gpu(machine: Machine, largest: int) -> tuple[str, str]:
    takes = f"about {_gigabytes(largest)} for the largest training" if largest else ""
    if not machine.gpus:
        return "none" if machine.needs_gpu else "none: trainings would run on the CPU", takes
    memory = "" if machine.gpu_bytes is None else f", {_gigabytes(machine.gpu_bytes)}"
    short = machine.gpu_bytes is not None and machine.gpu_bytes < largest
    return f"{', '.join(machine.gpus)}{memory}{': too little' if short else ''}", takes


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _table(console: Console, title: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table that fits a terminal; in a pipe one line a row, nothing cut off."""
    _line(console, "")
    if console.is_terminal:
        table = Table(*(Column(name, overflow="fold") for name in columns), title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        console.print(table, highlight=False)
        return
    _line(console, title)
    widths = [max(len(row[column]) for row in (columns, *rows)) for column in range(len(columns))]
    for row in (columns, *rows):
        _line(console, "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _line(console: Console, text: str) -> None:
    say(console, text, soft_wrap=not console.is_terminal)
