"""What `sedlab evaluate`, `tune`, `compare` and `errors` read: scores and ground truth of the same clips."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sedlab.commands.options import class_names, names
from sedlab.errors import SedlabError, count_of, nearest, short

if TYPE_CHECKING:
    from sedlab.scoring.postprocess import Postprocess
    from sedlab.scoring.scores.inputs import EvaluationScores, GroundTruth
    from sedlab.scoring.scores.tables import ScoreTables


@dataclass(frozen=True, eq=False)
class MatchedScores:
    """Score files and the ground truth of the clips that all of them have."""

    scores: list[EvaluationScores]
    truth: GroundTruth
    left_out: dict[str, int]
    """How many clips were left out because they are ``without_scores`` or ``without_ground_truth``."""
    notes: list[str] = field(default_factory=list, kw_only=True)
    """What else a reader of the numbers should know, a sentence each."""

    @property
    def warnings(self) -> list[str]:
        """The notes and what was left out, a sentence each."""
        return self.notes + [
            f"{count_of(count, 'clip')} {what.replace('_', ' ')} {'is' if count == 1 else 'are'} left out."
            for what, count in self.left_out.items()
            if count
        ]


@dataclass(frozen=True, eq=False)
class Frame(MatchedScores):
    """Matched files as the shared options say: which classes, how they are scored, after which post-processing."""

    kind: str
    """``EVENTS`` or ``SEGMENTS`` of `sedlab.scoring.scores.matching`."""
    classes: tuple[str, ...]
    tables: list[ScoreTables]
    """Post-processed scores, one a score file."""
    durations: dict[str, float]
    """Seconds of each clip or recording; empty where no file says."""


def keep_inputs(inputs: Iterable[Path | str | None], outputs: Iterable[Path | None]) -> None:
    """Raise SedlabError for an output that would replace an input, or another output.

    An input may be a word that is no file, as of `--postprocess`; of a folder of scores, all TSVs are read.
    """
    read = {Path(os.path.realpath(path)) for path in inputs if path is not None}
    written = set()
    for path in filter(None, outputs):
        target = Path(os.path.realpath(path))
        if target in read or (target.parent in read and target.suffix == ".tsv"):
            raise SedlabError(f"{path}: is read, and would be replaced by what is written. Give another file for it.")
        # Two may well go to one stream.
        if target in written and (target.is_file() or not target.exists()):
            raise SedlabError(f"{path}: two outputs would be written to this file. Give each a file of its own.")
        written.add(target)


def match(scores: Sequence[EvaluationScores], truth: GroundTruth, *, common: bool) -> MatchedScores:
    """Return the clips that every score file shares with the ground truth; others are an error unless ``common``.

    Errors are those of `sedlab.scoring.scores.matching.match_clips`, for each score file.
    """
    from sedlab.scoring.scores.matching import match_clips

    scored = [match_clips(each, truth, common=common)[0].tables.keys() for each in scores]
    everywhere = set.intersection(*map(set, scored))
    left_out = {
        "without_scores": len(truth.needs_scores.union(*scored) - everywhere),
        "without_ground_truth": len(set().union(*(each.tables for each in scores)) - set(truth.clip_ids)),
    }
    shared = truth.select(list(everywhere))
    return MatchedScores([match_clips(each, shared, common=True)[0] for each in scores], shared, left_out)


def read_times(matched: MatchedScores, kind: str, durations: Path | None) -> tuple[dict[str, float], list[str]]:
    """Return the table of durations, {} without, and what is odd: labels and durations that do not fit the clips.

    SedlabError for a table that cannot be read, and when many labels lie outside their clips.
    """
    from sedlab.scoring.metrics.evaluation import recording_clips
    from sedlab.scoring.scores.inputs import read_durations
    from sedlab.scoring.scores.label_times import duration_notes, label_time_notes
    from sedlab.scoring.scores.matching import SEGMENTS
    from sedlab.scoring.scores.tables import table_ends

    known = {} if durations is None else read_durations(durations)
    if kind == SEGMENTS:
        # The durations are those of whole recordings.
        clips = recording_clips(matched.truth)
        ends = dict(zip(clips["clip_id"], clips["duration"], strict=True))
        # A label lasts a second, also where the recording ends within it.
        return known, label_time_notes(matched.truth, ends, tolerance=1.0)
    ends = table_ends(matched.scores[0].tables)
    said = {clip_id: known.get(clip_id, end) for clip_id, end in ends.items()}
    notes = label_time_notes(matched.truth, said, ends)
    return known, notes if durations is None else notes + duration_notes(durations, known, ends)


def check_durations(path: Path, known: Mapping[str, float], truth: GroundTruth, classes: Sequence[str]) -> None:
    """Raise SedlabError when the table of durations lacks a clip with an event of ``classes``."""
    events = truth.active
    clip_ids = events["clip_id"][events["label"].isin(list(classes))].unique()
    missing = [clip_id for clip_id in clip_ids if clip_id not in known]
    if missing:
        raise SedlabError(
            f"{path}: no duration of {len(missing)} of {len(clip_ids)} clips (first: {missing[0]}). Add them."
        )


def read_frame(
    score_files: Sequence[Path],
    ground_truth: Path,
    durations: Path | None = None,
    *,
    kind: str | None = None,
    classes: Sequence[str] | None = None,
    common_clips: bool = False,
    postprocess: str | Postprocess = "none",
    told: str = "",
) -> Frame:
    """Read and match files as the options of `sedlab.commands.options` say; SedlabError where they do not fit.

    ``kind`` is ``EVENTS`` or ``SEGMENTS``, by default as the ground truth says; ``told`` is what errors call a
    post-processing that was read already.
    """
    from sedlab.runs.moved.left_out import require_packed
    from sedlab.scoring.postprocess import Postprocess
    from sedlab.scoring.scores.inputs import read_ground_truth, read_scores
    from sedlab.scoring.scores.matching import kind_of, scored_classes

    require_packed(*score_files)
    method = Postprocess.read(postprocess) if isinstance(postprocess, str) else postprocess
    truth, scores = read_ground_truth(ground_truth), [read_scores(path) for path in score_files]
    kind = kind or kind_of(truth)
    chosen = class_names(classes, scores[0].classes)
    for each in scores:
        chosen = scored_classes(each, truth, kind, chosen)
        if unscored := [label for label in method.classes or () if label not in each.classes]:
            raise SedlabError(
                f"{told or postprocess}: was tuned for class {short(unscored[0])}, of which {each.path} has no scores. "
                "Tune on scores of this network."
            )
    matched = match(scores, truth, common=common_clips)
    known, notes = read_times(matched, kind, durations)
    return Frame(
        **vars(matched) | {"notes": matched.notes + notes},
        kind=kind,
        classes=chosen,
        tables=[method.suited_to(chosen).scores(each.tables, chosen) for each in matched.scores],
        durations=known,
    )


def read_metrics_frame(
    score_files: Sequence[Path],
    ground_truth: Path,
    durations: Path | None,
    *,
    metric: str,
    known: Sequence[str],
    on_request: Sequence[str] = (),
    resampled: bool = False,
    **options,
) -> tuple[Frame, tuple[str, ...]]:
    """Read and match files for a command that computes metrics; return the frame and the metrics.

    Parameters
    ----------
    metric : str
        Names with commas between, also "psds" or "mpauc" for all of a kind; default: all that fit the ground truth.
    known, on_request : sequence of str
        Metrics of the command, and those that are computed only when they are named.
    resampled : bool
        Whether intervals are made.
    **options
        As for `read_frame`.

    Raises
    ------
    SedlabError
        As `read_frame`; for unknown metrics, when PSDS lacks durations, and when it cannot fit into memory.
    """
    from sedlab.scoring.metrics.cost import PSDS2_CLASSES, left_out, needed_bytes
    from sedlab.scoring.scores.matching import EVENTS
    from sedlab.system.memory import check_fits

    asked = _asked_metrics(metric, known, on_request)
    frame = read_frame(score_files, ground_truth, durations, kind=_kind(asked[0]) if asked else None, **options)
    if frame.kind == EVENTS and durations is None:
        raise SedlabError(
            f"{ground_truth}: metrics of events need the clips' durations (filename, duration in seconds). "
            "Add --durations."
        )
    if frame.kind == EVENTS:
        check_durations(durations, frame.durations, frame.truth, frame.classes)
    metrics = asked or tuple(name for name in known if _kind(name) == frame.kind)
    for slow in left_out(metrics, names(metric), frame.classes):
        metrics = tuple(name for name in metrics if name != slow)
        frame.notes.append(
            f"{slow} is left out: it holds {len(frame.classes)} classes against each other, more than {PSDS2_CLASSES}, "
            f"which takes long. To compute it all the same: --metric {','.join((*metrics[:1], slow))}."
        )
    check_fits(
        needed_bytes(frame.tables, frame.classes, metrics, resampled),
        f"{score_files[0]}: {', '.join(metrics)} of {count_of(len(frame.tables[0]), 'clip')} x "
        + count_of(len(frame.classes), "class", "classes")
        + (" with intervals" if resampled else ""),
        "Choose fewer metrics (--metric), fewer classes (--classes) or no intervals, or use a larger machine.",
    )
    return frame, metrics


def _asked_metrics(text: str, known: Sequence[str], on_request: Sequence[str]) -> tuple[str, ...]:
    from sedlab.scoring.scores.matching import EVENTS, SEGMENTS

    all_of = {"psds": EVENTS, "mpauc": SEGMENTS}
    asked: list[str] = []
    for name in names(text):
        if name in all_of:
            asked += [metric for metric in known if _kind(metric) == all_of[name]]
        elif name in (*known, *on_request):
            asked.append(name)
        else:
            everything = ("psds", *known, *on_request)
            raise SedlabError(f"--metric {name}: unknown.{nearest(name, everything)} Known: {', '.join(everything)}.")
    if len({_kind(metric) for metric in asked}) > 1:
        raise SedlabError(f"--metric {text}: mpAUC is of segments, the others are of events. Ask for them one by one.")
    return tuple(dict.fromkeys(asked))


def _kind(metric: str) -> str:
    from sedlab.scoring.metrics.evaluation import SEGMENT_METRICS
    from sedlab.scoring.scores.matching import EVENTS, SEGMENTS

    return SEGMENTS if metric in SEGMENT_METRICS else EVENTS
