"""What a recipe says about the density that codes events: the model of the codec `autoregressive`."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from aeplugin.documents import Count, Strict, refuse_boolean
from aeplugin.recipe_training import NotNegative, Positive

Effort = Literal["fast", "default", "best"]
Text = Annotated[str, StringConstraints(min_length=1)]

WIDTHS: dict[Effort, int] = {"fast": 16, "default": 32, "best": 64}
"""Units of each of the two hidden layers of a network."""
SLICES: dict[Effort, int] = {"fast": 4, "default": 16, "best": 16}
"""Into which a network cuts the range of its variable."""
CODECS = ("auto", "autoregressive")
"""The codecs of collections that a density codes."""
MAX_MIRRORS = 8
"""Each doubles the number of mirror images of an event."""


class Density(Strict):
    """A conditional density of every value of an event, given all that is decoded before it."""

    effort: Effort = Field(default="default", description="size of the networks: speed against bits")
    epochs: Count = 30
    batch_size: Count = 512
    learning_rate: Positive = Field(default=4e-3, description="the highest of the one-cycle schedule")
    weight_decay: NotNegative = Field(default=0.1, description="of AdamW; so much, because few events teach too much")
    patience: Count = Field(default=10, description="epochs without improvement that end the training of a network")
    missing: Annotated[list[Text], Field(min_length=2, max_length=2)] | None = Field(
        default=None, description="columns of the event with size and angle of the missing momentum"
    )
    mirror: list[Annotated[list[Text], Field(min_length=1)]] = Field(
        default=[], description="variables or columns whose signs may be flipped together: [[eta], [phi, MET_phi]]"
    )
    events: Annotated[int, Field(ge=100), BeforeValidator(refuse_boolean)] = Field(
        default=500_000, description="at most so many, mirrored ones among them, are in memory for the training"
    )

    @model_validator(mode="after")
    def _names_once(self) -> Density:
        if self.missing is not None and self.missing[0] == self.missing[1]:
            raise ValueError(f"missing names {self.missing[0]!r} twice; expected the columns of its size and its angle")
        names = Counter(name for flipped in self.mirror for name in flipped)
        for name, times in names.items():
            if times > 1:
                raise ValueError(f"mirror names {name!r} twice; expected each name in one list, once")
        if len(self.mirror) > MAX_MIRRORS:
            raise ValueError(f"{len(self.mirror)} lists to mirror; expected at most {MAX_MIRRORS}")
        return self
