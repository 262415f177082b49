"""Which clips a run is tested on, and what its results lack because some sets are not among its data."""

from __future__ import annotations

from sedlab.config.experiment import StageConfig
from sedlab.data.corpora.layout import SUBSETS, TEST_SUBSETS, TRAIN_SUBSETS
from sedlab.data.corpora.roles import EVENT_TESTS, SEGMENT_TESTS, TUNING_SETS, first_there
from sedlab.errors import count_of
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import Run

#: A set below this part of the published one is another set, not a damaged copy.
_COMPARABLE = 0.25


def told_parts(run: Run) -> str:
    """Return in words on how many clips a run is tested, and a line for each thing that its data cannot show."""
    corpus = run.corpus()
    tested = [name for name in TEST_SUBSETS if name in corpus.subsets]
    sizes = corpus.clips["subset"].value_counts()
    of_each = [f"{name} ({_count(run, name, int(sizes[name]))})" for name in tested]
    lines = [f"Tested on {', '.join(of_each)}." if tested else "Not tested: there are no test clips."]
    event_test, tuned = run.event_test, first_there(TUNING_SETS, corpus.subsets)
    if not event_test:
        lines.append(f"No PSDS, no F1, no named errors: none of {', '.join(EVENT_TESTS)} is there.")
    elif event_test != EVENT_TESTS[0] and "own_test" not in tested:
        lines.append(f"PSDS1 and errors are those of {event_test}: {EVENT_TESTS[0]} is not there.")
    if not first_there(SEGMENT_TESTS, tested):
        lines.append(f"No mpAUC: {SEGMENT_TESTS[0]} is not there.")
    if not tuned:
        lines.append(f"No event boxes: there is nothing to tune them on (none of {', '.join(TUNING_SETS)}).")
    elif tuned != TUNING_SETS[0]:
        lines.append(f"Event boxes are tuned on {tuned}: {TUNING_SETS[0]} is not there.")
    if lacking := _groups_without_clips(run):
        lines.append(f"Trained without {', '.join(lacking)}: there are no such clips.")
    if checked := told_check(run):
        lines.append(checked)
    return "\n".join(lines)


def told_check(run: Run) -> str:
    """Return in words what the check of the corpus found when the run prepared it; empty: nothing that is wrong."""
    path = run.path / "data" / "manifest.json"
    found = read_manifest(path).check if path.is_file() else {}
    errors, warnings = (found.get("findings", {}).get(severity, 0) for severity in ("error", "warning"))
    if not errors and not warnings:
        return ""
    which = f" ({'; '.join(found['errors'][:3])}{'; ...' if errors > 3 else ''})" if errors else ""
    told = f"{count_of(errors, 'error')}{which}, {count_of(warnings, 'warning')}"
    return f"The data, as checked on {found['date'][:10]}: {told}. See them all with `sedlab data check`."


def _count(run: Run, subset: str, clips: int) -> str:
    published = SUBSETS[subset].published_count
    if published is None or run.experiment.data.mini or not _COMPARABLE * published < clips < published:
        return f"{clips:,} clips"
    part = f"{clips:,} of the {published:,} published clips, {clips / published:.0%}"
    return f"{part}: not comparable with scores on all of them"


def _groups_without_clips(run: Run) -> list[str]:
    there = {SUBSETS[name].group for name in TRAIN_SUBSETS if name in run.corpus().subsets}
    nodes = [node.training for node in run.experiment.nodes() if isinstance(node.training, StageConfig)]
    asked = {group: None for training in nodes for group, size in training.batch.model_dump().items() if size}
    return [group for group in asked if group not in there]
