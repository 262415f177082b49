"""A run is a folder: where each node of an experiment keeps its files.

Everything is found from the folder alone. Relative data roots are relative to the project folder, the one that holds
`runs/`, so that a notebook opened anywhere in the project sees the same files as the job that trained.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedlab.config.experiment import Experiment, Node, Stage
from sedlab.config.loading import experiment_from_tree, parse_yaml
from sedlab.data.corpora.cache_folder import cache_folder
from sedlab.data.corpora.layout import SCORE_FILE, SUBSETS
from sedlab.data.corpora.roles import EVENT_TESTS, first_there
from sedlab.errors import SedlabError, nearest
from sedlab.files import write_text_if_changed
from sedlab.runs.layout import (
    CONFIG_FILE,
    ENSEMBLE,
    config_files,
    csebbs_file,
    iteration_folder,
    node_folder,
    score_file,
    scores_folder,
)
from sedlab.runs.moved.about import has_labels, read_about
from sedlab.runs.moved.in_place import digest_of, open_cache, read_corpus
from sedlab.runs.moved.left_out import is_packed
from sedlab.runs.versions import write_versions
from sedlab.shipped.places import working_root

if TYPE_CHECKING:
    from sedlab.config.data import DataConfig
    from sedlab.data.cache import WaveformCache
    from sedlab.data.tables import Corpus
    from sedlab.labels import LabelSpace
    from sedlab.runs.moved.clips import MovedClips
    from sedlab.views.explorers.explorer import Explorer
    from sedlab.views.explorers.spectrograms import SpectrogramViewer


@dataclass(frozen=True)
class Run:
    """An experiment in its folder.

    Attributes
    ----------
    path : Path
        The run folder, absolute.
    experiment : Experiment
        What `config.yaml` in it says.
    """

    path: Path
    experiment: Experiment

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def parent(self) -> Run | None:
        """The run that this one is a variant of, if it is there; None: of none."""
        from sedlab.runs.variants import read_variant

        found = read_variant(self.path)
        if found is None or not (self.path.parent / found.of / CONFIG_FILE).is_file():
            return None
        return open_run(self.path.parent / found.of)

    @property
    def settings(self) -> tuple[str, ...]:
        """In what a variant differs from its parent, `key=value` texts."""
        from sedlab.runs.variants import read_variant

        found = read_variant(self.path)
        return tuple(found.settings) if found else ()

    def variant(self, name: str, settings: str | Iterable[str]) -> Run:
        """Make, or open, a sibling run that differs in some settings.

        Stages that these do not touch are taken from runs that have them, once they are asked for.

        Parameters
        ----------
        name : str
            Of the folder in `runs/`; empty: from the settings.
        settings : str or iterable of str
            `key=value` texts, such as `"stage1.loss.self_supervised=0"`, as those of `sedlab run --set`.

        Raises
        ------
        SedlabError
            For an unknown setting, or when another run or variant has that name.
        """
        from sedlab.runs.variants import make_variant

        return make_variant(self, name, settings)

    @property
    def seeds(self) -> dict[int, Run]:
        """The runs of this experiment by their seeds, this one among them; see `sedlab run --seeds`."""
        from sedlab.runs.seeds.folders import seeds_of

        return seeds_of(self)

    @property
    def event_test(self) -> str:
        """The set of strongly labelled test clips on which the run is judged; empty: there is none."""
        if self._has_corpus:
            return first_there(EVENT_TESTS, [one for one in EVENT_TESTS if SUBSETS[one].is_there(self.data_root)])
        # A run whose clips are not made yet, or that was copied without them.
        return first_there(EVENT_TESTS, [one for one in EVENT_TESTS if self._is_scored(one)]) or EVENT_TESTS[0]

    def lacks(self, subset: str) -> bool:
        """Return whether the data root is there, but not this subset: scores of it may be left of earlier days."""
        return self._has_corpus and not SUBSETS[subset].is_there(self.data_root)

    def judged_on(self, subset: str | None = None) -> str:
        """Return ``subset``, or where none is named the set of strongly labelled test clips.

        SedlabError when there is none.
        """
        if found := subset or self.event_test:
            return found
        raise SedlabError(f"{self.path}: no strongly labelled test clips (none of {', '.join(EVENT_TESTS)}).")

    def _is_scored(self, subset: str) -> bool:
        return any(self.score_file(one, model, subset).is_file() for one in self.iterations for model in self.models)

    @property
    def iterations(self) -> range:
        """The numbers of the iterations, from 1."""
        return range(1, self.experiment.iterations + 1)

    @property
    def models(self) -> list[str]:
        """What stage 2 leaves to score with: a student of each arch, and their ensemble."""
        return [*self.experiment.archs, ENSEMBLE]

    @property
    def project(self) -> Path:
        """The folder that holds `runs/`; notebooks are executed in it."""
        return self.path.parent.parent

    @property
    def data_root(self) -> Path:
        """Data root of the experiment, absolute."""
        return self.project / self.experiment.data.root

    @property
    def data_config(self) -> DataConfig:
        """How the corpus is read, with an absolute path of its corrections."""
        data = self.experiment.data
        if data.corrections is None:
            return data
        return data.model_copy(update={"corrections": self.project / data.corrections.expanduser()})

    @property
    def is_apart(self) -> bool:
        """Whether the corpus is not here, and the tables that the run keeps of it stand in, see `sedlab.runs.moved`."""
        if not has_labels(self.path):
            return False
        return not self.data_root.is_dir() or (
            # Where a pack is opened, another corpus may lie at the same place.
            is_packed(self.path) and read_about(self.path).generated != self.corpus_digest()
        )

    @property
    def _has_corpus(self) -> bool:
        return self.data_root.is_dir() and not self.is_apart

    @cached_property
    def _kept_corpus(self) -> Corpus:
        return import_module("sedlab.runs.moved.labels").read_labels(self.path, self.data_root)

    @cached_property
    def _corpus(self) -> Corpus:
        return read_corpus(self.path, self.data_root, self.data_config)

    def corpus(self) -> Corpus:
        """Return the tables of the corpus (read once); where it is not here, those that the run keeps of it.

        Raises
        ------
        SedlabError
            When the data are not there, or another corpus has taken their place since the run prepared them.
        """
        # Asked each time: the corpus may come while a notebook is open.
        return self._kept_corpus if self.is_apart else self._corpus

    def corpus_digest(self) -> str | None:
        """Return a digest of what the mini corpus at the data root was generated from; None for other data."""
        return digest_of(self.data_root)

    @property
    def space(self) -> LabelSpace:
        """The label space of the corpus: what its networks tell apart; found without reading its tables."""
        if self.is_apart:
            return read_about(self.path).space
        from sedlab.data.corpora.own import label_space_of

        return label_space_of(self.data_root)

    def cache(self) -> WaveformCache | MovedClips:
        """Open the waveform cache of the corpus; one that has not changed stays open.

        Where the corpus is not here: the clips that a pack has brought.
        """
        if self.is_apart:
            return import_module("sedlab.runs.moved.clips").MovedClips(self.path)
        return open_cache(self.cache_dir)

    @property
    def cache_dir(self) -> Path:
        """Folder of the waveform cache; runs on the same data share it."""
        return cache_folder(self.data_root)

    def explore(self, **options: Any) -> Explorer:
        """Show the clips as a list to sort and filter, the player beside it, and panels below.

        ``options`` are those of `sedlab.runs.explore.desk.explore_run`: `subset`, `systems`, `iteration`, `model`,
        `label`, `threshold`, `panel`, `key`.
        """
        # That room imports this one, so it is looked up by name, and only now.
        return import_module("sedlab.runs.explore.desk").explore_run(self, **options)

    def spectrograms(self, subset: str = "", **options: Any) -> SpectrogramViewer:
        """Show the clips of a set as each model of the run hears them, before and after augmentations.

        ``subset`` empty: the test clips of DESED, or what there is. ``options`` are those of `SpectrogramViewer`, and
        ``key``, the clip to begin with.
        """
        return import_module("sedlab.runs.explore.spectrograms").spectrograms(self, subset, **options)

    def node(self, stage: Stage, arch: str, iteration: int = 0) -> Node:
        """Return the resolved configuration of a training node."""
        if arch not in self.experiment.archs:
            known = ", ".join(self.experiment.archs)
            raise SedlabError(
                f"{self.path}: the run has no arch {arch!r} (it has: {known}).{nearest(arch, self.experiment.archs)}"
            )
        return self.experiment.node(stage, arch, iteration)

    def node_dir(self, stage: Stage, arch: str, iteration: int = 0) -> Path:
        """Return the folder of a training node: `best.pt`, `history.csv`, `manifest.json`."""
        return self.path / node_folder(stage, arch, iteration)

    def scores_dir(self, iteration: int, stage: str, model: str) -> Path:
        """Return the folder of the score files of one trained detector, or of the ensemble."""
        return self.path / scores_folder(iteration, stage, model)

    def pseudo_labels_dir(self, iteration: int) -> Path:
        """Return the folder of the ensemble's score files."""
        return self.scores_dir(iteration, "stage2", ENSEMBLE)

    def score_file(
        self, iteration: int, model: str, subset: str, *, stage: str = "stage2", teacher: bool = False
    ) -> Path:
        """Return where the scores of a subset are: a student's, its mean teacher's, or the ensemble's."""
        return self.path / score_file(iteration, stage, model, SCORE_FILE[subset], teacher=teacher)

    def csebbs(self, iteration: int, model: str) -> Path:
        """Return the event boxes (cSEBBs) tuned for a detector of stage 2, or for the ensemble."""
        return self.path / csebbs_file(iteration, model)

    def metrics(self, iteration: int) -> Path:
        """Return the metrics table of an iteration."""
        return self.path / iteration_folder(iteration) / "metrics.csv"

    @property
    def results(self) -> Path:
        """The table of all results."""
        return self.path / "results.csv"

    @property
    def errors(self) -> Path:
        """The table of all events and detections, with what became of them."""
        return self.path / "errors.csv"

    @property
    def review(self) -> Path:
        """What people decided about labels and detections."""
        return self.path / "review.tsv"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.path / "report.html"

    def notebook(self, name: str) -> Path:
        """Return where the executed notebook of a graph node is kept."""
        return self.path / "notebooks" / f"{name}.ipynb"


def create_run(experiment: Experiment, path: Path) -> Run:
    """Write (or bring up to date) the configuration files of a run folder and return the run.

    A file whose contents do not change keeps its time stamp, so that exactly the nodes whose configuration changed are
    run again.
    """
    run = Run(path.resolve(), experiment)
    for relative, text in config_files(experiment).items():
        write_text_if_changed(run.path / relative, text)
    write_versions(run.path)
    return run


def open_run(path: str | Path) -> Run:
    """Open a run folder by path; a relative one is looked for in the working folder and in its parents.

    A pack (`sedlab pack`) is opened where `runs/` is for who works here, in the folder of the notebooks or the working
    folder, unless its runs are there already, and its first run is returned.

    Raises
    ------
    SedlabError
        When there is no such run (with the nearest name), or its configuration cannot be read.
    """
    if Path(path).expanduser().is_file():
        # That room imports this one.
        folder = working_root(Path.cwd()) or Path.cwd()
        return import_module("sedlab.runs.packs.opening").open_pack(Path(path).expanduser(), folder)[0]
    folder = _find(Path(path).expanduser())
    file = folder / CONFIG_FILE
    try:
        return Run(folder, experiment_from_tree(parse_yaml(file.read_bytes(), str(file)), str(file)))
    except SedlabError as error:
        raise SedlabError(f"{error} `sedlab run` with the run's preset writes it anew.") from error


def _find(path: Path) -> Path:
    here = Path.cwd()
    for base in (here, *here.parents):
        if (base / path / CONFIG_FILE).is_file():
            return (base / path).resolve()
    raise no_run(path)


def no_run(path: Path) -> SedlabError:
    """Return the error that ``path`` is no run folder, which names runs that are beside it."""
    beside = sorted(entry.parent.name for entry in path.parent.glob(f"*/{CONFIG_FILE}"))
    there = nearest(path.name, beside) or (f" There: {', '.join(beside[:5])}." if beside else "")
    remedy = "Make one with `sedlab run PRESET`, or go to the folder that its runs/ is in."
    return SedlabError(f"{path}: no such run folder.{there} {remedy}")
