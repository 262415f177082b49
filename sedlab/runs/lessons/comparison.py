"""Two runs side by side: what was set differently, what was trained again, and what came of it."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from sedlab.data.corpora.layout import family
from sedlab.errors import SedlabError
from sedlab.progress import Progress, no_progress
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.run import Run
from sedlab.runs.scores import postprocessed_scores
from sedlab.scoring.metrics.comparison import Comparison, compare
from sedlab.scoring.names import ALL, class_name, metric_name
from sedlab.scoring.subset import counted_subset


def compared_runs(
    first: Run,
    second: Run,
    *,
    iteration: int | None = None,
    model: str = ENSEMBLE,
    subset: str | None = None,
    progress: Progress = no_progress,
) -> Comparison:
    """Return what a model of run ``second`` gained over that of ``first`` on the same clips, with intervals.

    ``iteration`` is the last that both have, if left out, and ``subset`` the event test.

    Raises
    ------
    SedlabError
        When the two were tested on other clips, or one of them has no such scores.
    """
    subset = first.judged_on(subset)
    iteration = iteration or min(run.experiment.iterations for run in (first, second))
    clips = [sorted(run.corpus().subset(subset).clips["clip_id"]) for run in (first, second)]
    if first.corpus_digest() != second.corpus_digest() or clips[0] != clips[1]:
        raise SedlabError(
            f"{first.name} and {second.name}: {subset} is not the same clips in both, so scores cannot be paired. "
            "Compare runs with the same data."
        )
    part = first.corpus().subset(subset)
    systems = [
        counted_subset(postprocessed_scores(run, iteration, model, subset=subset), part, subset)
        for run in (first, second)
    ]
    return compare(*systems, ["mpauc" if family(subset) == "maestro" else "psds1"], progress=progress)


def changed_settings(first: Run, second: Run) -> pd.DataFrame:
    """Return setting, before, after, nodes: what two runs say differently about the nodes that both have."""
    before, after = ({node.name: node.model_dump() for node in run.experiment.nodes()} for run in (first, second))
    rows: dict[tuple[str, str, str], list[str]] = {}
    for name in (name for name in before if name in after):
        one, other = dict(_flat(before[name])), dict(_flat(after[name]))
        for key in dict.fromkeys([*one, *other]):
            if one.get(key) != other.get(key):
                rows.setdefault((key, str(one.get(key)), str(other.get(key))), []).append(name)
    table = [(*change, ", ".join(names)) for change, names in rows.items()]
    return pd.DataFrame(table, columns=["setting", "before", "after", "nodes"])


def retrained_nodes(first: Run, second: Run) -> list[str]:
    """Return the training nodes of both runs that ended with other weights."""
    folders = {node.name: (node.stage, node.arch, node.iteration) for node in first.experiment.nodes()}
    names = [node.name for node in second.experiment.nodes() if node.name in folders]
    again = []
    for name in names:
        one, other = (run.node_dir(*folders[name]) / "best.pt" for run in (first, second))
        if one.is_file() and other.is_file() and not filecmp.cmp(one, other, shallow=False):
            again.append(name)
    return again


def told_variant(run: Run) -> str:
    """Return in words what a run is a variant of and what was trained again for it, or how to make a variant."""
    parent = run.parent
    first = next(iter(run.seeds.values()), run)
    if parent is None and first.name != run.name:
        return f"{run.name} is {first.name} with another seed, {run.experiment.seed}, and no variant of it."
    if parent is None:
        return (
            f"{run.name} is no variant, so there is nothing to set beside it. To change one thing:\n\n"
            f"papermill notebooks/07_compare.ipynb variant.ipynb -p run runs/{run.name} "
            '-p settings "stage2.loss.self_supervised=0"\n\n'
            "The variant takes from here what the change does not touch. This section then shows which settings and "
            "nodes differ, and how the ensembles do: overall and by class, with intervals."
        )
    again, common = retrained_nodes(parent, run), {node.name for node in parent.experiment.nodes()}
    shared = sum(node.name in common for node in run.experiment.nodes()) - len(again)
    return (
        f"{run.name} is {parent.name} with {', '.join(run.settings)}. Other weights: {', '.join(again) or 'none'}; "
        f"{shared} nodes are the same. One training each: what follows holds for these two draws of the seed, and the "
        "intervals know only of the clips."
    )


def told_differences(comparison: Comparison, a: str, b: str) -> str:
    """Return in words whether ``b`` is better than ``a``, and how far luck with the clips may have decided."""
    lines = []
    for metric, part in comparison.table().groupby("metric", sort=False):
        name, (overall,) = metric_name(metric), part[part["label"] == ALL].itertuples()
        classes = part[part["label"] != ALL].dropna(subset=["difference"])
        span = f"{overall.difference:+.3f} (95 % interval {overall.low:+.3f} to {overall.high:+.3f})"
        clear = overall.low > 0 or overall.high < 0
        verdict = "zero lies outside: other clips would hardly turn it round"
        if overall.low == overall.high == 0:
            verdict = "the two are the same on every draw"
        elif not clear:
            verdict = "zero lies inside: with other clips the sign might be the other, so these clips cannot tell"
        lines.append(f"{b} against {a}: {span} in {name}; {verdict}.")
        dark = classes[(classes["low"] > 0) | (classes["high"] < 0)]
        named = ", ".join(f"{class_name(row.label)} {row.difference:+.3f}" for row in dark.itertuples())
        have = "has" if len(dark) == 1 else "have"
        lines.append(
            f"Of {len(classes)} classes {len(dark) or 'none'} {have} an interval without zero"
            f"{f' ({named})' if named else ''}; by chance alone about one in twenty would."
        )
    return "\n".join(lines).replace("-0.", "−0.")


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of a tree of settings with its dotted name."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
