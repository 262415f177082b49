"""Which score files a run has: of which subsets, by whom, and which of them are evaluated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sedlab.data.corpora.layout import SCORE_FILE, SUBSETS, TEST_SUBSETS, TRAIN_SUBSETS, VAL_SUBSETS
from sedlab.data.corpora.roles import EVENT_TESTS, TUNING_SETS, first_there
from sedlab.errors import SedlabError
from sedlab.runs.layout import ENSEMBLE, score_file
from sedlab.runs.moved.about import read_about
from sedlab.runs.run import Run

NETWORKS = ("student", "teacher")


@dataclass(frozen=True)
class EvaluatedFile:
    """A score file of one iteration, for one of the subsets it covers."""

    path: str
    """Relative to the run."""
    subset: str
    model: str
    stage: str
    teacher: bool


@dataclass(frozen=True)
class ScorePlan:
    """The score files that cover some subsets, by their stems: one file may cover several."""

    subsets: tuple[str, ...]

    @property
    def tuning_subset(self) -> str:
        """The set on which post-processing is tuned; empty: none is there."""
        return first_there(TUNING_SETS, self.subsets)

    @property
    def error_subset(self) -> str:
        """The set whose errors are named; empty: none is there."""
        return first_there(EVENT_TESTS, self.subsets)

    @property
    def stems(self) -> tuple[str, ...]:
        """Every training, validation and test set."""
        return self._stems((*TRAIN_SUBSETS, *VAL_SUBSETS, *TEST_SUBSETS))

    @property
    def train_stems(self) -> tuple[str, ...]:
        """The files that cover training clips: what a pseudo-labelled training reads."""
        return self._stems(TRAIN_SUBSETS)

    @property
    def test_stems(self) -> tuple[str, ...]:
        """The files that cover test clips."""
        return self._stems(TEST_SUBSETS)

    @property
    def tunes(self) -> bool:
        """Whether there are scores on which post-processing can be tuned."""
        return bool(self.tuning_subset)

    @property
    def names_errors(self) -> bool:
        """Whether there are scores whose errors can be named."""
        return bool(self.error_subset)

    def scored(self, stage: str, network: str) -> tuple[str, ...]:
        """Return what a network scores: students of stage 2, which make pseudo-labels, everything; others test sets."""
        return self.stems if (stage, network) == ("stage2", "student") else self.test_stems

    def evaluated(self, archs: Iterable[str], iteration: int) -> list[EvaluatedFile]:
        """Return all that an iteration evaluates: students and mean teachers of both stages, the ensemble."""
        tested = [name for name in TEST_SUBSETS if name in self.subsets]
        trained = [(stage, arch) for stage in ("stage1", "stage2") for arch in archs]
        which = [
            (name, stage, arch, teacher) for stage, arch in trained for name in tested for teacher in (False, True)
        ]
        which += [(name, "stage2", ENSEMBLE, False) for name in tested]
        return [
            EvaluatedFile(
                score_file(iteration, stage, model, SCORE_FILE[name], teacher=teacher), name, model, stage, teacher
            )
            for name, stage, model, teacher in which
        ]

    def _stems(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(SCORE_FILE[name] for name in names if name in self.subsets))


def score_plan(run: Run) -> ScorePlan:
    """Return the plan for the subsets the run will have: those of the mini corpus it generates, or those on disk.

    Where the corpus is not here, those of which the run keeps the labels.
    """
    if run.experiment.data.mini is not None:
        return ScorePlan(tuple(name for name in SUBSETS if not name.startswith(("external_", "own_"))))
    if run.is_apart:
        return ScorePlan(read_about(run.path).subsets)
    found = tuple(name for name, subset in SUBSETS.items() if subset.is_there(run.data_root))
    if not found:
        raise SedlabError(f"{run.data_root}: no data set found. Put one there, or set data.root to its folder.")
    return ScorePlan(found)
