"""What a recipe says about a network for whole events."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from aeplugin.documents import Strict, refuse_boolean
from aeplugin.recipe_training import Activation, Latent, LayerNorm, NotNegative, Width

EventNetworkKind = Literal["dense", "per-kind", "deep-sets", "attention", "flow"]
EventLoss = Literal["tolerance", "mse", "l1", "huber", "chamfer", "energy-flow"]
FlowKind = Literal["nsf", "maf"]
Slots = Annotated[int, Field(ge=1, le=64), BeforeValidator(refuse_boolean)]
Small = Annotated[int, Field(ge=1, le=32), BeforeValidator(refuse_boolean)]
Text = Annotated[str, StringConstraints(min_length=1)]

MAX_SLOTS = 256
"""Of all collections together."""
_ONLY_FOR: dict[str, tuple[EventNetworkKind, ...]] = {
    "heads": ("attention",),
    "layers": ("attention",),
    "transforms": ("flow",),
    "flow": ("flow",),
    "latents": ("dense", "per-kind", "deep-sets", "attention"),
    "latent": ("dense", "per-kind", "deep-sets", "attention"),
    "loss": ("dense", "per-kind", "deep-sets", "attention"),
    "weights": ("dense", "per-kind", "deep-sets", "attention"),
    "mask": ("dense", "deep-sets", "attention"),
}
"""Keys that mean something for some networks only."""


class EventNetwork(Strict):
    """A network that sees whole events: up to so many objects of every kind, zero-padded, and event variables."""

    network: EventNetworkKind = "dense"
    objects: dict[Text, Slots] = Field(min_length=1, description="for each collection, how many objects at most")
    label: Text | None = Field(default=None, description="variable with the kind of an object, of one collection")
    inputs: list[Text] | None = Field(default=None, description="of columns; default all that have a tolerance")
    hidden: list[Width] = Field(default=[200, 100], min_length=1, max_length=16)
    latents: Annotated[int, Field(ge=1, le=1024), BeforeValidator(refuse_boolean)] = 30
    activation: Activation = "silu"
    norm: LayerNorm = Field(default="none", description="of hidden layers; batch for dense only")
    latent: Latent = Latent()
    loss: EventLoss = "mse"
    weights: dict[str | int, NotNegative] = Field(default={}, description="of kinds of objects in the loss; default 1")
    mask: NotNegative = Field(
        default=1, description="factor of the loss of which slots hold an object, and of its kind"
    )
    heads: Small = Field(default=4, description="attention: heads of each layer")
    layers: Small = Field(default=2, description="attention: layers of self-attention")
    flow: FlowKind = Field(default="nsf", description="flow: neural spline flow or masked autoregressive flow")
    transforms: Small = Field(default=3, description="flow: transforms one after the other")

    @model_validator(mode="after")
    def _fits(self) -> EventNetwork:
        for key, networks in _ONLY_FOR.items():
            if self.network not in networks and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"the network {self.network} has no {key!r}; it is for {', '.join(networks)}")
        if sum(self.objects.values()) > MAX_SLOTS:
            raise ValueError(f"{sum(self.objects.values())} objects in all; expected at most {MAX_SLOTS}")
        if self.label is not None and len(self.objects) != 1:
            raise ValueError(
                f"a label is for one collection of objects, got {len(self.objects)}: {', '.join(self.objects)}"
            )
        if self.norm == "batch" and self.network != "dense":
            raise ValueError(f"norm batch would mix objects of the network {self.network}; expected layer or none")
        if self.norm != "none" and self.network == "flow":
            raise ValueError("the network flow has no norm")
        if self.network == "attention" and self.hidden[-1] % self.heads:
            raise ValueError(f"the last of hidden, {self.hidden[-1]}, must be a multiple of heads, {self.heads}")
        return self
