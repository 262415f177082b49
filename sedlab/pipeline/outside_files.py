"""Files that jobs read and no job of the run makes: published weights, logits of published teachers, corrections.

An experiment names each by its name in the weights registry, or by a path; relative paths are relative to the project.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from sedlab.config.experiment import Node, PretrainConfig
from sedlab.data.review.corrections import corrections_digest
from sedlab.errors import SedlabError, warn_once
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import Run
from sedlab.weights.registry import find
from sedlab.weights.store import CORRUPT, PRESENT, WEIGHTS_FOLDER, file_state, local_path, require

#: The labels that jobs read, by their kind: trainings are selected on validation sets, event boxes tuned on one.
_SPLITS_READ = {
    "stage1": ("train", "val"),
    "stage2": ("train", "val"),
    "evaluate": ("val", "test"),
    "errors": ("test",),
}


def outside_files(run: Run, node: Node) -> tuple[str, ...]:
    """Return the absolute paths of the files a node reads from outside the run; they need not be there.

    Weights that the experiment can do without are among them where they are there, or were when the node was trained.
    """
    names = (node.weights if _uses_weights(run, node) else None, _teachers(node))
    return tuple(str(_place(run, name)) for name in names if name is not None)


def corrections_read(run: Run, kind: str) -> tuple[str, ...]:
    """Return the absolute path of the corrections if a kind of job reads labels that they change; else nothing."""
    data = run.data_config
    return (str(data.corrections),) if data.corrections is not None and corrected_splits(run, kind) else ()


def corrected_splits(run: Run, kind: str) -> tuple[str, ...]:
    """Return the splits whose corrected labels a kind of job reads."""
    return tuple(split for split in _SPLITS_READ.get(kind, ()) if split in run.experiment.data.corrected_splits)


def require_corrections(run: Run) -> None:
    """Raise SedlabError when the corrections that the experiment names are not there, or are none."""
    path = run.data_config.corrections
    if path is None:
        return
    if not path.is_file():
        raise SedlabError(f"{path}: no such file; data.corrections names it. Correct the path, or set it to null.")
    corrections_digest(path, run.experiment.data.corrected_splits)


def require_weights(run: Run, node: Node) -> Path | None:
    """Return the checkpoint from which the node's transformer starts; None: not from outside the run.

    Weights that are not there and that the experiment can do without are None, with a warning.

    Raises
    ------
    SedlabError
        When it is missing; the message says which command gets it.
    """
    if node.weights is not None and not _uses_weights(run, node):
        _tell_initial(run, [node])
        return None
    return _require(run, node.weights, f"{node.name} starts from it")


def require_teacher_logits(run: Run, node: Node) -> Path | None:
    """Return the file with the published teachers' logits; None: nothing is distilled. Errors as `require_weights`."""
    return _require(run, _teachers(node), f"{node.name} learns from it")


def missing_weights(run: Run, nodes: Iterable[Node] | None = None) -> list[str]:
    """Return the names in the registry of the files that unfinished nodes of the run need and that are not there."""
    missing = {}
    for node in unfinished_nodes(run, nodes):
        for name in (node.weights if _uses_weights(run, node) else None, _teachers(node)):
            if name is not None and not _is_path(name):
                state = file_state(find(name), run.project / WEIGHTS_FOLDER).state
                if state not in (PRESENT, CORRUPT):
                    missing[find(name).name] = name
    return list(missing)


def check_outside_files(run: Run, jobs: Collection[str] | None = None) -> None:
    """Check that every file from outside that unfinished nodes read is there, before anything is started.

    ``jobs`` are the names of those that are to be run; None: all.

    Raises
    ------
    SedlabError
        When files are missing, with one command that gets all those that can be downloaded.
    """
    require_corrections(run)
    nodes = [node for node in run.experiment.nodes() if jobs is None or node.name in jobs]
    missing = missing_weights(run, nodes)
    if len(missing) > 1:
        root = _weights_root(run)
        option = "" if root == WEIGHTS_FOLDER else f" --root {root}"
        raise SedlabError(
            f"{root}: {len(missing)} files that the run starts from are not there ({', '.join(missing)}). "
            f"Run: sedlab weights download {' '.join(missing)}{option}"
        )
    without = tell_initial_weights(run, nodes)
    for node in unfinished_nodes(run, nodes):
        if node not in without:
            require_weights(run, node)
        require_teacher_logits(run, node)


def tell_initial_weights(run: Run, nodes: Iterable[Node] | None = None) -> list[Node]:
    """Return the unfinished nodes that do without weights which are not there; warn of them, once."""
    without = [n for n in unfinished_nodes(run, nodes) if n.weights is not None and not _uses_weights(run, n)]
    _tell_initial(run, without)
    return without


def unfinished_nodes(run: Run, nodes: Iterable[Node] | None = None) -> list[Node]:
    """Return the trainings that the run has still to do, of these nodes or of all."""
    nodes = run.experiment.nodes() if nodes is None else nodes
    return [n for n in nodes if not (run.node_dir(n.stage, n.arch, n.iteration) / "manifest.json").is_file()]


def _uses_weights(run: Run, node: Node) -> bool:
    """Say whether a node's weights have to be there: always, unless the experiment can do without them and does."""
    if node.weights is None or not run.experiment.weights_if_there or node.stage == "pretrain":
        return node.weights is not None
    if _is_path(node.weights):
        is_there = _place(run, node.weights).is_file()
    else:
        # Damaged ones are told, not passed over.
        is_there = file_state(find(node.weights), run.project / WEIGHTS_FOLDER).state in (PRESENT, CORRUPT)
    return is_there or _was_trained_from_weights(run, node)


def _was_trained_from_weights(run: Run, node: Node) -> bool:
    """Say whether a finished training read weights, which may be gone by now."""
    try:
        manifest = read_manifest(run.node_dir(node.stage, node.arch, node.iteration) / "manifest.json")
    except SedlabError:
        return False
    # Corrections of labels come from outside, too.
    return sum(name.startswith("outside") for name in manifest.inputs) > len(corrections_read(run, node.stage))


def _tell_initial(run: Run, nodes: Iterable[Node]) -> None:
    """Warn, once, that transformers start from initial weights for want of published ones."""
    names = list(dict.fromkeys(node.weights for node in nodes))
    if not names:
        return
    are, known = ("is", "it") if len(names) == 1 else ("are", "them")
    get = [find(name).name for name in names if not _is_path(name)]
    how = f" To start from {known}: sedlab weights download {' '.join(get)}" if get else ""
    warn_once(
        f"{_weights_root(run)}: {', '.join(names)} {are} not there, so transformers start from initial weights and "
        f"learn from your clips alone.{how}"
    )


def _teachers(node: Node) -> str | None:
    training = node.training
    distils = isinstance(training, PretrainConfig) and training.distillation.weight > 0
    return training.distillation.logits if distils else None


def _require(run: Run, name: str | None, purpose: str) -> Path | None:
    if name is None:
        return None
    if not _is_path(name):
        require(name, _weights_root(run))
    path = _place(run, name)
    if not path.is_file():
        raise SedlabError(f"{path}: no such file; {purpose}. Give another, or a name from: sedlab weights list")
    return path


def _place(run: Run, name: str) -> Path:
    if _is_path(name):
        return run.project / Path(name).expanduser()
    return local_path(name, run.project / WEIGHTS_FOLDER)


def _is_path(name: str) -> bool:
    """Say whether ``name`` is a path: it has a folder or a suffix, which names in the registry do not."""
    return Path(name).name != name or bool(Path(name).suffix)


def _weights_root(run: Run) -> Path:
    """Return the weights folder as a person in the working folder would write it."""
    folder = run.project / WEIGHTS_FOLDER
    return WEIGHTS_FOLDER if Path.cwd() == run.project else folder
