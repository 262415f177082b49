"""What can be computed of a run's clips, in parts: columns of numbers for a list of clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.data.corpora.layout import layout
from sedlab.data.tables import Corpus
from sedlab.runs.explore.systems import ScoredSystem
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes, postprocessed_scores, read_scores
from sedlab.scoring.audit.labelled_cells import audible_frames
from sedlab.scoring.clips.change import decided_seconds, probability_change
from sedlab.scoring.clips.confidence import mean_entropy, peak_scores
from sedlab.scoring.clips.disagreement import disagreement
from sedlab.scoring.clips.error_counts import COUNTED, error_counts
from sedlab.scoring.clips.label_difference import label_difference
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.detections import detected_events
from sedlab.views.explorers.clip_list import LaterColumns

#: Above it a class counts as detected, and as decided.
THRESHOLD = 0.5
#: Clips whose errors are named before somebody is asked again whether a clip is wanted.
CLIPS_AT_ONCE = 16
#: What each column says.
HELP: dict[str, str] = {
    "annotated": "classes that people marked",
    "detected": f"classes with a median filtered score above {THRESHOLD}, of the first system",
    "decision": "what people decided about its labels and detections",
    "sound": "whether the clip can be heard: it travelled with the run, or not",
    "confidence": "largest score in the clip, of the first system",
    "entropy": "how undecided the first system is: mean binary entropy of its frames, bits",
    "disagreement": "standard deviation of the students' scores of the first system's iteration, mean over frames",
    "label difference": "mean distance of the first system's scores from what people marked",
    "change": "mean distance of the scores of the first system and of the same model an iteration earlier",
    "gained s": f"seconds above {THRESHOLD} in the first system that were not above an iteration earlier",
    "lost s": f"seconds above {THRESHOLD} an iteration earlier that are not above in the first system",
    "false alarms": "detections that nothing in the clip explains, of the first system",
    "missed": "events without any detection",
    "wrong class": "events that were found under another name",
    "boundaries": "events that were found at the wrong time",
    "in pieces": "events that were found in pieces, or several as one",
}


@dataclass(frozen=True)
class Step:
    """Something to compute, in bits that are short enough for a person not to notice."""

    what: str
    columns: tuple[str, ...]
    num_bits: int
    compute: Callable[[], Iterator[LaterColumns | None]]
    """Yields ``num_bits`` times; the last is the part."""


@dataclass(frozen=True, eq=False)
class ClipColumns:
    """What can be computed of the clips of several subsets, subset by subset."""

    run: Run
    part: Corpus
    clips: pd.DataFrame
    systems: tuple[ScoredSystem, ...]

    def steps(self) -> list[Step]:
        """Return the steps that the run's files allow, the most asked for first; numbers are those of the first system.

        Without several students there is no disagreement, without an earlier iteration no change, without times of
        events no errors.
        """
        if not self.systems:
            return []
        first = self.systems[0]
        scored = [name for name in dict.fromkeys(self.clips["subset"]) if self._has(first, name)]
        students = [ScoredSystem(first.iteration, arch, first.stage) for arch in self.run.experiment.archs]
        together = [name for name in scored if sum(self._has(student, name) for student in students) > 1]
        before = ScoredSystem(first.iteration - 1, first.model, first.stage)
        both = [name for name in scored if before.iteration >= 1 and self._has(before, name)]
        timed = [name for name in scored if layout(name).label_kind == "strong" and first.stage == "stage2"]
        chunks = [(name, at) for name in timed for at in range(0, self._size(name), CLIPS_AT_ONCE)]
        own, moved = ("confidence", "entropy", "label difference"), ("change", "gained s", "lost s")
        steps = [
            Step("confidence", own, len(scored), lambda: self._own(scored, first)),
            Step("disagreement", ("disagreement",), len(together), lambda: self._disagreement(together, students)),
            Step("change", moved, len(both), lambda: self._change(both, before, first)),
            Step("errors", tuple(COUNTED), len(chunks), lambda: self._errors(chunks, first)),
        ]
        return [step for step in steps if step.num_bits]

    def _own(self, subsets: Sequence[str], system: ScoredSystem) -> Iterator[LaterColumns | None]:
        values = {name: self._unknown() for name in ("confidence", "entropy", "label difference")}
        detected: list[tuple[str, ...]] = [()] * len(self.clips)
        for subset in subsets:
            rows, classes, columns, clips = self._place(subset)
            scores, audible, seconds = self._read(system, subset, clips)
            corpus = Corpus(clips, self.part.events[self.part.events["subset"] == subset], self.part.root)
            place = np.ix_(rows, columns)
            values["confidence"][place] = peak_scores(scores, audible)
            values["entropy"][place] = mean_entropy(scores, audible)
            values["label difference"][place] = label_difference(scores, corpus, audible, classes, seconds)
            for row, above in zip(rows, decided_classes(scores, audible, classes), strict=True):
                detected[row] = tuple(label for label, is_above in zip(classes, above, strict=True) if is_above)
            yield None if subset != subsets[-1] else _part(values, detected=detected)

    def _disagreement(self, subsets: Sequence[str], students: Sequence[ScoredSystem]) -> Iterator[LaterColumns | None]:
        values = self._unknown()
        for subset in subsets:
            rows, _, columns, clips = self._place(subset)
            read = [self._read(student, subset, clips) for student in students if self._has(student, subset)]
            values[np.ix_(rows, columns)] = disagreement([scores for scores, _, _ in read], read[0][1])
            yield None if subset != subsets[-1] else _part({"disagreement": values})

    def _change(
        self, subsets: Sequence[str], before: ScoredSystem, after: ScoredSystem
    ) -> Iterator[LaterColumns | None]:
        values = {name: self._unknown() for name in ("change", "gained s", "lost s")}
        for subset in subsets:
            rows, _, columns, clips = self._place(subset)
            (was, audible, seconds), (now, _, _) = (self._read(system, subset, clips) for system in (before, after))
            gained, lost, _ = decided_seconds(was, now, audible, seconds, threshold=THRESHOLD)
            place = np.ix_(rows, columns)
            values["change"][place] = probability_change(was, now, audible)
            values["gained s"][place], values["lost s"][place] = gained, lost
            yield None if subset != subsets[-1] else _part(values, add=("gained s", "lost s"))

    def _errors(self, chunks: Sequence[tuple[str, int]], system: ScoredSystem) -> Iterator[LaterColumns | None]:
        values = {name: self._unknown() for name in COUNTED}
        for subset, at in chunks:
            rows, classes, columns, clips = self._place(subset)
            rows, clip_ids = rows[at : at + CLIPS_AT_ONCE], list(clips["clip_id"][at : at + CLIPS_AT_ONCE])
            cases = self._cases(subset, clip_ids, system)
            for name, counts in error_counts(cases, clip_ids, classes).items():
                values[name][np.ix_(rows, columns)] = counts
            yield None if (subset, at) != chunks[-1] else _part(values, add=tuple(COUNTED))

    def _cases(self, subset: str, clip_ids: Sequence[str], system: ScoredSystem) -> pd.DataFrame:
        """Return what became of the events of some clips, and what their detections are (`find_errors`)."""
        classes = annotated_classes(subset, self.part.space)
        scores = postprocessed_scores(self.run, system.iteration, system.model, subset=subset, clip_ids=clip_ids)
        events = self.part.events
        events = events[(events["subset"] == subset) & events["clip_id"].isin(clip_ids)]
        return find_errors(detected_events(scores, classes, THRESHOLD), events, classes=classes)

    def _size(self, subset: str) -> int:
        return int((self.clips["subset"] == subset).sum())

    def _has(self, system: ScoredSystem, subset: str) -> bool:
        return self.run.score_file(system.iteration, system.model, subset, stage=system.stage).is_file()

    def _unknown(self) -> np.ndarray:
        return np.full((len(self.clips), len(self.part.classes)), np.nan, dtype=np.float32)

    def _place(self, subset: str) -> tuple[np.ndarray, list[str], np.ndarray, pd.DataFrame]:
        """Return the rows of a subset, its annotated classes, their columns, and its clips."""
        rows = np.flatnonzero(self.clips["subset"] == subset)
        classes = annotated_classes(subset, self.part.space)
        return rows, classes, pd.Index(self.part.classes).get_indexer(classes), self.clips.iloc[rows]

    def _read(self, system: ScoredSystem, subset: str, clips: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, float]:
        """Return probabilities (N, T, C) of the annotated classes, audible frames (N, T), seconds of a frame."""
        from scipy.special import expit

        file = read_scores(self.run.score_file(system.iteration, system.model, subset, stage=system.stage))
        chosen = file.select(list(clips["clip_id"]), annotated_classes(subset, self.part.space))
        seconds = float(chosen.frame_times[1] - chosen.frame_times[0])
        return expit(chosen.logits), audible_frames(clips, chosen.frame_times), seconds


def decided_classes(scores: np.ndarray, audible: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return which classes are above `THRESHOLD` somewhere after the median filter, (N, C) bool.

    The median of an odd number of scores is above a threshold exactly where most of them are, so decisions can be
    filtered in place of scores.
    """
    from sedlab.postprocess.median import median_filter, suitable_lengths

    above = median_filter((scores > THRESHOLD).astype(np.uint8), suitable_lengths(classes))
    return (above.astype(bool) & audible[:, :, None]).any(axis=1)


def _part(values: dict[str, np.ndarray], *, add: Sequence[str] = (), detected: list | None = None) -> LaterColumns:
    """Return the numbers of a clip as the largest of its classes, or their sum for the columns in ``add``."""
    columns: dict[str, Sequence] = {}
    for name, table in values.items():
        known = np.isfinite(table)
        filled = np.where(known, table, 0 if name in add else -np.inf)
        whole = filled.sum(axis=1) if name in add else filled.max(axis=1)
        columns[name] = np.where(known.any(axis=1), whole, np.nan)
    if detected is not None:
        columns["detected"] = detected
    return LaterColumns(columns, values)


def computed(steps: Sequence[Step]) -> Iterator[LaterColumns]:
    """Yield what the steps compute, bit by bit, when asked for the next; a bit before the last has no columns."""
    for place, step in enumerate(steps):
        for done, part in enumerate(step.compute(), start=1):
            at_end = done == step.num_bits and place + 1 < len(steps)
            what = steps[place + 1].what if at_end else step.what
            yield LaterColumns(part.columns, part.by_class, what) if part else LaterColumns({}, what=what)
