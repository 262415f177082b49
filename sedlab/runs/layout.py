"""Where files lie in a run folder: names relative to it."""

from __future__ import annotations

from sedlab.config.experiment import Experiment
from sedlab.config.loading import to_yaml

RUNS_FOLDER = "runs"
#: The whole experiment, in the run folder.
CONFIG_FILE = "config.yaml"
#: In the folder of a run with several seeds: the results of all of them.
SEEDS_RESULTS = "seeds.csv"
#: The models together, beside the names of the architectures.
ENSEMBLE = "ensemble"


def iteration_folder(iteration: int) -> str:
    """Return the folder of an iteration, relative to the run."""
    return f"iteration{iteration}"


def node_folder(stage: str, arch: str, iteration: int = 0) -> str:
    """Return the folder of a training node, relative to the run."""
    return f"pretrain/{arch}" if stage == "pretrain" else f"{iteration_folder(iteration)}/{stage}/{arch}"


def scores_folder(iteration: int, stage: str, model: str) -> str:
    """Return the folder of the score files of a detector, or of the ensemble of stage 2, relative to the run."""
    folder = "pseudo_labels" if model == ENSEMBLE else f"scores/{stage}/{model}"
    return f"{iteration_folder(iteration)}/{folder}"


def score_file(iteration: int, stage: str, model: str, stem: str, *, teacher: bool = False) -> str:
    """Return the score file of that stem of a detector, its mean teacher or the ensemble, relative to the run."""
    return f"{scores_folder(iteration, stage, model)}/{stem}{'.teacher' if teacher else ''}.hdf5"


def csebbs_file(iteration: int, model: str) -> str:
    """Return the tuned event boxes of a detector or of the ensemble, relative to the run."""
    return f"{iteration_folder(iteration)}/csebbs/{model}.json"


def config_files(experiment: Experiment) -> dict[str, str]:
    """Return the configuration files of a run, relative path to YAML text."""
    # The clips are the same whatever their labels are.
    data = experiment.data.without_corrections()
    files = {CONFIG_FILE: to_yaml(experiment), "configs/data.yaml": to_yaml(data)}
    for node in experiment.nodes():
        files[config_file(node.name)] = to_yaml(node)
    return files


def config_file(node: str) -> str:
    """Return the configuration file of a node, relative to the run."""
    return f"configs/{node}.yaml"
