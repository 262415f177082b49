"""What the audit of pseudo-labels is given, read from a run folder: teachers, suspects, the mask, the next iteration.

As in `run_views`, each function raises SedlabError, in one line, when the run has not come that far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sedlab.data.corpora.layout import TRAIN_SUBSETS
from sedlab.errors import SedlabError
from sedlab.runs.run import ENSEMBLE, Run
from sedlab.runs.views import annotated_classes, read_scores, score_path

if TYPE_CHECKING:
    import pandas as pd

    from sedlab.scoring.audit.reliability import PseudoLabelAudit
    from sedlab.scoring.scores.file import ScoreFile


def teachers(run: Run, iteration: int, subset: str) -> dict[str, ScoreFile]:
    """Return the scores of the stage-2 students whose mean is the ensemble, {arch: scores}."""
    return {arch: read_scores(score_path(run, iteration, arch, subset)) for arch in run.experiment.archs}


def agreement(run: Run, iteration: int, subset: str = "devtest") -> pd.DataFrame:
    """Return how far each pair of teachers agrees on each class that a subset annotates (`teacher_agreement`)."""
    from sedlab.scoring.audit.teacher_agreement import teacher_agreement

    clips = run.corpus().subset(subset).clips
    return teacher_agreement(teachers(run, iteration, subset), clips, annotated_classes(subset))


def suspects(
    run: Run, iteration: int, subset: str = "strong_train", *, sure: float = 0.8, unsure: float = 0.2
) -> pd.DataFrame:
    """Return the labels of a subset that all teachers contradict, the most contradicted first (`label_suspects`)."""
    from sedlab.scoring.audit.label_suspects import label_suspects

    return label_suspects(teachers(run, iteration, subset), run.corpus(), subset, sure=sure, unsure=unsure)


def mask_effect(run: Run, iteration: int) -> pd.DataFrame:
    """Return how much of each class the pseudo-labels of each training set hold, and what is masked (`masked_mass`)."""
    from sedlab.scoring.audit.masked_mass import masked_mass

    files = {name: score_path(run, iteration, ENSEMBLE, name) for name in TRAIN_SUBSETS if name in run.corpus().subsets}
    files = {name: file for name, file in files.items() if file.is_file()}
    if not files:
        raise SedlabError(f"{run.pseudo_labels_dir(iteration)}: no pseudo-labels yet. Run `sedlab run` to make them.")
    return masked_mass({name: read_scores(file) for name, file in files.items()})


def change(run: Run, first: int, second: int, subset: str = "unlabeled_train") -> pd.DataFrame:
    """Return how the decisions of two iterations' ensembles differ on a subset (`pseudo_label_change`)."""
    from sedlab.scoring.audit.change import pseudo_label_change

    before, after = (read_scores(score_path(run, iteration, ENSEMBLE, subset)) for iteration in (first, second))
    return pseudo_label_change(before, after, run.corpus().subset(subset).clips, annotated_classes(subset))


def changed_audits(first: dict[str, PseudoLabelAudit], second: dict[str, PseudoLabelAudit]) -> pd.DataFrame:
    """Return, pooled over classes, the measures of two iterations' audits, a row a subset (`audit_change`)."""
    import pandas as pd

    from sedlab.scoring.audit.change import audit_change

    both = [name for name in first if name in second]
    rows = [audit_change(first[name], second[name]).iloc[[0]].assign(label=name) for name in both]
    return pd.concat(rows, ignore_index=True).rename(columns={"label": "subset"})
