"""The scored systems of a run: what may be drawn and compared side by side."""

from __future__ import annotations

from dataclasses import dataclass

from sedlab.config.experiment import Stage
from sedlab.errors import SedlabError, nearest
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.run import Run
from sedlab.runs.scores import scored_nodes
from sedlab.scoring.names import MODEL_NAME, STAGE_NAME


@dataclass(frozen=True, order=True)
class ScoredSystem:
    """A detector, or the ensemble of stage 2, in one iteration."""

    iteration: int
    model: str
    stage: Stage = "stage2"

    @property
    def name(self) -> str:
        """What it is called, unique in a run: "ATST, iteration 1", "ATST stage 1, iteration 1"."""
        stage = "" if self.stage == "stage2" else f" {STAGE_NAME[self.stage]}"
        return f"{MODEL_NAME.get(self.model, self.model)}{stage}, iteration {self.iteration}"


def scored_systems_of(run: Run, subset: str) -> list[ScoredSystem]:
    """Return every system with scores of a subset: in each iteration stage 1, the students of stage 2, the ensemble."""
    rows = scored_nodes(run, subset).itertuples(index=False)
    return [ScoredSystem(int(row.iteration), row.model, row.stage) for row in rows]


def default_systems(run: Run, subset: str) -> list[ScoredSystem]:
    """Return what is drawn unless something is asked for: the ensembles, else the students of stage 2, else all."""
    found = scored_systems_of(run, subset)
    ensembles = [system for system in found if system.model == ENSEMBLE]
    return ensembles or [system for system in found if system.stage == "stage2"] or found


def system_named(run: Run, subset: str, name: str) -> ScoredSystem:
    """Return the scored system of a subset that is called ``name``; SedlabError for an unknown one."""
    known = {system.name: system for system in scored_systems_of(run, subset)}
    if name not in known:
        raise SedlabError(
            f"{run.path}: no scores of {subset} by {name!r}.{nearest(name, list(known))} "
            f"There are: {'; '.join(known) or 'none; `sedlab run` makes them'}."
        )
    return known[name]
