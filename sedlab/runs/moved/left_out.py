"""What a pack of a run left out, noted in the run that came of it: such files are as good as there.

`packed.json` in the run folder names each file that a job wrote and that did not travel, with the digest of its
content. So a run that was opened without its checkpoints is still finished, and a job that needs one says what to pack.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, NonNegativeInt

from sedlab.errors import SedlabError
from sedlab.files import read_json

#: In the folder of a run that was opened from a pack.
PACKED_FILE = "packed.json"


class FileNote(BaseModel):
    """What is known of a file."""

    bytes: NonNegativeInt
    sha256: str


class Packed(BaseModel):
    """What `packed.json` says."""

    left_out: dict[str, FileNote] = {}
    """By their paths relative to the run."""
    subsets: dict[str, tuple[NonNegativeInt, NonNegativeInt]] = {}
    """{set: (clips that came along, clips it has)}"""


def is_packed(run_folder: Path) -> bool:
    """Return whether a run was opened from a pack."""
    return (run_folder / PACKED_FILE).is_file()


def read_packed(run_folder: Path) -> Packed:
    """Return what was left out of a run; nothing of a run that was not opened from a pack."""
    if not is_packed(run_folder):
        return Packed()
    remedy = "Delete it: what was left out of the run is then to be done again."
    return read_json(run_folder / PACKED_FILE, Packed, remedy)


def left_out(run_folder: Path) -> dict[str, str]:
    """Return the digests of the files that are not there because a pack left them out, by their names."""
    return {
        name: note.sha256
        for name, note in read_packed(run_folder).left_out.items()
        if not (run_folder / name).is_file()
    }


def require_packed(*files: Path | None) -> None:
    """Raise SedlabError for a file that is not there because a pack left it out, with what to pack."""
    for file in filter(None, files):
        if file.exists():
            continue
        path = file.absolute()
        for folder in path.parents:
            name = path.relative_to(folder).as_posix()
            if is_packed(folder) and name in read_packed(folder).left_out:
                raise SedlabError(
                    f"{file}: left out when {folder.name} was packed. Where the run was made, pack it with "
                    f"{option_for(name)}, or copy this file from there."
                )


def option_for(name: str) -> str:
    """Return the option of `sedlab pack` with which a file of a run comes along."""
    return f"--checkpoints {Path(name).parent.as_posix().replace('/', '_')}" if name.endswith(".pt") else "--scores all"
