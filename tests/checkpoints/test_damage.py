"""Checkpoints whose bits have changed: not one changed bit is used, and what the message advises helps."""

from __future__ import annotations

import random

import pytest
import torch

from sedlab.checkpoints.file import read_checkpoint_file
from sedlab.checkpoints.inspection import inspect_checkpoint
from sedlab.checkpoints.loading import load_network
from sedlab.checkpoints.own import save_detector
from sedlab.checkpoints.seal import check_whole, save_sealed
from sedlab.errors import SedlabError


def flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def refusal(path) -> str:
    with pytest.raises(SedlabError) as caught:
        read_checkpoint_file(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def path(tmp_path, make_detector):
    save_detector(tmp_path / "best.pt", make_detector("atst"))
    return tmp_path / "best.pt"


def test_one_changed_bit_anywhere_is_refused(path):
    content, draw = path.read_bytes(), random.Random(0)
    bits = len(content) * 8
    # Anywhere, and everywhere in the beginning and the end, where a format keeps what says how to read it.
    chosen = {*(draw.randrange(bits) for _ in range(200)), *range(0, 400, 5), *range(bits - 8 * 60, bits)}
    for bit in chosen:
        path.write_bytes(flipped(content, bit))
        assert "again" in refusal(path), bit
    path.write_bytes(content)  # copied again
    load_network(path)


def test_a_file_that_is_cut_or_continued_is_refused(path):
    content, draw = path.read_bytes(), random.Random(1)
    for size in [
        0,
        1,
        4,
        100,
        *(draw.randrange(len(content)) for _ in range(30)),
        *range(len(content) - 60, len(content)),
    ]:
        path.write_bytes(content[:size])
        refusal(path)
    for more in (b"\n", b"\0" * 4096, content):
        path.write_bytes(content + more)
        refusal(path)


def test_changed_weights_of_published_files_are_refused(tmp_path):
    path, draw = tmp_path / "a.ckpt", random.Random(2)
    torch.save({"state_dict": {"weight": torch.randn(50_000), "bias": torch.randn(3)}}, path)
    content = path.read_bytes()
    begin = content.index(torch.load(path, weights_only=True)["state_dict"]["weight"].numpy().tobytes())
    for _ in range(30):
        path.write_bytes(flipped(content, draw.randrange(8 * begin, 8 * (begin + 200_000))))
        assert "damaged (the checksum of a/data/0 in it does not fit)" in refusal(path)


def test_an_archive_without_checksums_is_read(tmp_path):
    """An option of torch for large files; every checksum in them is wrong."""
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"weight": torch.ones(3)}, tmp_path / "a.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_checkpoint_file(tmp_path / "a.pt")["weight"].sum() == 3


def test_our_files_are_what_torch_writes_and_may_be_written_anew(path):
    content = torch.load(path, weights_only=True)
    assert content["networks"]["student"].keys() == load_network(path).state_dict().keys()
    torch.save(content, path)
    check_whole(path)
    assert inspect_checkpoint(path).kind == "detector"


def test_a_sealed_file_is_read_onto_a_device_without_mapping(tmp_path):
    save_sealed({"a": torch.arange(5)}, tmp_path / "a.pt")
    content = read_checkpoint_file(tmp_path / "a.pt", device=torch.device("cpu"), mapped=False)
    assert torch.equal(content["a"], torch.arange(5))
