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


OWN = labels.LabelSpace(own=("Whistle", "Speech", "Drill"), dcase=False)
MIXED = labels.LabelSpace(own=("Whistle", "Speech", "Drill"))


def test_the_space_of_the_task_is_as_it_was():
    assert labels.DCASE.classes == labels.CLASSES
    assert labels.DCASE.evaluated("desed") == labels.DESED_CLASSES
    assert labels.DCASE.evaluated("maestro") == labels.MAESTRO_EVAL_CLASSES
    assert np.array_equal(labels.DCASE.desed_mask(), labels.valid_classes("desed", training=True))
    # Without doubled labels DESED's clips speak about its own classes alone, in training too.
    assert labels.DCASE.valid("desed", training=True, aliased=False).sum() == 10
    assert labels.DCASE.valid("maestro", training=True, aliased=False).sum() == 17


def test_own_classes_alone_keep_their_order_and_know_nothing_of_others():
    assert OWN.classes == ("Whistle", "Speech", "Drill")
    assert OWN.valid("own", training=True).all() and OWN.desed_mask().all()
    assert OWN.evaluated("own") == OWN.classes
    assert OWN.aliases("desed") == OWN.aliases("own") == ()
    with pytest.raises(SedlabError, match="no annotation of 'desed' in this label space: expected own"):
        OWN.valid("desed", training=True)


def test_own_classes_beside_the_task_s_come_after_them_and_share_names():
    assert MIXED.classes == (*labels.CLASSES, "Whistle", "Drill")
    assert np.flatnonzero(MIXED.valid("own", training=True)).tolist() == [8, 27, 28]
    assert np.flatnonzero(MIXED.valid("desed", training=True)).tolist() == [*range(10), 10, 12]
    assert np.flatnonzero(MIXED.valid("maestro", training=False)).tolist() == [3, 8, *range(10, 27)]
    assert np.flatnonzero(MIXED.desed_mask()).tolist() == [*range(10), 10, 12, 27, 28]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (("a", "b"), "tells 2 classes apart (not 'c', 'b' as well) where the corpus has 2"),
        (("c", "a"), "tells 2 classes apart, in another order where the corpus has 2"),
        (("a",), "tells 1 class apart (not 'c') where the corpus has 2"),
    ],
)
def test_how_classes_differ_is_said_by_name(found, said):
    assert labels.difference(found, ("a", "c")) == said
