"""Which ways of computing layers are right and fastest on the card at hand: tried once, then remembered.

A kernel may be wrong on a card, or slow, or end the process. So each is tried at the sizes of a training, against the
plain way, in a process of its own, and what came of it is kept in the user's cache, for this card, these versions, this
code and these sizes.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from sedlab.config.experiment import Node, StageConfig
from sedlab.config.model import DetectorConfig
from sedlab.errors import SedlabError, warn_once
from sedlab.files import write_text
from sedlab.system.home import writable_home
from sedlab.training.device.hardware import Hardware

#: No way is tried after so long; a process that has not ended long after that is given up.
TRIAL_SECONDS, PATIENCE_SECONDS = 60.0, 180.0


def fastest_layers(node: Node, hardware: Hardware) -> dict[str, str]:
    """Return the way in which each layer is to be computed, for `sedlab.models.kernels.choice.choose`.

    Empty where the trial fails: a line says why, and layers are computed in their plain ways.
    """
    config = node.training
    clips = config.batch.total if isinstance(config, StageConfig) else config.batch_size
    asked = {"detector": node.detector.model_dump(mode="json"), "clips": clips, "precision": hardware.precision}
    kept = _cache_folder() / f"{_digest(asked, hardware)}.json"
    if kept.is_file():
        try:
            return json.loads(kept.read_text(encoding="utf-8"))
        except ValueError:
            pass  # a disk that was full; it is written anew
    try:
        ways = _tried_elsewhere(asked)
    except SedlabError as error:
        warn_once(str(error))
        return {}
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, json.dumps(ways) + "\n")
    except OSError:
        pass  # they are tried again next time
    return ways


def _tried_elsewhere(asked: dict[str, object]) -> dict[str, str]:
    command = [sys.executable, "-m", "sedlab.training.device.layers", json.dumps(asked)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SedlabError(f"layers are computed in their plain ways: trying others failed ({error}).") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise SedlabError(f"layers are computed in their plain ways: trying others failed ({last[:200]}).")
    return json.loads(done.stdout.splitlines()[-1])


def _cache_folder() -> Path:
    writable_home()  # where there is none, this names another place for caches
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sedlab" / "layers"


def _digest(asked: dict[str, object], hardware: Hardware) -> str:
    import sedlab.models

    total = hashlib.sha256(json.dumps([asked, hardware.device, hardware.torch], sort_keys=True).encode())
    for path in sorted(Path(sedlab.models.__file__).parent.rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:24]


def _try(asked: dict[str, object]) -> dict[str, str]:
    import torch

    from sedlab.models.trials import fastest, try_ways

    dtypes = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16, "32-true": torch.float32}
    verdicts = try_ways(
        DetectorConfig.model_validate(asked["detector"]),
        clips=int(asked["clips"]),
        device=torch.device("cuda" if torch.cuda.is_available() else "cpu"),
        dtype=dtypes[str(asked["precision"])],
        deadline=time.monotonic() + TRIAL_SECONDS,
    )
    return fastest(verdicts)


if __name__ == "__main__":
    print(json.dumps(_try(json.loads(sys.argv[1]))))
