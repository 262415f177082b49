"""Which graphics cards may be used: listed by `nvidia-smi`, counted by torch, less what the environment hides."""

import json
import os
import stat
import sys

import pytest

from sedlab.system import cards as module
from sedlab.system.cards import (
    Card,
    environment_with,
    handed_on,
    listed_cards,
    parse_listing,
    torch_build,
    usable_cards,
)

TWO = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aaaa1111-0000-0000-0000-000000000000)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-aaaa2222-0000-0000-0000-000000000000)
"""
PARTED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb0000-0000-0000-0000-000000000000)
  MIG 3g.20gb     Device  0: (UUID: MIG-cccc1111-0000-0000-0000-000000000000)
  MIG 3g.20gb     Device  1: (UUID: MIG-cccc2222-0000-0000-0000-000000000000)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb1111-0000-0000-0000-000000000000)
"""
UNLIKE = """\
GPU 0: NVIDIA T4 (UUID: GPU-dddd0000-0000-0000-0000-000000000000)
GPU 1: NVIDIA L40S (UUID: GPU-dddd1111-0000-0000-0000-000000000000)
"""


def idents(listing, visible=None):
    return [card.ident for card in listed_cards(parse_listing(listing), visible)]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ["0", "1"]),
        ("", []),
        ("1", ["1"]),
        (" 1 , 0 ", ["1", "0"]),
        ("-1", []),
        ("0,-1,1", ["0"]),  # what comes after a card that is not there is hidden
        ("1,2,0", ["1"]),
        ("0,0", []),
        ("NoDevFiles", []),
        ("GPU-aaaa2222-0000-0000-0000-000000000000", ["GPU-aaaa2222-0000-0000-0000-000000000000"]),
        ("GPU-aaaa2,GPU-aaaa1", ["GPU-aaaa2", "GPU-aaaa1"]),
        ("GPU-aaaa", []),  # may be either
        ("GPU-ffff", []),
    ],
)
def test_what_the_environment_leaves_visible_is_all_there_is(visible, expected):
    assert idents(TWO, visible) == expected


def test_the_same_card_by_any_name_has_one_key():
    names = ("1", "GPU-aaaa2", "GPU-aaaa2222-0000-0000-0000-000000000000")
    keys = {card.key for name in names for card in listed_cards(parse_listing(TWO), name)}
    assert keys == {"GPU-aaaa2222-0000-0000-0000-000000000000"}


def test_each_part_of_a_divided_card_is_a_card():
    first, second = (f"MIG-cccc{n}-0000-0000-0000-000000000000" for n in ("1111", "2222"))
    assert idents(PARTED) == [first, second, "1"]
    assert idents(PARTED, f"{second},MIG-cccc1") == [second, "MIG-cccc1"]
    assert idents(PARTED, "MIG-GPU-bbbb0000-0000-0000-0000-000000000000/1/0") == [
        "MIG-GPU-bbbb0000-0000-0000-0000-000000000000/1/0"
    ]
    assert idents(PARTED, "MIG-ffff") == []
    assert listed_cards(parse_listing(PARTED), first)[0].name == "NVIDIA A100-SXM4-40GB, MIG 3g.20gb"


def test_unlike_cards_are_named_so_that_no_order_can_mistake_them():
    assert all(name.startswith("GPU-dddd") for name in idents(UNLIKE))


def program(folder, text):
    """A program `nvidia-smi` that prints a listing, or fails."""
    folder.mkdir(exist_ok=True)
    path = folder / "nvidia-smi"
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(folder)


@pytest.fixture
def torch_of(monkeypatch):
    """Pretend that torch was built for these cards; nothing is visible but what the test says."""
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", module.KNOWN_CARDS):
        monkeypatch.delenv(name, raising=False)
    return lambda build: monkeypatch.setattr(module, "torch_build", lambda: build)


def test_a_listing_that_the_driver_gives_is_used_and_a_torch_for_cpus_uses_none(tmp_path, monkeypatch, torch_of):
    monkeypatch.setenv("PATH", program(tmp_path / "two", f"print({TWO!r}, end='')"))
    torch_of("cuda")
    assert [card.ident for card in usable_cards()] == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert usable_cards() == (Card("1", "NVIDIA H100 80GB HBM3", "GPU-aaaa2222-0000-0000-0000-000000000000"),)
    torch_of(None)
    assert usable_cards() == ()


@pytest.mark.parametrize("build", ["cuda", "hip"])
def test_without_a_listing_torch_is_asked(build, tmp_path, monkeypatch, torch_of):
    monkeypatch.setenv("PATH", program(tmp_path / build, "raise SystemExit('no driver')"))
    torch_of(build)
    asked = []

    def names():
        asked.append(1)
        return ["AMD Instinct MI300X"] * 2

    monkeypatch.setattr(module, "_names_by_torch", names)
    assert [str(card) for card in usable_cards()] == ["0 (AMD Instinct MI300X)", "1 (AMD Instinct MI300X)"]
    usable_cards()
    assert asked == [1]  # it takes seconds
    # Torch counts what is visible, so they bear the names they have outside.
    monkeypatch.setenv("HIP_VISIBLE_DEVICES" if build == "hip" else "CUDA_VISIBLE_DEVICES", "3,5")
    assert [card.ident for card in usable_cards()] == ["3", "5"]
    variable = "HIP_VISIBLE_DEVICES" if build == "hip" else "CUDA_VISIBLE_DEVICES"
    assert environment_with(usable_cards()[1:]) == {variable: "5"}


def test_torch_is_not_imported_where_no_driver_is(monkeypatch):
    monkeypatch.setattr(module, "_DRIVERS", ())
    monkeypatch.setattr(module, "_output", lambda *_, **__: pytest.fail("asked"))
    assert module._names_by_torch() == []


def test_what_torch_is_asked_gives_names(capsys):
    import torch

    exec(module._ASK_TORCH, {})
    assert len(json.loads(capsys.readouterr().out)) == torch.cuda.device_count()


def test_build_is_that_of_the_torch_that_is_imported():
    import torch

    expected = "hip" if torch.version.hip else "cuda" if torch.version.cuda else None
    assert torch_build() == expected


def test_children_know_the_cards_without_looking(monkeypatch):
    known = (Card("0", "one", "a"), Card("GPU-b", "two", "b"))
    for name, value in handed_on(known).items():
        monkeypatch.setitem(os.environ, name, value)
    assert usable_cards() == known
