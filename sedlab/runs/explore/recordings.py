"""`explore` for recordings of one's own: files and folders that a detector listens to while one looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedlab.data.formats.names import readable_name
from sedlab.data.formats.recordings import find_recordings
from sedlab.errors import SedlabError
from sedlab.runs.explore.desk import set_thresholds
from sedlab.runs.explore.hearing import HELP, HeardRecordings
from sedlab.runs.layout import CONFIG_FILE
from sedlab.runs.run import Run, open_run
from sedlab.scoring.names import MODEL_NAME
from sedlab.views.explorers.explorer import Explorer
from sedlab.views.player.call import python_call
from sedlab.views.player.player import ClipPlayer

if TYPE_CHECKING:
    from sedlab.inference.predictor import Predictor

#: So much sound is listened to without being asked; of more, only what is opened.
MOST_SECONDS = 1800.0


def explore_recordings(
    audio: str | Path | Sequence[str | Path],
    checkpoint: Any,
    *,
    network: str = "student",
    device: str = "auto",
    threshold: float | dict[str, float] | None = None,
    label: str = "",
    key: str | None = None,
) -> Explorer:
    """Show recordings as a list, with what detectors hear in them; long ones in parts of a minute.

    What is opened is listened to first, and remembered; up to half an hour in all is listened to meanwhile
    (`Explorer.complete` listens to everything).

    Parameters
    ----------
    audio : sound files, and folders of them, as `sedlab detect` reads them
    checkpoint : path, Run or run folder, or several of them
        Of a run, the students of its last iteration.
    network : "student" or "teacher" (the mean teacher)
    device : "auto", "cpu" or "cuda"

    Raises
    ------
    SedlabError
        Where there is no sound file, or a checkpoint cannot be read. A recording that cannot be read is listed with
        the reason.
    """
    inputs = [audio] if isinstance(audio, str | Path) else list(audio)
    recordings = find_recordings([Path(one).expanduser() for one in inputs])
    detectors = load_detectors(checkpoint, network=network, device=device)
    heard = HeardRecordings(recordings, detectors)
    player = ClipPlayer(heard.scene)
    set_thresholds(player, threshold)
    told = [str(one) for one in inputs]
    explorer = Explorer(
        heard.clips,
        player,
        classes=heard.classes,
        help=HELP,
        parts=heard.parts(),
        num_parts=heard.num_parts,
        filters={"label": label},
        call=python_call(
            "sedlab.explore",
            told[0] if isinstance(audio, str | Path) else told,
            checkpoint=_plain(checkpoint),
            label=label or None,
        ),
    )
    heard.tell = lambda text: setattr(explorer.message, "value", text)
    heard.put = explorer.list.put
    explorer.list.more = heard.total_seconds <= MOST_SECONDS
    if key is not None:
        explorer.open(key)
    return explorer


def load_detectors(checkpoint: Any, *, network: str = "student", device: str = "auto") -> dict[str, Predictor]:
    """Return the detectors in checkpoints and runs, {name: predictor}; SedlabError when their classes differ."""
    import torch

    from sedlab.inference.loading import load_detector

    several = checkpoint if isinstance(checkpoint, list | tuple) else [checkpoint]
    files = [pair for one in several for pair in _checkpoint_files(one)]
    where = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    found: dict[str, Predictor] = {}
    for name, file in files:
        unique = name if name not in found else f"{name} ({len(found) + 1})"
        found[unique] = load_detector(file, network=network).to(where)
    first, *others = found.values()
    for name, other in zip(list(found)[1:], others, strict=True):
        if other.classes != first.classes:
            raise SedlabError(
                f"{name}: has {len(other.classes)} classes, and other ones than {next(iter(found))} "
                f"({len(first.classes)}). Explore with each of them alone."
            )
    return found


def _checkpoint_files(checkpoint: Any) -> list[tuple[str, Path]]:
    """Return (name, file) of each detector that a checkpoint or a run stands for."""
    if not isinstance(checkpoint, Run):
        path = Path(checkpoint).expanduser()
        if not (path / CONFIG_FILE).is_file() and not path.is_dir():
            return [(readable_name(path.name), path)]
        checkpoint = open_run(path)
    for iteration in reversed(checkpoint.iterations):
        nodes = {
            arch: checkpoint.node_dir("stage2", arch, iteration) / "best.pt" for arch in checkpoint.experiment.archs
        }
        found = [(f"{MODEL_NAME[arch]}, iteration {iteration}", file) for arch, file in nodes.items() if file.is_file()]
        if found:
            return found
    raise SedlabError(
        f"{checkpoint.path}: no student of stage 2 is trained yet. Run `sedlab run`, or give a checkpoint."
    )


def _plain(checkpoint: Any) -> Any:
    if isinstance(checkpoint, list | tuple):
        return [_plain(one) for one in checkpoint]
    return str(checkpoint.path) if isinstance(checkpoint, Run) else str(checkpoint)
