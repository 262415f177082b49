"""The one place that chooses a post-processing: nothing, the median filter, or what `sedlab tune` found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field, RootModel

from sedlab.errors import SedlabError, nearest
from sedlab.files import read_json, write_text
from sedlab.grid import FRAME_SECONDS
from sedlab.labels import DEFAULT_MEDIAN_FRAMES, MEDIAN_FILTER_FRAMES
from sedlab.postprocess.decode import detect_events
from sedlab.scoring.postprocess.csebbs import CsebbsParams
from sedlab.scoring.postprocess.median import MedianParams, median_filtered
from sedlab.scoring.scores.tables import ScoreTables, score_tables, table_classes

NONE, MEDIAN, CSEBBS = POSTPROCESS = ("none", "median", "csebbs")


class ParameterFile(RootModel):
    """A file of tuned parameters; its ``format`` says which kind."""

    root: Annotated[CsebbsParams | MedianParams, Field(discriminator="format")]


@dataclass(frozen=True)
class Postprocess:
    """A way from frame scores to the scores that are evaluated, and to events."""

    name: str
    """none, median or csebbs."""
    params: CsebbsParams | MedianParams | None = None
    """Tuned parameters; a median filter without has the published lengths."""

    @classmethod
    def read(cls, how: str | Path) -> Postprocess:
        """Return the post-processing called "none" or "median", or the one in a file that `sedlab tune` wrote.

        Raises
        ------
        SedlabError
            For an unknown name, and a file that is absent, damaged or of an unknown format.
        """
        name = str(how)
        if name in (NONE, MEDIAN):
            return cls(name)
        if name == CSEBBS:
            raise SedlabError("--postprocess csebbs needs tuned parameters. Give the file of sedlab tune in its place.")
        if not Path(how).suffix and not Path(how).is_file():
            hint = nearest(name, (NONE, MEDIAN))
            raise SedlabError(
                f"--postprocess {name}: no such file or method.{hint} Give none, median or a file of sedlab tune."
            )
        return cls.of(read_json(how, ParameterFile, "Give a file that sedlab tune wrote.").root)

    @classmethod
    def of(cls, params: CsebbsParams | MedianParams) -> Postprocess:
        """Return the post-processing with these tuned parameters."""
        return cls(CSEBBS if isinstance(params, CsebbsParams) else MEDIAN, params)

    def write(self, path: str | Path) -> None:
        """Write tuned parameters as JSON: null stands for infinity (a criterion switched off) and nan."""
        write_text(path, ParameterFile(self.params).model_dump_json(by_alias=True, indent=2) + "\n")

    def suited_to(self, classes: Sequence[str]) -> Postprocess:
        """Return the same for scores of these classes, some of which may be one's own.

        A median filter that nobody tuned has the published length for the task's classes. Others get the default one
        here, which is never used unless asked for, so that a misspelt class is noticed.
        """
        others = [label for label in classes if label not in MEDIAN_FILTER_FRAMES]
        if self.name != MEDIAN or self.params is not None or not others:
            return self
        return replace(self, params=MedianParams(dict.fromkeys(others, DEFAULT_MEDIAN_FRAMES * FRAME_SECONDS)))

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The tuned classes, which scores must have; None: any will do."""
        return None if self.params is None else self.params.classes

    def scores(self, tables: ScoreTables, classes: Sequence[str] | None = None) -> ScoreTables:
        """Return the score tables of ``classes`` (default: all) after post-processing; without, they stay whole.

        Raises
        ------
        SedlabError
            When a class has no scores or no filter length, or scores do not suit the method.
        """
        if self.name == NONE or not tables:
            return tables
        if self.params is not None:
            return self.params.scores(tables, classes)
        return median_filtered(tables, table_classes(tables) if classes is None else classes)

    def detect(
        self,
        probabilities: np.ndarray,
        classes: Sequence[str],
        frame_times: np.ndarray,
        thresholds: float | Mapping[str, float] = 0.5,
    ) -> pd.DataFrame:
        """Return the events of one clip; arguments and result are those of `sedlab.postprocess.decode.detect_events`.

        The confidence of an event box is compared with its class's threshold, instead of each frame.
        """
        if isinstance(self.params, CsebbsParams):
            return self.params.detect(probabilities, classes, frame_times, thresholds)
        tables = self.scores(score_tables(np.asarray(probabilities)[None], ["clip"], classes, np.asarray(frame_times)))
        return detect_events(tables["clip"].to_numpy()[:, 2:], classes, frame_times, thresholds)
