"""PSDS1 over a large label space: the fast way against sed_scores_eval on all clips and classes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sedlab.data.corpora.audioset_classes import EVAL_ONLY, label_space
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.postprocess.median import median_filter
from sedlab.scoring.metrics.audioset import MEDIAN_FRAMES, SCENARIO, audioset_psds1
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import psds
from sedlab.scoring.scores.file import ScoreFile
from sedlab.scoring.scores.tables import score_tables

NUM_CLIPS = 50


def material(seed: int, classes: tuple[str, ...], *, num_heard: int) -> tuple[ScoreFile, Corpus]:
    """Noise that rises where one of the first ``num_heard`` classes sounds; some clips are silent, some short."""
    random = np.random.default_rng(seed)
    clip_ids = [f"clip{index:02d}_0" for index in range(NUM_CLIPS)]
    # Levels of a tenth, so that scores tie within and across clips.
    logits = random.normal(-2, 2, (NUM_CLIPS, 25, len(classes))).repeat(10, axis=1).round(1)
    events = []
    for row, clip_id in enumerate(clip_ids):
        for onset in random.uniform(0, 7, random.integers(0, 4)):
            label, offset = random.integers(num_heard), onset + random.uniform(0.3, 3)
            events.append(("audioset_eval", clip_id, onset, offset, classes[label], 1.0))
            logits[row, int(onset * 25) : int(offset * 25), label] += 3
    clips = pd.DataFrame({"subset": "audioset_eval", "clip_id": clip_ids, "duration": random.uniform(6, 10, NUM_CLIPS)})
    events = pd.DataFrame(events, columns=["subset", "clip_id", "onset", "offset", "label", "confidence"])
    return ScoreFile(clip_ids, logits.astype(np.float32), classes, np.arange(251) * 0.04), Corpus(clips, events, Path())


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_what_the_library_says_about_all_clips(seed):
    classes = label_space("train447")[:20]
    scores, corpus = material(seed, classes, num_heard=18)
    durations = dict(zip(corpus.clips["clip_id"], corpus.clips["duration"], strict=True))
    annotated = scores.select(sorted(set(corpus.events["clip_id"])))
    filtered = median_filter(annotated.probabilities, MEDIAN_FRAMES)
    tables = score_tables(filtered, annotated.clip_ids, classes, annotated.frame_times)
    reference = psds(CountedEvents.of(tables, corpus.events, durations, classes), scenario=SCENARIO)
    result = audioset_psds1(scores, corpus)
    assert result.per_class == pytest.approx(reference.per_class, abs=1e-12, nan_ok=True)
    assert result.missing_classes == reference.missing_classes == classes[18:]
    assert result.num_clips == reference.num_clips < NUM_CLIPS
    assert result.overall == pytest.approx(np.nanmean(list(reference.per_class.values())))
    assert 0 < result.overall < 1


def test_classes_that_no_training_clip_has_are_not_scored():
    from sedlab.data.corpora.audioset import display_names

    untrained = tuple(mid for mid, name in display_names().items() if name in EVAL_ONLY)
    classes = (*untrained, *label_space("train447")[:2])
    scores, corpus = material(0, classes, num_heard=len(classes))
    result = audioset_psds1(scores, corpus)
    assert tuple(result.per_class) == classes[9:]
    assert result.num_clips == corpus.events.loc[corpus.events["label"].isin(classes[9:]), "clip_id"].nunique()


def test_the_published_evaluation_scores_407_classes():
    # 416 classes occur in the real evaluation part, 9 of them in no training clip.
    heard = 416
    untrained = sorted(set(label_space("all456")) - set(label_space("train447")))
    classes = (*untrained, *label_space("train447"))
    clip_ids = [f"clip{index}_0" for index in range(heard)]
    events = pd.DataFrame({"clip_id": clip_ids, "label": classes[:heard], "onset": 1.0, "offset": 2.0})
    clips = pd.DataFrame({"subset": "audioset_eval", "clip_id": clip_ids, "duration": 10.0})
    logits = np.full((heard, 10, len(classes)), -5, np.float32)
    corpus = Corpus(clips, events.assign(subset="audioset_eval", confidence=1.0), Path())
    result = audioset_psds1(ScoreFile(clip_ids, logits, classes, np.arange(11.0)), corpus)
    assert np.isfinite(list(result.per_class.values())).sum() == 407
    assert len(result.missing_classes) == 40


def test_clips_without_scores_are_named():
    scores, corpus = material(0, label_space("train447")[:4], num_heard=4)
    with pytest.raises(SedlabError, match="clip"):
        audioset_psds1(scores.select(scores.clip_ids[:10]), corpus)
