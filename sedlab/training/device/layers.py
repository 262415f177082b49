"""Which ways of computing layers are right and fastest on the card at hand: tried once, then remembered.

A kernel may be wrong on a card, or slow, or end the process. So each is tried at the sizes of a training, against the
plain way, in processes of their own (`trying`), and what came of it is kept in the user's cache, for this card, these
versions, this code and these sizes.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from sedlab.config.experiment import Node, StageConfig
from sedlab.errors import SedlabError, warn_once
from sedlab.files import write_text
from sedlab.models.trials import fastest
from sedlab.system.home import writable_home
from sedlab.training.device.hardware import Hardware
from sedlab.training.device.trying import Question, verdicts

#: No way is begun after so long, none waited for longer than the second.
TRIAL_SECONDS, WAY_SECONDS = 60.0, 45.0


def fastest_layers(node: Node, hardware: Hardware) -> dict[str, str]:
    """Return the way in which each layer is to be computed, for `sedlab.models.kernels.choice.choose`.

    Empty where the trial fails: a line says why, and layers are computed in their plain ways.
    """
    config = node.training
    clips = config.batch.total if isinstance(config, StageConfig) else config.batch_size
    question = Question(node.detector, clips, hardware.precision, device=hardware.kind)
    kept = _cache_folder() / f"{_digest(question, hardware)}.json"
    if kept.is_file():
        try:
            return json.loads(kept.read_text(encoding="utf-8"))
        except ValueError:
            pass  # a disk that was full; it is written anew
    try:
        found = list(verdicts(question, seconds=TRIAL_SECONDS, way_seconds=WAY_SECONDS))
    except SedlabError as error:
        warn_once(f"layers are computed in their plain ways: {error}")
        return {}
    ways = fastest(found)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, json.dumps(ways) + "\n")
    except OSError:
        pass  # they are tried again next time
    return ways


def _cache_folder() -> Path:
    writable_home()  # where there is none, this names another place for caches
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sedlab" / "layers"


def _digest(question: Question, hardware: Hardware) -> str:
    import sedlab.models

    asked = [question.detector.model_dump(mode="json"), question.clips, question.precision]
    total = hashlib.sha256(json.dumps([asked, hardware.device, hardware.torch], sort_keys=True).encode())
    for path in sorted(Path(sedlab.models.__file__).parent.rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:24]
