"""What a run says of the tables that it keeps of its corpus; quick to read, for whoever asks whether they are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from sedlab.errors import SedlabError
from sedlab.files import read_json

if TYPE_CHECKING:
    from sedlab.labels import LabelSpace

#: In the run folder.
FOLDER = "corpus"
ABOUT, CLIPS, EVENTS = (f"{FOLDER}/{name}" for name in ("about.json", "clips.tsv", "events.tsv"))
_REMEDY = "Pack the run again where its clips are: sedlab pack."


class About(BaseModel):
    """What `about.json` says of the tables beside it."""

    format: int = 1
    subsets: tuple[str, ...]
    own: tuple[str, ...] = ()
    """The classes of one's own recordings."""
    dcase: bool = True
    """Whether the classes of the task are told apart, too."""
    aliased: bool = True
    generated: str | None = None
    """Of a generated corpus: from what, see `Run.corpus_digest`."""

    @property
    def space(self) -> LabelSpace:
        """The label space of the corpus."""
        from sedlab.labels import LabelSpace

        return LabelSpace(own=self.own, dcase=self.dcase)


def truth_file(subset: str) -> str:
    """Return where the ground truth of a set is kept, relative to the run."""
    return f"{FOLDER}/{subset}.tsv"


def durations_file(subset: str) -> str:
    """Return where the durations of a set are kept, relative to the run."""
    return f"{FOLDER}/{subset}_durations.tsv"


def kept_labels(run_folder: Path) -> list[str]:
    """Return the files in which a run keeps the labels of its corpus, relative to the run."""
    return [f"{FOLDER}/{path.name}" for path in sorted((run_folder / FOLDER).glob("*")) if path.is_file()]


def has_labels(run_folder: Path) -> bool:
    """Return whether a run keeps the tables of its corpus."""
    return all((run_folder / name).is_file() for name in (ABOUT, CLIPS, EVENTS))


def read_about(run_folder: Path) -> About:
    """Return what is said of the tables that a run keeps; SedlabError when they are of a later version, or damaged."""
    found = read_json(run_folder / ABOUT, About, _REMEDY)
    if found.format != 1:
        raise SedlabError(
            f"{run_folder / ABOUT}: of a later version of sedlab (format {found.format}). Upgrade sedlab."
        )
    return found
