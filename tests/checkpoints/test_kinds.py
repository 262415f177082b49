"""What is taken for a checkpoint: each kind with a sentence of its own, and the remedy it names helps."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import shlex
import tarfile
import zipfile

import h5py
import numpy as np
import pytest
import torch
from published_files import detector_state, prefixed, pretrainedsed_state, stage_file, transformer_state
from safetensors.torch import save_file

from sedlab.checkpoints.inspection import format_report, inspect_checkpoint
from sedlab.checkpoints.loading import load_network, load_transformer
from sedlab.errors import SedlabError

UNPACK = "Unpack it, then give the file that was in it."
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 363000000\n"


def archive(kind: str, name: str, content: bytes) -> bytes:
    """Return an archive with one file in it."""
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as whole:
            whole.writestr(name, content)
    else:
        with tarfile.open(fileobj=file, mode="w") as whole:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            whole.addfile(info, io.BytesIO(content))
    return file.getvalue()


def numpy_file(save, **arrays) -> bytes:
    file = io.BytesIO()
    save(file, *arrays.values()) if save is np.save else save(file, **arrays)
    return file.getvalue()


NONE = {
    "lfs": (LFS, "but the pointer of Git LFS to one. Run `git lfs pull`"),
    "page": (b"<!DOCTYPE html><html><head><title>Sign in</title>", "but a web page.* Open its address in a browser"),
    "page after blanks": (b"\xef\xbb\xbf\n\n  <html lang=en>", "but a web page"),
    "answer in XML": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "but a web page"),
    "text": (b"Entry not found\n", r"but a text \('Entry not found'\)\. Download the file itself"),
    "answer in JSON": (b'{"error": "Repository not found"}', r"but a text \('{\"error\":"),
    "text that is no ASCII": ("Zugriff verweigert: bitte später".encode(), "but a text"),
    "empty": (b"", r"or cut short \(it is empty\)\. Copy or download it again"),
    "gzip": (gzip.compress(b"x" * 99), f"gzip compressed. {UNPACK}"),
    "bzip2": (bz2.compress(b"x" * 99), f"bzip2 compressed. {UNPACK}"),
    "xz": (lzma.compress(b"x" * 99), f"xz compressed. {UNPACK}"),
    "tar": (archive("tar", "a.pt", b"x"), f"an archive of tar. {UNPACK}"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + b"x" * 99, f"an archive of 7-Zip. {UNPACK}"),
    "zip with a checkpoint": (
        archive("zip", "weights/a.ckpt", b"x"),
        "another zip archive. Unpack it and give 'weights/a.ckpt'",
    ),
    "zip without": (archive("zip", "a.txt", b"x"), "another zip archive. Give the .pt or .ckpt file"),
    "npz": (numpy_file(np.savez, a=np.ones(3)), "another zip archive"),
    "npy": (numpy_file(np.save, a=np.ones(3)), "an array of numpy"),
    "sound": (b"RIFF\x24\0\0\0WAVEfmt ", "a sound file. Give the checkpoint of a network with --checkpoint"),
    "unknown": (bytes(range(128, 256)) * 9, r"another kind \(it begins with b'\\x80|a pickle that"),
    "noise": (np.random.default_rng(0).bytes(999), "a file of another kind .* Give one of torch.save or safetensors"),
    "zeros": (bytes(999), "a file of another kind"),
}


@pytest.mark.parametrize("name", NONE)
@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
def test_a_file_that_is_none_is_told_what_it_is(tmp_path, name, suffix):
    content, problem = NONE[name]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(SedlabError, match=rf"{path}: not a readable checkpoint.*{problem}") as caught:
        load_network(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_told_as_well(tmp_path):
    with h5py.File(tmp_path / "scores.h5", "w") as file:
        file["a"] = 1
    (tmp_path / "folder.pt").mkdir()
    for name, problem in [
        ("scores.h5", "an HDF5 file, such as one of scores. Give the .pt or .ckpt"),
        ("folder.pt", "is a folder. Give the .pt, .ckpt or .safetensors file in it."),
        ("none.pt", "no such checkpoint"),
    ]:
        with pytest.raises(SedlabError, match=problem):
            load_network(tmp_path / name)


def advised(path, load, monkeypatch) -> str:
    """Do what the message about ``path`` advises, in the folder of the test, and return the file that it makes."""
    with pytest.raises(SedlabError) as caught:
        load(path)
    assert (
        "could run code" in str(caught.value) or "TorchScript" in str(caught.value) or "compressed" in str(caught.value)
    )
    _, option, code = shlex.split(str(caught.value)[str(caught.value).index("python -c ") :])
    assert option == "-c"
    monkeypatch.chdir(path.parent)
    exec(code, {})
    return str(path.parent / "weights.ckpt")


class Settings:
    """What a training script keeps beside the weights."""


@pytest.mark.parametrize("kind", ["beside", "module", "module in a dictionary", "plain pickle", "script", "compressed"])
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_weights_beside_code_can_be_kept_alone_as_the_message_says(tmp_path, monkeypatch, kind):
    state, path = transformer_state("atst"), tmp_path / 'it\'s "$HOME" `x`; {a} b.ckpt'
    module = torch.nn.Module()
    for key, value in state.items():  # a module whose state dict has these keys
        inner = module
        *parts, last = key.split(".")
        for part in parts:
            if part not in dict(inner.named_children()):
                inner.add_module(part, torch.nn.Module())
            inner = getattr(inner, part)
        inner.register_buffer(last, value)
    if kind == "script":
        torch.jit.save(torch.jit.script(module), path)
    elif kind == "plain pickle":
        path.write_bytes(pickle.dumps(state))
    elif kind == "compressed":
        torch.save(state, path.with_suffix(".pt"))
        stored = zipfile.ZipFile(path.with_suffix(".pt"))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in stored.namelist():
                packed.writestr(name, stored.read(name))
    else:
        contents = {"module": module, "module in a dictionary": {"model": module}}
        torch.save(contents.get(kind, {"state_dict": state, "args": Settings()}), path)
    loaded = load_transformer(advised(path, load_transformer, monkeypatch)).state_dict()
    assert torch.equal(loaded["blocks.0.up.weight"], state["blocks.0.mlp.fc1.weight"])


@pytest.mark.parametrize(("arch", "suffix"), [("beats", ".safetensors"), ("atst", ".ckpt")])
def test_safetensors_are_read_like_a_state_dict(tmp_path, arch, suffix):
    detector, transformer = detector_state(arch), transformer_state(arch)
    stage = {key: value.clone() for key, value in stage_file(arch, detector, detector)["state_dict"].items()}
    for name, state in {"detector": detector, "stage": stage}.items():
        save_file(state, tmp_path / f"{name}{suffix}", metadata={"format": "pt"})
        torch.save(state, tmp_path / f"{name}.pt")
        found, expected = (load_network(tmp_path / f"{name}{ending}").state_dict() for ending in (suffix, ".pt"))
        assert all(torch.equal(found[key], expected[key]) for key in expected | found)
    save_file(transformer, tmp_path / f"bare{suffix}")
    assert load_transformer(tmp_path / f"bare{suffix}").config.arch == arch
    content = (tmp_path / f"bare{suffix}").read_bytes()
    for size in (9, 100, len(content) - 1):
        (tmp_path / "cut.safetensors").write_bytes(content[:size])
        with pytest.raises(SedlabError, match=r"not a readable checkpoint.* again"):
            load_transformer(tmp_path / "cut.safetensors")


@pytest.mark.parametrize(
    ("place", "prefix"),
    [
        *(("detector", prefix) for prefix in ("_orig_mod.", "module.", "model.", "module._orig_mod.", "a.b.c.")),
        *((place, "module._orig_mod.") for place in ("stage inside", "stage outside", "pretrainedsed")),
        *(("BEATs", prefix) for prefix in ("model.", "_orig_mod.module.")),
    ],
)
def test_what_all_keys_begin_with_is_left_out_with_a_note(tmp_path, prefix, place):
    detector, expected = detector_state("atst"), ("CP-JKU detector", prefix)
    if place == "detector":
        content = prefixed(prefix, detector)
    elif place == "stage inside":
        networks = (prefixed(f"{name}.{prefix}", detector) for name in ("student", "teacher"))
        content = {"state_dict": {key: value for state in networks for key, value in state.items()}}
    elif place == "stage outside":
        content = {"state_dict": prefixed(prefix, {**prefixed("student.", detector), **prefixed("teacher.", detector)})}
    elif place == "pretrainedsed":
        content = prefixed(prefix, pretrainedsed_state("passt", transformer_state("passt"), classes=3))
        expected = ("PretrainedSED release", prefix)
    else:
        content = {"model": prefixed(prefix, transformer_state("beats"))}
        expected = ("BEATs checkpoint", prefix)
    torch.save(content, tmp_path / "a.pt")
    report = inspect_checkpoint(tmp_path / "a.pt")
    assert report.content.format == expected[0]
    assert f"every key begins with {prefix!r}, which is left out" in format_report(report)
    assert not report.content.unexpected


def test_a_prefix_that_not_every_key_has_is_not_left_out(tmp_path):
    state = prefixed("module.", detector_state("atst"))
    state["stray"] = torch.zeros(1)
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(SedlabError, match="no tensor of a known network"):
        load_network(tmp_path / "a.pt")
