"""One complete experiment, and what each of its training nodes resolves to.

A node is one training run of the graph: pre-training of a transformer, or stage 1 or 2 of one in one iteration.
Nodes differ by configuration alone. A preset gives each stage a section, and rules that change it for an iteration or a
transformer; `Experiment.node` applies them in order and validates the result.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from sedlab.config.augmentation import AugmentConfig, PretrainAugmentConfig
from sedlab.config.base import Config, explain
from sedlab.config.data import DataConfig
from sedlab.config.model import Arch, DetectorConfig
from sedlab.config.trainer import TrainerConfig
from sedlab.config.training import BatchSizes, DistillationConfig, LabelSpace, LossConfig, OptimConfig
from sedlab.errors import SedlabError

Stage = Literal["pretrain", "stage1", "stage2"]
STAGES: tuple[Stage, ...] = ("pretrain", "stage1", "stage2")
# File systems take 255 bytes.
_LONGEST_NAME = 200


class StageConfig(Config):
    """How a stage trains detectors: which parameters, batches, losses and augmentations, which optimiser."""

    train_transformer: bool
    """False: the transformer is frozen and in evaluation mode (stage 1)."""
    use_pretrained: bool = True
    """Stage 1 starts from the experiment's own pre-training of its transformer or, without one, from its `weights`."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    initial_probability: float | None = Field(default=None, gt=0, lt=1)
    """What a new head predicts before it has learnt anything; None: as its random weights have it, as published."""
    epochs: PositiveInt
    """An epoch ends when the first group of clips runs out of full batches."""
    accumulation: PositiveInt = 1
    batch: BatchSizes
    loss: LossConfig
    augment: AugmentConfig
    optim: OptimConfig
    validate_every: PositiveInt = 10
    """Epochs between validations; the last epoch is always validated."""
    trainer: TrainerConfig = TrainerConfig()

    @model_validator(mode="after")
    def _check(self) -> StageConfig:
        if self.loss.ict and self.augment.teacher_input != "unmixed":
            raise ValueError("loss.ict needs augment.teacher_input: unmixed (else there is nothing to interpolate)")
        if self.train_transformer != (self.optim.lr_transformer is not None):
            raise ValueError("optim.lr_transformer must be set exactly when train_transformer is true")
        return self


class PretrainConfig(Config):
    """Training of a transformer with a frame-level head on strongly labelled AudioSet clips."""

    archs: tuple[Arch, ...] = ("passt", "atst")
    """Transformers to pre-train; the others start from `weights` of the experiment."""
    weights: dict[Arch, str] = Field(default_factory=dict)
    """What the pre-training of a transformer starts from: a name of the weights registry (`sedlab weights list`) or a
    file. Absent: initial weights."""
    label_space: LabelSpace = "present"
    """present: the classes of the training clips. train447: those of the published networks. all456: also those that
    only the evaluation clips have."""
    sampler: Literal["balanced", "uniform"] = "uniform"
    """balanced: clips of rare classes come first, see `sedlab.data.balanced_sampler`."""
    samples_per_epoch: PositiveInt | None = None
    """Clips of an epoch, drawn without replacement; None, or more than there are: all."""
    epochs: PositiveInt
    batch_size: PositiveInt = 64
    accumulation: PositiveInt = 1
    rnn_dim: PositiveInt | None = None
    """Width of a bidirectional GRU of two layers between transformer and head; None: a linear head."""
    initial_probability: float | None = Field(default=None, gt=0, lt=1)
    """What a new head predicts before it has learnt anything; None: as its random weights have it, as published."""
    augment: PretrainAugmentConfig = PretrainAugmentConfig()
    distillation: DistillationConfig = DistillationConfig()
    optim: OptimConfig
    validate_every: PositiveInt = 1
    trainer: TrainerConfig = TrainerConfig()

    @model_validator(mode="after")
    def _check(self) -> PretrainConfig:
        if self.optim.lr_transformer is None:
            raise ValueError("optim.lr_transformer must be set: pre-training trains the transformer")
        return self


class Rule(Config):
    """A change to the sections of the stages that match `when`."""

    class When(Config):
        """Conditions on the node; one that is absent always holds."""

        stage: Stage | None = None
        arch: Arch | None = None
        from_iteration: PositiveInt = 1
        """The rule holds from this iteration on."""

    when: When = When()
    set: dict[str, Any]

    def applies(self, stage: Stage, arch: Arch, iteration: int) -> bool:
        """Return whether the rule changes this node."""
        return (
            self.when.stage in (None, stage)
            and self.when.arch in (None, arch)
            and iteration >= self.when.from_iteration
        )


class StageSections(Config):
    """What a preset says about the stages; the defaults of `StageConfig` and the rules complete it."""

    stage1: dict[str, Any]
    stage2: dict[str, Any]


class Node(Config):
    """One training run with every setting resolved, as saved beside its checkpoints."""

    name: str
    stage: Stage
    arch: Arch
    iteration: NonNegativeInt
    """0 for pre-training."""
    seed: NonNegativeInt
    detector: DetectorConfig
    training: StageConfig | PretrainConfig
    pretrained: bool = False
    """Stage 1: the transformer comes from the experiment's own pre-training node."""
    weights: str | None = None
    """What the transformer starts from otherwise: a name of the weights registry or a file; None: initial weights."""
    data: DataConfig


def check_run_name(name: str) -> str:
    """Return ``name`` if a folder in runs/ can have it; ValueError otherwise."""
    if name != Path(name).name or name.startswith(".") or name != name.strip() or not name.isprintable():
        raise ValueError("not a folder name. Give a name without slashes; runs are kept in runs/")
    if not 0 < len(name.encode()) <= _LONGEST_NAME:
        raise ValueError(f"not a folder name. Give a name of 1 to {_LONGEST_NAME} characters; runs are kept in runs/")
    return name


class Experiment(Config):
    """A preset after overrides: the complete description of an experiment."""

    name: Annotated[str, AfterValidator(check_run_name)]
    """Of its folder in runs/, unless it is given another one."""
    description: str = ""
    seed: NonNegativeInt = 1
    archs: tuple[Arch, ...] = Field(default=("passt", "beats", "atst"), min_length=1)
    iterations: PositiveInt = 2
    data: DataConfig
    models: dict[Arch, DetectorConfig]
    pretrain: PretrainConfig | None = None
    weights: dict[Arch, str] = Field(default_factory=dict)
    """What a transformer starts from: a name of the weights registry (`sedlab weights list`) or a file. Stage 1 uses it
    unless the experiment pre-trains that transformer; absent: initial weights."""
    weights_if_there: bool = False
    """Do without the files of `weights` that are not there: those transformers start from initial weights."""
    stages: StageSections
    rules: tuple[Rule, ...] = ()
    threads_per_job: PositiveInt = 1
    """CPU threads of one training job; `--cores` divided by it is the number of jobs at a time."""

    @model_validator(mode="after")
    def _check(self) -> Experiment:
        missing = [arch for arch in self.archs if arch not in self.models]
        if missing:
            raise ValueError(f"archs names {missing[0]!r}, but models has no section for it: add one, or leave it out")
        return self

    @model_serializer(mode="wrap")
    def _leave_out_needed_weights(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # As runs were told before weights could be done without: what they have finished stays finished.
        tree = write(self)
        if not self.weights_if_there:
            tree.pop("weights_if_there", None)
        return tree

    def pretrains(self, arch: Arch) -> bool:
        """Return whether the experiment pre-trains this transformer."""
        return self.pretrain is not None and arch in self.pretrain.archs

    def node(self, stage: Stage, arch: Arch, iteration: int = 0) -> Node:
        """Resolve one training node.

        Raises
        ------
        SedlabError
            When a section or rule has an unknown key or a value out of range.
        """
        name = node_name(stage, arch, iteration)
        try:
            training = self.pretrain if stage == "pretrain" else self._stage(stage, arch, iteration)
            detector = self.models[arch]
            if isinstance(training, StageConfig):
                crnn = detector.crnn.model_copy(update={"dropout": training.dropout})
                detector = detector.model_copy(update={"crnn": crnn})
            return Node(
                name=name,
                stage=stage,
                arch=arch,
                iteration=iteration,
                # Every node draws its own numbers, all of them from the experiment's one seed.
                seed=zlib.crc32(f"{self.seed}:{name}".encode()) % 2**31,
                detector=detector,
                training=training,
                pretrained=isinstance(training, StageConfig) and training.use_pretrained and self.pretrains(arch),
                weights=self._start(stage, training, arch),
                # AudioSet's labels are not those that can be corrected.
                data=self.data.without_corrections() if stage == "pretrain" else self.data,
            )
        except ValidationError as error:
            raise SedlabError(f"{name}: {explain(error)}") from error

    def nodes(self) -> list[Node]:
        """Resolve every training node of the experiment, in the order of the graph."""
        pretraining = [self.node("pretrain", arch) for arch in self.archs if self.pretrains(arch)]
        training = [
            self.node(stage, arch, iteration)
            for iteration in range(1, self.iterations + 1)
            for stage in ("stage1", "stage2")
            for arch in self.archs
        ]
        return pretraining + training

    def _start(self, stage: Stage, training: StageConfig | PretrainConfig, arch: Arch) -> str | None:
        if isinstance(training, PretrainConfig):
            return training.weights.get(arch)
        from_weights = stage == "stage1" and training.use_pretrained and not self.pretrains(arch)
        return self.weights.get(arch) if from_weights else None

    def _stage(self, stage: Stage, arch: Arch, iteration: int) -> StageConfig:
        section: dict[str, Any] = getattr(self.stages, stage)
        for rule in self.rules:
            if rule.applies(stage, arch, iteration):
                section = merge(section, rule.set)
        return StageConfig.model_validate(section)


def node_name(stage: Stage, arch: Arch, iteration: int) -> str:
    """Return the name of a training node, as used for its files: "pretrain_atst", "iteration1_stage2_beats"."""
    return f"pretrain_{arch}" if stage == "pretrain" else f"iteration{iteration}_{stage}_{arch}"


def merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``change`` laid over it, section by section; neither is modified."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
