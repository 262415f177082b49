"""What the published files contain: which network, under which prefixes, and what beside it.

A file is recognised by its keys, never by its name: the layout that knows most of them is the one it was written in,
or, when some remain unknown, the closest one.

Source: public code of CP-JKU's DCASE 2024 Task 4 system, PretrainedSED, BEATs, ATST-Frame and DeiT, where they write
or load these files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sedlab.checkpoints.published.keys import Rule, detector_rules, transformer_rules, translate
from sedlab.config.model import Arch

#: More programs than so many do not wrap one network.
_MAX_WRAPPERS = 5

Kind = Literal["detector", "tagger", "transformer", "deit"]

#: Windows and filters of the front-ends, which follow from constants.
_FRONTEND_BUFFERS = r"(crnn_mel|(.*\.atst_)?mel\.mel_transform)\.(spectrogram\.window|mel_scale\.fb)"
#: Other networks of the file, and recurrent layers and heads behind the transformer.
_OTHER_NETS = r"net_(?!strong\.model\.).*"

_PRETRAINEDSED_HEADS: tuple[Rule, ...] = (
    ("strong_head.*", "head.*"),
    ("weak_head.*", "clip_head.*"),
    ("seq_model.rnn.*", "rnn.*"),
)
_WRAPPER_HEADS: tuple[Rule, ...] = (("net.head_linear_layer.*", "head.*"), ("net.att_linear_layer.*", "clip_head.*"))
_DEIT: tuple[Rule, ...] = (
    ("pos_embed", "deit.position"),
    ("patch_embed.proj.weight", "deit.patch"),
    *(rule for rule in transformer_rules("passt") if not re.match(r"conv_in|patch_embed|(\w+_)?new_pos", rule[0])),
    ("patch_embed.proj.bias", "transformer.patch.bias"),
)


@dataclass(frozen=True)
class Layout:
    """One way in which a network is stored."""

    name: str
    kind: Kind
    """deit: weights of an image transformer, from which PaSST starts."""
    arch: Arch
    rules: tuple[Rule, ...]
    ignored: str = r"(?!)"
    """Regular expression of the tensors that are left out on purpose."""
    clip_head: Literal["linear", "attention"] = "linear"
    """What a tagger's second head does."""
    short_clips: Literal["interpolate", "average"] = "interpolate"
    """How a tagger stretches short clips."""

    def own_key(self, key: str) -> str | None:
        """Return our name of ``key``, or None if it has none."""
        return translate(self.rules, key)

    def file_key(self, own_key: str) -> str:
        """Return the name of ``own_key`` in files of this layout."""
        return translate(((own, published) for published, own in self.rules), own_key) or own_key

    def ignores(self, key: str) -> bool:
        """Return whether ``key`` is left out on purpose."""
        return re.fullmatch(self.ignored, key) is not None


def recognise(keys: Iterable[str]) -> tuple[Layout | None, int]:
    """Return the layout that knows most of ``keys``, and of how many it knows the place or that they are left out.

    None when no layout knows any.
    """
    keys = list(keys)
    understood = [
        (sum(layout.own_key(key) is not None for key in keys), sum(map(layout.ignores, keys))) for layout in LAYOUTS
    ]
    # Where two know the same number of keys, it counts what they leave out.
    closest = max(range(len(LAYOUTS)), key=lambda index: understood[index])
    known, ignored = understood[closest]
    return (LAYOUTS[closest], known + ignored) if known else (None, 0)


def common_prefixes(keys: Iterable[str]) -> Iterator[str]:
    """Yield with what all ``keys`` begin: nothing, one part (``module.``), two parts (``module._orig_mod.``), ..."""
    prefix, keys = "", list(keys)
    for _ in range(_MAX_WRAPPERS):
        yield prefix
        parts = {key.removeprefix(prefix).partition(".")[0] for key in keys}
        if len(parts) != 1 or f"{prefix}{min(parts)}" in keys:
            return
        prefix += f"{parts.pop()}."


def _layouts() -> Iterable[Layout]:
    for arch in ("passt", "beats", "atst"):
        yield Layout("CP-JKU detector", "detector", arch, detector_rules(arch), _FRONTEND_BUFFERS)
    places = [("passt", "model."), ("passt", "model.model."), ("beats", "model.model."), ("atst", "model.atst.")]
    for arch, prefix in places:
        rules = (*transformer_rules(arch, prefix), *_PRETRAINEDSED_HEADS)
        yield Layout("PretrainedSED release", "tagger", arch, rules, _FRONTEND_BUFFERS)
    strong, ignored = "AudioSet-strong checkpoint (net_strong)", f"{_OTHER_NETS}|{_FRONTEND_BUFFERS}"
    for arch, prefix in (("passt", "net_strong.model."), ("atst", "net_strong.model.atst.")):
        yield Layout(strong, "transformer", arch, transformer_rules(arch, prefix), ignored)
    wrapper = ("net_strong.model.head_linear_layer.*", "wrapper.*")
    rules = (*transformer_rules("passt", "net_strong.model.model."), wrapper)
    yield Layout(f"{strong} with wrapper", "transformer", "passt", rules, ignored)
    for arch, prefix in (("passt", "net.model."), ("atst", "net.model.atst.")):
        rules = (*transformer_rules(arch, prefix), *_WRAPPER_HEADS)
        name = "AudioSet wrapper checkpoint (net)"
        yield Layout(name, "tagger", arch, rules, _FRONTEND_BUFFERS, clip_head="attention", short_clips="average")
    heads = r"(encoder\.)?head\..*"
    rules = transformer_rules("atst", "encoder.encoder.")
    yield Layout("ATST-Frame checkpoint, fine-tuned on AudioSet", "transformer", "atst", rules, heads)
    rules = transformer_rules("atst", "encoder.encoder.frame_encoder.")
    ignored = rf"encoder\.encoder\.teacher_module\..*|{heads}"
    yield Layout("ATST-C2F checkpoint", "transformer", "atst", rules, ignored)
    prefix = "model.teacher.encoder."
    rules = ((f"{prefix}norm.*", "transformer.final_norm.*"), *transformer_rules("atst", prefix))
    ignored = r"model\.teacher\.encoder\.cls_token|model\.teacher\.(projector|predictor)\..*|model\.student\..*"
    yield Layout("ATST-Frame checkpoint, self-supervised", "transformer", "atst", rules, ignored)
    yield Layout("BEATs checkpoint", "transformer", "beats", transformer_rules("beats"), r"predictor\.(weight|bias)")
    yield Layout("state dict of a frame-level PaSST", "transformer", "passt", transformer_rules("passt"))
    yield Layout("state dict of an ATST-Frame", "transformer", "atst", transformer_rules("atst"))
    yield Layout("DeiT image transformer", "deit", "passt", _DEIT, r"head(_dist)?\..*")


LAYOUTS: tuple[Layout, ...] = tuple(_layouts())
