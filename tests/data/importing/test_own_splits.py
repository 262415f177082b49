"""Recordings are shared out whole, each class to each split where it can."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.data.importing.splits import SPLITS, stratified

SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


def holders(found, labels, label):
    return {split: [n for n in labels if found[n] == split and label in labels[n]] for split in SPLITS}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcdef"), max_size=4), min_size=1, max_size=40), st.integers(0, 5))
def test_every_recording_is_on_one_side_and_a_class_is_trained_before_it_is_tested(held, seed):
    labels = {f"r{i:02d}": classes for i, classes in enumerate(held)}
    found = stratified(labels, SHARES, np.random.default_rng(seed))
    assert found.keys() == labels.keys() and set(found.values()) <= set(SPLITS)
    assert found == stratified(dict(reversed(labels.items())), SHARES, np.random.default_rng(seed))


def test_each_class_occurs_in_each_split_and_shares_are_kept():
    rng = np.random.default_rng(3)
    labels = {f"r{i:03d}": {c for c, p in zip("abcde", (0.9, 0.5, 0.3, 0.1, 0.04), strict=True) if rng.random() < p}
              for i in range(100)}  # fmt: skip
    found = stratified(labels, SHARES, np.random.default_rng(0))
    counts = {split: sum(side == split for side in found.values()) for split in SPLITS}
    assert abs(counts["train"] - 70) <= 5 and abs(counts["val"] - 15) <= 5 and abs(counts["test"] - 15) <= 5
    for label in "abcde":
        assert all(holders(found, labels, label).values())


def test_a_class_of_two_recordings_is_trained_and_tested_and_one_of_one_is_trained():
    labels = {f"r{i}": {"often"} for i in range(10)} | {"p": {"twice"}, "q": {"twice"}, "s": {"once"}}
    found = stratified(labels, SHARES, np.random.default_rng(1))
    assert sorted((found["p"], found["q"])) == ["test", "train"] and found["s"] == "train"


def test_recordings_stay_where_they_were():
    labels = {f"r{i}": {"a"} for i in range(6)}
    first = stratified(labels, SHARES, np.random.default_rng(0))
    more = stratified(labels | {f"new{i}": {"a"} for i in range(14)}, SHARES, np.random.default_rng(0), known=first)
    assert {name: more[name] for name in first} == first
    assert sum(split == "train" for split in more.values()) in (13, 14, 15)
