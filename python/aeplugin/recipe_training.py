"""What a recipe says about networks and their training."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from aeplugin.documents import Count, Strict, refuse_boolean
from aeplugin.errors import RecipeError, nearest
from aeplugin.expressions import parse

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(refuse_boolean)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(refuse_boolean)]
Width = Annotated[int, Field(ge=1, le=4096), BeforeValidator(refuse_boolean)]

LARGEST_LABEL = 1 << 24
"""Up to which a float32 holds every integer."""
Label = Annotated[int, Field(ge=-LARGEST_LABEL, le=LARGEST_LABEL), BeforeValidator(refuse_boolean)]

Activation = Literal["tanh", "relu", "leaky_relu", "elu", "silu", "gelu"]
LayerNorm = Literal["none", "batch", "layer"]
Normalisation = Literal["standard", "log-standard", "min-max", "quantile", "aod", "phenoml", "cms24", "none"]
LatentKind = Literal["plain", "sparse-l1", "sparse-kl", "variational", "sliced-wasserstein"]
LossKind = Literal["tolerance", "mse", "l1", "huber", "mse+l1", "relative", "rate"]
Schedule = Literal["one-cycle", "cosine", "constant", "plateau"]
Precision = Literal["float32", "bfloat16", "float16"]

PRESETS: dict[str, dict[str, Any]] = {
    "4-200-200-20-3": {"hidden": [200, 200, 20], "latents": 3, "activation": "tanh"},
    "4-200-100-50-3": {"hidden": [200, 100, 50], "latents": 3, "activation": "leaky_relu"},
    "4-400-400-3": {"hidden": [400, 400], "latents": 3, "activation": "leaky_relu", "norm": "batch"},
    **{
        f"27-200-200-200-{latents}": {
            "hidden": [200, 200, 200],
            "latents": latents,
            "activation": "leaky_relu",
            "norm": "batch",
        }
        for latents in (20, 18, 16, 14, 12, 10, 8)
    },
    "24-200-100-50-15": {"hidden": [200, 100, 50], "latents": 15, "activation": "leaky_relu"},
    "19-200-100-50-15": {"hidden": [200, 100, 50], "latents": 15, "activation": "leaky_relu"},
}
"""Networks of the published studies by their widths; the first is the number of variables.

Those for 4 variables with three hidden layers and for 27 are of the Lund theses and the HEPAutoencoders project,
4-400-400-3 of the GSoC 2020 study of Dark Machines events, those for 24 and 19 of the GSoC 2021 study of CMS jets.
"""


class Latent(Strict):
    """What else than to decode well is asked of latents."""

    kind: LatentKind = "plain"
    strength: NotNegative = Field(
        default=1e-3, description="factor of the penalty beside the loss; beta of variational"
    )
    sparsity: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.05, description="sparse-kl: the mean that activations, brought into (0, 1), are drawn to"
    )
    free_bits: NotNegative = Field(default=0, description="variational: bits per latent that cost nothing")
    prior_width: Positive = Field(default=1, description="variational, sliced-wasserstein: deviation of the prior")
    projections: Count = Field(default=50, description="sliced-wasserstein: directions per batch")


class Condition(Strict):
    """An integer column, such as the kind of an object, that a network is told beside what it codes."""

    label: Annotated[str, StringConstraints(min_length=1)] = Field(description="the variable, as in kind")
    values: Annotated[list[Label], Field(min_length=1, max_length=256)] = Field(description="those it may have")
    to: Literal["encoder", "decoder", "both"] = "both"

    @field_validator("values")
    @classmethod
    def _in_order(cls, values: list[int]) -> list[int]:
        if any(one >= other for one, other in pairwise(values)):
            raise ValueError("expected each label once, in increasing order")
        return values


class Network(Strict):
    """A fully connected autoencoder; the decoder mirrors the encoder."""

    preset: str | None = Field(default=None, description="a published network by its widths; other keys win over it")
    hidden: list[Width] = Field(default=[200, 200, 20], max_length=16)
    latents: Annotated[int, Field(ge=1, le=1024), BeforeValidator(refuse_boolean)] = 3
    activation: Activation = "tanh"
    norm: LayerNorm = Field(default="none", description="of hidden layers, before their activation")
    latent: Latent = Latent()
    condition: Condition | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, content: Any) -> Any:
        if not isinstance(content, dict) or content.get("preset") is None:
            return content
        preset = content["preset"]
        if not isinstance(preset, str) or preset not in PRESETS:
            raise ValueError(f"unknown preset {preset!r}{nearest(str(preset), list(PRESETS))}")
        return {**PRESETS[preset], **content}


class Loss(Strict):
    """How far a decoded object is from its original; its kind alone stands for all defaults."""

    kind: LossKind = "tolerance"
    columns: dict[str, NotNegative] = Field(default={}, description="weights of variables; default 1 each")
    kinds: dict[int, NotNegative] = Field(default={}, description="weights of objects by the label of the condition")
    rate: NotNegative = Field(default=0.1, description="rate: factor of the latents' bits beside the distortion")

    @model_validator(mode="before")
    @classmethod
    def _by_kind(cls, content: Any) -> Any:
        return {"kind": content} if isinstance(content, str) else content

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"enum": list(get_args(LossKind))}, handler(core)]}


def _expression(text: str) -> str:
    try:
        parse(text)
    except RecipeError as error:
        raise ValueError(str(error)) from None
    return text


Expression = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_expression)]


class Selection(Strict):
    """Which events and objects a network learns from; compression never leaves any out."""

    events: list[Expression] = Field(
        default=[], description="expressions that are true for the events that count: MET_pt > 200e3"
    )
    objects: list[Expression] = Field(
        default=[], description="expressions that are true for the objects that count: Jet_pt > 20e3"
    )
    channel: Literal["1", "2a", "2b", "3"] | None = Field(
        default=None, description="of the Dark Machines challenge (arXiv:2105.14027)"
    )
    lepton_veto: bool = Field(default=False, description="only events without electrons and muons")
    fraction: Annotated[float, Field(gt=0, le=1)] = Field(default=1, description="of the events, chosen by the seed")


class Training(Strict):
    """How networks are trained: AdamW, in batches of shuffled objects."""

    epochs: Count = 60
    batch_size: Count = 128
    learning_rate: Positive = 2e-3
    schedule: Schedule = Field(default="one-cycle", description="of the learning rate")
    weight_decay: NotNegative = 1e-6
    clip: Positive | None = Field(default=None, description="the largest norm of a gradient")
    early_stopping: Count | None = Field(default=None, description="epochs without improvement that end it")
    validation: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.2, description="fraction of events held out")
    seed: Annotated[int, Field(ge=0, lt=2**32), BeforeValidator(refuse_boolean)] = 1
    precision: Precision = Field(default="float32", description="of the forward pass; gradients stay float32")
    device: str = Field(default="auto", description="cpu, cuda, cuda:1, mps ...; auto takes what there is")
    workers: Annotated[int, Field(ge=0, le=64), BeforeValidator(refuse_boolean)] = Field(
        default=0, description="processes that read ahead; the weights do not depend on it"
    )
    memory: Positive = Field(default=1, description="GB of objects that are shuffled together, and kept if all fit")
    checkpoint_every: Count = Field(default=10, description="epochs between checkpoints, where a folder is given")
    learning_rate_test: bool = Field(default=False, description="try growing rates first, for the summary and its plot")
    selection: Selection = Selection()
