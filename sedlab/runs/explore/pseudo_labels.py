"""What a run's explorer shows of pseudo-labels between iterations, and the labels that the ensemble's members doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sedlab.data.corpora.layout import TRAIN_SUBSETS, family, layout
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.runs.explore.opening import opening
from sedlab.runs.explore.scenes import key_of, split_key
from sedlab.runs.explore.systems import ScoredSystem
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.pseudo_labels import suspected_labels
from sedlab.runs.run import Run
from sedlab.runs.scores import read_scores
from sedlab.scoring.audit.compared import ComparedSubset
from sedlab.scoring.audit.labelled_cells import annotated
from sedlab.scoring.audit.reliability import audit_pseudo_labels
from sedlab.scoring.marked import frame_truth
from sedlab.scoring.scores.file import ScoreFile, read_score_file
from sedlab.views.explorers.pseudo_labels import PseudoLabelExplorer

#: What the panel is called in an explorer.
NAME = "Pseudo-labels"
_TAUGHT_MOST = ("unlabeled_train", "weak_train", "own_unlabeled", "own_weak")
#: What people marked, as one of the sets of scores that can be compared.
LABELS = "labels of people"
#: A logit as good as certain.
_CERTAIN = 20.0


def panel(
    run: Run, explorer: Any, systems: Sequence[ScoredSystem] = (), subset: str | None = None
) -> PseudoLabelExplorer:
    """Return the panel of an explorer of a run; ``explorer`` None: of the run alone, of its training sets."""
    if explorer is None:
        names = [name for name in dict.fromkeys([subset, *TRAIN_SUBSETS]) if name in run.corpus().subsets]
        opened = f"{opening(run)}.explore()"
    else:
        names = list(dict.fromkeys(split_key(key)[0] for key in explorer.clips.iloc[:, 0]))
        opened = explorer.call
    found = {name: compared_subset(run, name) for name in names if layout(name).family != "audioset"}
    # Pseudo-labels are for training, and matter most where nobody labelled.
    first = next((name for name in (*_TAUGHT_MOST, *TRAIN_SUBSETS) if name in found), subset or "")
    call = f"{_with_panel(opened)}.panel({NAME!r})"
    return PseudoLabelExplorer(found, subset=first, desk=explorer, call=call, remedy=f"sedlab run {run.name}")


def _with_panel(call: str) -> str:
    """Return a call of ``explore`` that opens the panel, too."""
    call = re.sub(r",? ?panel='[^']*'", "", call).replace("explore(, ", "explore(")
    return f"{call[:-1]}{'' if call.endswith(('(', '()')) else ', '}panel={NAME!r})"


def compared_subset(run: Run, subset: str) -> ComparedSubset:
    """Return what of a subset can be compared: pseudo-labels and their ensemble's members, labels of people.

    Compared first are the pseudo-labels of the last two iterations; with one iteration, those with the labels, or
    without labels with a single member.
    """
    part = run.corpus().subset(subset)
    scores: dict[str, Callable[[], ScoreFile]] = {}
    ensembles: list[str] = []
    for iteration in run.iterations:
        for model in run.models:
            file = run.score_file(iteration, model, subset)
            if not file.is_file():
                continue
            name = pseudo_name(iteration) if model == ENSEMBLE else ScoredSystem(iteration, model).name
            scores[name] = _reader(file)
            if model == ENSEMBLE:
                ensembles.append(name)
    kind = layout(subset).label_kind
    pair, note = None, ""
    if scores and kind in ("strong", "soft"):
        grid = next(iter(scores.values()))
        scores = {LABELS: lambda: label_scores(part, subset, grid().frame_times), **scores}
    if len(ensembles) > 1:
        pair = (ensembles[-2], ensembles[-1])
    elif ensembles and len(scores) > 1:
        other = next(name for name in scores if name != ensembles[0])
        pair = (other, ensembles[0])
        note = f"There is one iteration only, so its pseudo-labels stand beside {_spoken(other)}."
    mask = part.space.valid(family(subset), training=True)
    taught, hidden = (
        [label for label, is_valid in zip(part.classes, mask, strict=True) if is_valid == on] for on in (1, 0)
    )
    last = int(ensembles[-1].rsplit(" ", 1)[1]) if ensembles else 0
    return ComparedSubset(
        part.clips,
        scores,
        tuple(taught),
        tuple(hidden),
        pair,
        note,
        audit=None if kind == "none" else lambda file: audit_pseudo_labels(file, run.corpus(), subset),
        suspects=None if kind == "none" or not last else lambda: suspected_labels(run, last, subset),
    )


def pseudo_name(iteration: int) -> str:
    """Return what the pseudo-labels of an iteration are called, in the player too."""
    return f"pseudo-labels, iteration {iteration}"


def label_scores(part: Corpus, subset: str, frame_times: np.ndarray) -> ScoreFile:
    """Return what people marked in a strongly or softly labelled subset as scores, sure in each frame."""
    classes = annotated(part, subset, part.classes)
    truth = frame_truth(part, classes, frame_times)
    logits = np.where(truth, np.float32(_CERTAIN), np.float32(-_CERTAIN))
    return ScoreFile(list(part.clips["clip_id"]), logits, classes, frame_times)


def suspect_queue(
    run: Run, iteration: int, subset: str = "strong_train", **options: float
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Return the suspected labels of a subset with their `key`, and {key: focus} of the most contradicted of each clip.

    ``options`` as for ``suspected_labels``.
    """
    suspects = suspected_labels(run, iteration, subset, **options)
    table = suspects.assign(key=[key_of(subset, clip_id) for clip_id in suspects["clip_id"]])
    first = table.drop_duplicates("key")
    columns = zip(first["key"], first["onset"], first["offset"], first["label"], strict=True)
    return table, {key: {"onset": on, "offset": off, "label": label} for key, on, off, label in columns}


def compare_files(first: str | Path, second: str | Path, **options: Any) -> PseudoLabelExplorer:
    """Return the panel of two files of pseudo-labels, of any laboratory: on the clips and classes that they share."""
    files = {_short(path, first, second): read_score_file(path) for path in (first, second)}
    if len(files) < 2:
        raise SedlabError(f"{first}: compared with itself. Give two files.")
    return PseudoLabelExplorer.of_scores(files, **options)


def _short(path: str | Path, *both: str | Path) -> str:
    """Return the name of a file, its path where both have the same name."""
    names = [Path(one).name for one in both]
    return str(path) if len(set(names)) < len(names) else Path(path).name


def _reader(file: Path) -> Callable[[], ScoreFile]:
    return lambda: read_scores(file)


def _spoken(name: str) -> str:
    return "what people marked" if name == LABELS else f"those of a single member of the ensemble, {name}"
