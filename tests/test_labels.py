"""Label spaces: counts, order, masks and aliases of the published system."""

from __future__ import annotations

import numpy as np
import pytest

from sedlab import labels
from sedlab.errors import SedlabError


def test_the_joint_space_is_desed_then_maestro_without_repeats():
    assert len(labels.CLASSES) == len(set(labels.CLASSES)) == 27
    assert labels.CLASSES[:10] == tuple(sorted(labels.DESED_CLASSES))
    assert labels.CLASSES[10] == "cutlery and dishes"
    assert labels.CLASSES[26] == "birds_singing"


def test_evaluated_maestro_classes_have_the_published_indices():
    indices = [labels.class_index(label) for label in labels.MAESTRO_EVAL_CLASSES]
    assert indices == [10, 12, 13, 15, 16, 17, 18, 22, 23, 25, 26]


@pytest.mark.parametrize(
    ("corpus", "training", "valid"),
    [
        ("desed", True, [*range(10), 10, 12]),
        ("desed", False, list(range(10))),
        ("maestro", True, [3, 8, *range(10, 27)]),
        ("maestro", False, [3, 8, *range(10, 27)]),
    ],
)
def test_masks_have_the_published_indices(corpus, training, valid):
    assert np.flatnonzero(labels.valid_classes(corpus, training=training)).tolist() == valid


def test_aliases_lead_from_one_corpus_to_the_other():
    for source, target in labels.MAESTRO_TO_DESED:
        assert source in labels.MAESTRO_CLASSES
        assert target in labels.DESED_CLASSES
    for source, target in labels.DESED_TO_MAESTRO:
        assert source in labels.DESED_CLASSES
        assert target in labels.MAESTRO_CLASSES


def test_unknown_class_suggests_the_nearest():
    with pytest.raises(SedlabError, match="Did you mean 'Vacuum_cleaner'"):
        labels.class_index("Vacum_cleaner")
