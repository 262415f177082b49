from dataclasses import replace

import numpy as np
import pytest
from scoring_material import make_scores

from sedlab.errors import SedlabError
from sedlab.scoring.scores.ensemble import ensemble


def scores(seed: int, clip_ids=("a", "b", "c"), **attrs):
    return make_scores(list(clip_ids), np.random.default_rng(seed).normal(0, 5, (len(clip_ids), 156, 27)), **attrs)


@pytest.mark.parametrize("copies", [1, 2, 3, 7])
def test_identical_members_give_themselves_to_the_bit(copies):
    assert np.array_equal(ensemble([scores(0)] * copies).logits, scores(0).logits)


def test_logits_are_averaged_not_probabilities():
    joint = ensemble([scores(0, model="passt"), scores(1, model="atst")])
    assert np.allclose(joint.logits, (scores(0).logits + scores(1).logits) / 2, atol=1e-6)
    assert joint.logits.dtype == np.float32
    assert joint.attrs == {"model": "ensemble", "members": "passt, atst"}


def test_order_of_clips_in_a_member_does_not_matter():
    shuffled = scores(1).select(["c", "a", "b"])
    joint = ensemble([scores(0), shuffled])
    assert joint.clip_ids == ["a", "b", "c"]
    assert np.array_equal(joint.logits, ensemble([scores(0), scores(1)]).logits)


def test_differing_clips_are_listed():
    with pytest.raises(SedlabError, match=r"2 clips are scored by only one of them \(c, d\)"):
        ensemble([scores(0), scores(1, clip_ids=("a", "b", "d"))])


def test_differing_classes_and_grids_are_refused():
    first = scores(0)
    swapped = replace(first, classes=(first.classes[1], first.classes[0], *first.classes[2:]))
    with pytest.raises(SedlabError, match="classes differ"):
        ensemble([first, swapped])
    with pytest.raises(SedlabError, match=r"frame grids differ \(156 and 100 frames\)"):
        ensemble([first, replace(first, logits=first.logits[:, :100], frame_times=first.frame_times[:101])])
    with pytest.raises(SedlabError, match="no score files"):
        ensemble([])
