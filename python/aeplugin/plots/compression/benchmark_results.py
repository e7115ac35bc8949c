"""What tests/benchmarks/compressing.py has measured, read from its JSON."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aeplugin.errors import InputError

LARGEST = 64 * 1024 * 1024
"""Bytes of a file that is read at all."""
SPEED = "MB/s of float32"
_EXPECTED = "the JSON that tests/benchmarks/compressing.py writes"
_Share = Annotated[float, Field(ge=0, allow_inf_nan=True)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Errors(_Part):
    """How far the values of a column moved, in the terms of its tolerance."""

    rms: _Share = Field(alias="RMS")
    largest: _Share


class Peer(_Part):
    """One peer at the tolerances of one name.

    Attributes:
        name: of the peer, as the benchmark prints it.
        bits: stored bits per object.
        errors: by column; None where nothing was decoded, or the benchmark was an older one.
        speeds: MB of float32 per second, by "compress, 1 threads" and the like.
    """

    name: str = Field(alias="peer", min_length=1, max_length=200)
    bits: float = Field(alias="bits per object", gt=0, le=1e9)
    errors: dict[str, Errors] | None = None
    speeds: dict[str, dict[str, float | list[float]]] = {}

    def speed(self, direction: str, threads: int = 1) -> float | None:
        """MB of float32 per second, "compress" or "decompress"; None where it was not measured."""
        value = self.speeds.get(f"{direction}, {threads} threads", {}).get(SPEED)
        return value if isinstance(value, float) and 1e-9 < value < 1e9 else None


def bound_of(tolerance: str) -> float | None:
    """The number in a tolerance in words, such as "rel 0.02"; None where there is none, as in "exact"."""
    found = re.fullmatch(r"(?:abs|rel) (\S+)", tolerance)
    try:
        value = float(found[1]) if found else math.nan
    except ValueError:
        return None
    return value if 1e-9 < value < 1e9 else None


class Input(_Part):
    """One input of the benchmark.

    Attributes:
        source: the file's name.
        tolerances: by name, "loose" or "tight", and column, in words such as "rel 0.02".
        peers: by the same names.
    """

    source: str
    events: int = Field(ge=0)
    objects: int = Field(ge=0)
    tolerances: dict[str, dict[str, str]]
    peers: dict[str, list[Peer]]

    @property
    def which(self) -> list[str]:
        """The names of tolerances that have peers, the loosest first."""
        return [name for name in self.tolerances if self.peers.get(name)]


class Benchmark(_Part):
    """All inputs by their names, and the machine."""

    inputs: dict[str, Input]
    machine: dict[str, str | int | float | None] = {}


def read_benchmark(path: Path) -> Benchmark:
    """The results in a file.

    Raises:
        InputError: the file is missing, or is no JSON of the benchmark.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: larger than {LARGEST >> 20} MB; expected {_EXPECTED}")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read the benchmark's results ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); expected {_EXPECTED}") from None
    try:
        return Benchmark.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "top level"
        raise InputError(f"{path}: {where}: {problem['msg']}; expected {_EXPECTED}") from None
