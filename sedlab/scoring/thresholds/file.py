"""The file of chosen thresholds: what a person set in the player, as `sedlab detect --thresholds` reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sedlab.config.loading import parse_yaml
from sedlab.errors import SedlabError, first_problem, nearest
from sedlab.files import read_json, write_text
from sedlab.scoring.postprocess.choice import MEDIAN, NONE, ParameterFile, Postprocess

FORMAT = "sedlab-thresholds-1"
#: What a detection has to exceed unless somebody chose otherwise.
DEFAULT_THRESHOLD = 0.5
YAML_SUFFIXES = (".yaml", ".yml")
_REMEDY = 'Save it from the player, or write {"Speech": 0.4, "Dog": 0.25} with thresholds from 0 to 1.'

Probability = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Thresholds:
    """Chosen thresholds, and to what they are applied."""

    of_class: Mapping[str, float] = field(default_factory=dict)
    """Thresholds of single classes."""
    others: float = DEFAULT_THRESHOLD
    """Threshold of all other classes."""
    postprocess: Postprocess | None = None
    """For which post-processing they were chosen; None: the file does not say."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Where they come from."""

    def among(self, classes: Sequence[str], where: str = "thresholds") -> dict[str, float]:
        """Return the threshold of each of ``classes``; SedlabError, which names ``where``, for one of another class."""
        for label in self.of_class:
            if label not in classes:
                hint = nearest(label, classes) or f" There are: {', '.join(classes[:5])}, ..."
                raise SedlabError(f"{where}: a threshold of class {label!r}, of which there are no scores.{hint}")
        return dict.fromkeys(classes, self.others) | dict(self.of_class)

    @classmethod
    def read(cls, path: str | Path) -> Thresholds:
        """Read a file of `write`, or a mapping of classes to thresholds; JSON, or YAML by its suffix.

        Raises
        ------
        SedlabError
            When the file is absent, cannot be read, holds something else or no threshold.
        """
        content = _read(Path(path))
        postprocess = content.postprocess
        if postprocess is not None:
            postprocess = Postprocess(postprocess) if isinstance(postprocess, str) else Postprocess.of(postprocess.root)
        return cls(content.thresholds, content.threshold, postprocess, content.provenance)

    def write(self, path: str | Path) -> None:
        """Write JSON, or YAML where the suffix says so."""
        import yaml

        document = {
            "format": FORMAT,
            "threshold": self.others,
            "thresholds": dict(self.of_class),
            "postprocess": _postprocess_document(self.postprocess),
            "provenance": dict(self.provenance),
        }
        document = {name: value for name, value in document.items() if value is not None}
        if Path(path).suffix.lower() in YAML_SUFFIXES:
            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
        else:
            text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        write_text(path, text)


class _Document(BaseModel):
    """What may be in a file."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["sedlab-thresholds-1"] = FORMAT
    threshold: Probability = DEFAULT_THRESHOLD
    thresholds: dict[str, Probability] = Field(default_factory=dict)
    postprocess: Literal["none", "median"] | ParameterFile | None = None
    provenance: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, content: object) -> object:
        if not isinstance(content, dict):
            return content
        if "format" not in content:
            if not content:
                raise ValueError("holds no threshold")
            # Written by hand, or the document of `sedlab detect --format json`, which holds more.
            return {"thresholds": content.get("thresholds", content)}
        if str(content["format"]).startswith(("sedlab-csebbs", "sedlab-median")):
            raise ValueError("holds post-processing, not thresholds: it is for --postprocess")
        return content


def _read(path: Path) -> _Document:
    if path.suffix.lower() not in YAML_SUFFIXES:
        return read_json(path, _Document, _REMEDY)
    try:
        return _Document.model_validate(parse_yaml(path.read_bytes(), str(path)))
    except FileNotFoundError:
        raise SedlabError(f"{path}: no such file. {_REMEDY}") from None
    except OSError as error:
        raise SedlabError(f"{path}: cannot be read ({error.strerror}). {_REMEDY}") from error
    except ValidationError as error:
        raise SedlabError(f"{path}: {first_problem(error)} {_REMEDY}") from error


def _postprocess_document(postprocess: Postprocess | None) -> Any:
    if postprocess is None:
        return None
    if postprocess.params is None:
        return {NONE: NONE, MEDIAN: MEDIAN}[postprocess.name]
    # As a file has it: null for infinity.
    return json.loads(ParameterFile(postprocess.params).model_dump_json(by_alias=True))
