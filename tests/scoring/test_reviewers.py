"""Two people's decisions held against each other, with numbers worked out by hand."""

import numpy as np
import pytest

from sedlab.data.review.decisions import Decision, empty_table, with_decision
from sedlab.scoring.reviewers import agreement, cohens_kappa


def of(who, *decisions):
    table = empty_table()
    for k, decision in enumerate(decisions):
        moved = {"new_onset": decision[1], "new_offset": decision[2]} if isinstance(decision, tuple) else {}
        told = decision[0] if isinstance(decision, tuple) else decision
        if told:
            made = Decision("devtest", f"clip{k}", 1.0, 2.0, "Dog", "reference", told, reviewer=who, **moved)
            table = with_decision(table, made)
    return table


def test_kappa_is_that_of_the_textbook():
    # Observed 35 of 50; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    assert cohens_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx((0.7 - 0.5) / 0.5)
    assert np.isnan(cohens_kappa(np.zeros((4, 4))))
    assert np.isnan(cohens_kappa(np.diag([3, 0])))


def test_shared_decisions_and_boundaries_are_compared():
    ann = of("ann", "right", "wrong", "right", ("moved", 1.1, 2.0), ("moved", 1.0, 1.9), "right", None)
    ben = of("ben", "right", "wrong", "wrong", ("moved", 1.0, 2.3), "right", None, "wrong")
    found = agreement(ann, ben)
    assert (found.items, found.clips) == (5, 5)
    assert found.percent == pytest.approx(60)
    # Chance: right 2/5 * 2/5, wrong 1/5 * 2/5, moved 2/5 * 1/5.
    assert found.kappa == pytest.approx((0.6 - 8 / 25) / (1 - 8 / 25))
    assert found.counts.loc["right", "wrong"] == 1
    assert found.boundaries == 2
    assert (found.onset_ms, found.offset_ms) == (pytest.approx(50), pytest.approx(200))
    # Kept in shared clips: ann 4, ben 3; clips 0 and 4 agree within the collar, clip 3 ends 0.3 s apart (collar 0.26).
    assert found.events == (4, 3)
    assert found.f1 == pytest.approx(2 * 2 / 7)


def test_who_shares_nothing_has_no_agreement():
    found = agreement(of("ann", "right"), of("ben", None, "right"))
    assert found.items == found.clips == 0
    assert np.isnan([found.percent, found.kappa, found.f1, found.onset_ms]).all()
