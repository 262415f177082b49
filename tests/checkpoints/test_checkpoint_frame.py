"""Our checkpoints with one entry changed: everything wrong is one line, everything right a network that detects."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from sedlab.checkpoints.inspection import format_report, inspect_checkpoint
from sedlab.checkpoints.loading import load_network, load_tagger
from sedlab.checkpoints.own import save_detector, save_networks
from sedlab.config.model import TaggerConfig
from sedlab.errors import SedlabError
from sedlab.models.tagger import FrameTagger

Change = Callable[[dict[str, Any]], None]


def entry(name: str, value: Any) -> Change:
    return lambda content: content.update({name: value})


def without(name: str) -> Change:
    return lambda content: content.pop(name)


def setting(value: Any, *path: str) -> Change:
    """Return the change of one setting of the model; of no value, it is left out."""

    def change(content: dict[str, Any]) -> None:
        model = place = json.loads(content["model"])
        for name in path[:-1]:
            place = place[name]
        if value is Ellipsis:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        content["model"] = json.dumps(model)

    return change


def tensor(change: Callable[[torch.Tensor], Any], key: str = "rnn.weight_hh_l0") -> Change:
    def change_all(content: dict[str, Any]) -> None:
        for state in content["networks"].values():
            state[key] = change(state[key])

    return change_all


def key(new: Any, old: str = "rnn.weight_hh_l0") -> Change:
    def change(content: dict[str, Any]) -> None:
        for state in content["networks"].values():
            state[new] = state.pop(old)

    return change


def names(change: Callable[[list[str]], Any]) -> Change:
    return lambda content: content.update(classes=change(content["classes"]))


NOT_FINITE = [tensor(lambda value, odd=odd: torch.full_like(value, odd)) for odd in (float("nan"), float("inf"))]


def wrong() -> Iterator[Change]:
    yield from NOT_FINITE
    for name in ("format", "model", "classes", "node", "networks"):
        yield without(name)
        yield from (entry(name, value) for value in (None, 5, [1], {"a": 1}, torch.ones(3), "[" * 9999))
    for name in ("sedlab", "torch", "frontends"):
        yield from (entry(name, value) for value in (None, 5, ["x"]))
    yield from (entry("model", text) for text in ("", "{", "null", "[]", "{}", '"x"', "9" * 5000, "[" * 9999, "NaN"))
    yield from (entry("node", text) for text in ("x", "[]", "5", "[" * 9999))
    yield from (entry("format", name) for name in ("", "sedlab-detector-9", "x" * 9999, "sedlab-resume-2"))
    for size in ("dim", "depth", "heads", "mlp_dim", "num_mels", "max_tokens"):
        for value in (0, 10**9, None, 256):
            yield setting(value, "transformer", size)
    for size in ("n_fft", "num_mels", "hop", "merge_dim", "rnn_dim", "rnn_layers", "dropout", "batchnorm_momentum"):
        yield from (setting(value, "crnn", size) for value in (-1, 10**9, float("inf")))
    yield from (setting(value, "crnn", "channels") for value in ([], [1], [0] * 6, [4] * 10**4, "x", None, [10**9] * 6))
    yield from (setting(value, "crnn", "pools") for value in ([], [[0, 0]] * 6, [[1, 1]] * 6, [[2]] * 6, "x"))
    yield from (setting(value, "transformer", "arch") for value in ("beats", "vit", None, 5, ...))
    yield from (setting(value, "embed_pool") for value in ("conv", "mean", None))
    yield from (setting(value, "num_classes") for value in (0, 26, 28, 10**9))
    yield from (setting(value, "wrapper_dim") for value in (None, 0, 10**9, 25))
    yield from (setting(-5, "transformer", "fmin"), setting(9000, "transformer", "fmin"))
    yield from (setting(3, "heads_of_state"), setting(..., "transformer"))
    yield from (names(change) for change in (lambda all: all[:-1], lambda all: [*all, "x"], "".join, lambda all: []))
    yield from (
        names(lambda all, odd=odd: [odd, *all[1:]]) for odd in (5, "", " a", "a\tb", "a\n", None, "Blender", "\0")
    )
    for networks in ({}, [], {"a": {}}, {"student": []}, {"student": {}}, {1: {}}, {"student": {"a": 1}}):
        yield entry("networks", networks)
    yield from (tensor(lambda value, odd=odd: odd) for odd in (None, 5, "x", [1.0], torch.ones(3), torch.tensor(1.0)))
    yield from (
        tensor(change)
        for change in (
            lambda value: value[:0],
            lambda value: value.to(torch.complex64),
            lambda value: value.to(torch.int64),
            lambda value: value.to(torch.float8_e4m3fn),
            lambda value: value.to_sparse(),
            lambda value: value.to("meta"),
            lambda value: torch.ones(1).expand(value.shape),
            lambda value: value.unsqueeze(0),
        )
    )
    yield from (key(new) for new in (1, None, ("a",), b"x", "x", "x" * 9999, "", "rnn.weight_hh_l0 "))


def right() -> Iterator[Change]:
    yield lambda content: None
    yield from (without(name) for name in ("sedlab", "torch", "frontends"))
    yield from (entry("more", 5), entry("node", '{"seed": 1}'), names(tuple))
    yield from (setting(..., "crnn", "dropout"), setting("linear", "embed_pool"), setting(0.1, "crnn", "dropout"))
    yield from (tensor(torch.Tensor.double), tensor(torch.nn.Parameter))
    yield names(lambda all: [f"Geräusch {number}: \"x\", 'y'" for number in range(len(all))])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("frames")


@pytest.fixture
def changed(folder, make_detector):
    """Return a function that gives the file of a detector with a change."""
    save_networks(folder / "original.pt", {"student": make_detector("passt")})
    original = torch.load(folder / "original.pt", weights_only=True)

    def write(change: Change):
        content = {**original, "networks": {name: dict(state) for name, state in original["networks"].items()}}
        change(content)
        torch.save(content, folder / "a.pt")
        return folder / "a.pt"

    return write


def test_every_wrong_entry_is_one_line_at_once(changed):
    changes = list(wrong())
    assert len(changes) > 130
    for number, change in enumerate(changes):
        path, began = changed(change), time.process_time()
        # Values are not read by inspection: numbers that are not finite are found when a network is loaded.
        load = load_network if number % 4 or change in NOT_FINITE else inspect_checkpoint
        with pytest.raises(SedlabError) as caught:
            load(path)
        message = str(caught.value)
        assert message.startswith(str(path)) and "\n" not in message and len(message) < 900
        assert time.process_time() - began < 5


def test_what_is_right_is_a_network_that_detects(changed):
    for change in right():
        path = changed(change)
        detector = load_network(path)
        assert detector.window_probabilities(torch.randn(1, 16_000)).shape == (1, 15, 27)
        assert "detector, passt" in format_report(inspect_checkpoint(path))


def test_a_tagger_has_the_names_of_its_classes(folder, make_detector):
    config = TaggerConfig(transformer=make_detector("atst").config.transformer, num_classes=3, rnn_dim=8)
    save_detector(folder / "tagger.pt", FrameTagger(config, ["a", "b", "c"]))
    assert load_tagger(folder / "tagger.pt").classes == ("a", "b", "c")
    for change in (
        *(names(lambda all, odd=odd: odd) for odd in (["a", "b"], ["a", "b", "b"], ["a", "b", 3], "abc")),
        *(setting(value, "num_clip_classes") for value in (3, 10**9)),
        *(setting(value, "rnn_layers") for value in (0, 10**9, 3)),
        *(setting(value, "rnn_dim") for value in (None, 10**9, 9)),
        setting("linear", "clip_head"),
        setting("attention", "clip_head"),
    ):
        content = torch.load(folder / "tagger.pt", weights_only=True)
        change(content)
        torch.save(content, folder / "a.pt")
        with pytest.raises(SedlabError):
            load_tagger(folder / "a.pt")
