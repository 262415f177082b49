"""What a run's pseudo-labels are worth: against people, between the ensemble's members, between iterations."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from sedlab.data.corpora.layout import TRAIN_SUBSETS
from sedlab.errors import SedlabError
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes, read_scores
from sedlab.scoring.audit.change import audit_change, pseudo_label_change
from sedlab.scoring.audit.label_suspects import label_suspects
from sedlab.scoring.audit.masked_mass import masked_mass
from sedlab.scoring.audit.reliability import PseudoLabelAudit, audit_pseudo_labels
from sedlab.scoring.audit.teacher_agreement import teacher_agreement
from sedlab.scoring.scores.file import ScoreFile

#: Labelled sets on which pseudo-labels can be compared with people.
AUDITED: tuple[str, ...] = (
    *("strong_train", "weak_train", "maestro_train", "own_train", "own_weak"),
    *("devtest", "maestro_dev", "own_test"),
)


def pseudo_label_audits(run: Run, iteration: int) -> dict[str, PseudoLabelAudit]:
    """Return how the pseudo-labels of an iteration compare with people, by labelled subset."""
    labels = _pseudo_labels(run, iteration, dict.fromkeys([*AUDITED, *filter(None, [run.event_test])]))
    return {name: audit_pseudo_labels(scores, run.corpus(), name) for name, scores in labels.items()}


def audit_summary(audits: dict[str, PseudoLabelAudit]) -> pd.DataFrame:
    """Return `subset, unit, clips, precision, recall, f1, calibration_error`, pooled over classes."""
    columns = ["precision", "recall", "f1", "calibration_error"]
    rows = [
        {"subset": name, "unit": audit.unit, "clips": audit.num_clips, **audit.per_class.iloc[0][columns]}
        for name, audit in audits.items()
    ]
    return pd.DataFrame(rows, columns=["subset", "unit", "clips", *columns])


def mask_effect(run: Run, iteration: int) -> pd.DataFrame:
    """Return how much of each class the pseudo-labels of each training set hold, and what is masked (`masked_mass`)."""
    return masked_mass(_pseudo_labels(run, iteration, TRAIN_SUBSETS), space=run.space)


def teachers(run: Run, iteration: int, subset: str) -> dict[str, ScoreFile]:
    """Return the scores, {arch: scores}, of the ensemble's members: students of stage 2, teachers of what follows."""
    return {arch: read_scores(run.score_file(iteration, arch, subset)) for arch in run.experiment.archs}


def compared_teachers(run: Run, iteration: int, subset: str | None = None) -> pd.DataFrame:
    """Return how far each two members of the ensemble agree on each class that a subset annotates.

    On the event test if no ``subset`` is named.
    """
    subset = run.judged_on(subset)
    clips = run.corpus().subset(subset).clips
    return teacher_agreement(teachers(run, iteration, subset), clips, annotated_classes(subset, run.space))


def suspected_labels(
    run: Run, iteration: int, subset: str = "strong_train", *, sure: float = 0.8, unsure: float = 0.2
) -> pd.DataFrame:
    """Return the labels of a subset that all members of the ensemble contradict, see `label_suspects`."""
    return label_suspects(teachers(run, iteration, subset), run.corpus(), subset, sure=sure, unsure=unsure)


def compared_pseudo_labels(run: Run, first: int, second: int, subset: str = "unlabeled_train") -> pd.DataFrame:
    """Return how the decisions of two iterations' ensembles differ on a subset (`pseudo_label_change`)."""
    before, after = (read_scores(run.score_file(iteration, ENSEMBLE, subset)) for iteration in (first, second))
    return pseudo_label_change(before, after, run.corpus().subset(subset).clips, annotated_classes(subset, run.space))


def compared_audits(first: dict[str, PseudoLabelAudit], second: dict[str, PseudoLabelAudit]) -> pd.DataFrame:
    """Return, pooled over classes, the measures of two iterations' audits, a row a subset (`audit_change`)."""
    both = [name for name in first if name in second]
    rows = [audit_change(first[name], second[name]).iloc[[0]].assign(label=name) for name in both]
    return pd.concat(rows, ignore_index=True).rename(columns={"label": "subset"})


def _pseudo_labels(run: Run, iteration: int, subsets: Iterable[str]) -> dict[str, ScoreFile]:
    """Return the pseudo-labels of those of ``subsets`` that have some."""
    files = {name: run.score_file(iteration, ENSEMBLE, name) for name in subsets if name in run.corpus().subsets}
    found = {name: read_scores(file) for name, file in files.items() if file.is_file()}
    if not found:
        raise SedlabError(f"{run.pseudo_labels_dir(iteration)}: no pseudo-labels yet. Run `sedlab run` to make them.")
    return found
