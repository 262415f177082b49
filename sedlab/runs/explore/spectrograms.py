"""The clips of a run as its models hear them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sedlab.data.corpora.layout import layout
from sedlab.data.corpora.roles import EVENT_TESTS, TUNING_SETS
from sedlab.data.targets import strong_targets
from sedlab.errors import SedlabError
from sedlab.runs.clips import first_subset, heard_clip
from sedlab.runs.explore.opening import opening
from sedlab.runs.explore.scenes import key_of, split_key
from sedlab.runs.run import Run
from sedlab.views.explorers.sounds import LabelledSound, Sounds
from sedlab.views.explorers.spectrograms import SpectrogramViewer
from sedlab.views.player.call import python_call


def spectrograms(run: Run, subset: str = "", *, key: str = "", **options: Any) -> SpectrogramViewer:
    """Return a viewer of the clips of ``subset``, through the front-ends of the run's models, labels below.

    ``key`` is the clip to begin with, `subset/clip_id` or its id; device responses are those of the corpus, if it has
    any. ``options`` are those of `SpectrogramViewer`.
    """
    subset = subset or first_subset(run, *EVENT_TESTS, *TUNING_SETS)
    keys = [key_of(subset, clip_id) for clip_id in run.corpus().subset(subset).clips["clip_id"]]
    call = python_call(f"{opening(run)}.spectrograms", subset)
    options = {"models": run.experiment.models, "responses": _responses(run), "call": call} | options
    first = key if "/" in key or not key else key_of(subset, key)
    return SpectrogramViewer(Sounds(tuple(keys), lambda one: _sound(run, one)), key=first, **options)


def _sound(run: Run, key: str) -> LabelledSound:
    subset, clip_id = split_key(key)
    heard = heard_clip(run, subset, clip_id)
    if heard.silence:
        raise SedlabError(f"{clip_id} ({subset}): {heard.silence}.")
    if heard.events is None or layout(subset).family == "audioset":
        return LabelledSound(np.asarray(heard.waveform))
    events = heard.events
    # A tag without times holds for all of its clip.
    events = events.assign(onset=events["onset"].fillna(0), offset=events["offset"].fillna(len(heard.waveform)))
    return LabelledSound(np.asarray(heard.waveform), strong_targets(events, heard.classes), heard.classes)


def _responses(run: Run) -> Any:
    from sedlab.audio.device_response import align_responses
    from sedlab.data.device_responses import read_device_responses

    folder = run.data_root / "device_responses"
    found = read_device_responses(folder) if folder.is_dir() else []
    return align_responses(found) if found else None
