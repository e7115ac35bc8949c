"""Decoders of networks by docs/model-file.md and docs/format.md, in numpy and without aeplugin: for format_reader."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from format_functions import ACTIVATIONS, arctan2, exp10, fma

Array = NDArray[Any]

LOG10, QUANTILE, CIRCLE = 1, 2, 3


@dataclass
class NetworkColumn:
    variable: str
    transform: int
    mean: float
    scale: float
    factor: float = 1
    offset: float = 0
    knots: Array = field(default_factory=lambda: np.empty(0, np.float32))
    knots_to: Array = field(default_factory=lambda: np.empty(0, np.float32))

    @property
    def features(self) -> int:
        return 2 if self.transform == CIRCLE else 1

    def value(self, features: Array) -> Array:
        """float32 values from features, shape (objects, features)."""
        if self.transform == CIRCLE:
            cosine, sine = features.astype(np.float64).T
            return (self.mean + arctan2(sine, cosine)).astype(np.float32)
        result = fma(features[:, 0], np.float32(self.scale), np.float32(self.mean))
        if self.transform == LOG10:
            return (exp10(result) - np.float32(self.offset)) / np.float32(self.factor)
        return self.from_quantile(result) if self.transform == QUANTILE else result

    def from_quantile(self, values: Array) -> Array:
        start, target = self.knots_to.astype(np.float64), self.knots.astype(np.float64)
        right = 1 + np.searchsorted(self.knots_to[1:-1], values, side="right")
        left = right - 1
        slope = (target[right] - target[left]) / (start[right] - start[left])
        return (target[left] + (values.astype(np.float64) - start[left]) * slope).astype(np.float32)


@dataclass
class NetworkLayer:
    weights: Array
    biases: Array
    activation: int
    gains: Array | None = None
    shifts: Array | None = None

    def run(self, values: Array) -> Array:
        total = np.broadcast_to(self.biases, (len(values), len(self.biases)))
        for i in range(values.shape[1]):
            total = fma(values[:, i : i + 1], self.weights[:, i], total)
        if self.gains is not None:
            total = self.normalised(total.astype(np.float64))
        return ACTIVATIONS[self.activation](total)

    def normalised(self, values: Array) -> Array:
        """Layer norm; accumulate() adds in the order of the outputs, as sum() does not."""
        assert self.gains is not None
        assert self.shifts is not None
        width = values.shape[1]
        difference = values - np.add.accumulate(values, axis=1)[:, -1:] / width
        squares = np.add.accumulate(difference * difference, axis=1)[:, -1:]
        scale = 1 / np.sqrt(squares / width + 1e-5)
        return (difference * scale * self.gains.astype(np.float64) + self.shifts).astype(np.float32)


@dataclass
class Network:
    """The decoder of a collection."""

    columns: list[NetworkColumn]
    layers: list[NetworkLayer]

    def decode(self, latents: list[Array], steps: list[float], objects: int) -> dict[str, Array]:
        with np.errstate(all="ignore"):
            rows = [k.astype(np.float32) * np.float32(s) for k, s in zip(latents, steps, strict=True)]
            values = np.stack(rows, axis=1).reshape(objects, len(steps))
            for layer in self.layers:
                values = layer.run(values)
            found, feature = {}, 0
            for column in self.columns:
                features = values[:, feature : feature + column.features]
                found[column.variable] = column.value(features).astype(np.float64)
                feature += column.features
        return found


def sections(content: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Tag, version of the file and payload of each section of a model file."""
    magic, version = content[:8], struct.unpack_from("<I", content, 8)[0]
    assert magic == b"\x89AEPM\r\n\x1a"
    assert version in (2, 3, 4)
    at = 16
    while at < len(content):
        tag, crc, size = struct.unpack_from("<4sIQ", content, at)
        payload = content[at + 16 : at + 16 + size]
        assert zlib.crc32(payload) == crc
        at += 16 + size
        yield tag, version, payload


def read_model(content: bytes) -> dict[str, Network]:
    """The decoders in a model file, by collection."""
    found = sections(content)
    return dict(CollectionReader(payload, version).read() for tag, version, payload in found if tag == b"COLL")


@dataclass
class Reader:
    """Takes numbers and text from the payload of a section, one after the other."""

    payload: bytes
    version: int
    at: int = 0

    def take(self, letters: str) -> Iterator[Any]:
        found = struct.unpack_from("<" + letters, self.payload, self.at)
        self.at += struct.calcsize("<" + letters)
        return iter(found)

    def one(self, letter: str) -> Any:
        return next(self.take(letter))

    def floats(self, number: int, precision: str = "f4") -> Array:
        """float32, from that or (`f2`) from half precision."""
        found = np.frombuffer(self.payload, "<" + precision, number, self.at)
        self.at += found.nbytes
        return found.astype(np.float32)

    def text(self) -> str:
        size = self.one("I")
        return str(self.one(f"{size}s").decode()) if size else ""


class CollectionReader(Reader):
    """The section COLL."""

    def column(self) -> NetworkColumn:
        variable, _name = self.text(), self.text()
        column = NetworkColumn(variable, *self.take("Bff"))
        if self.version >= 3:
            column.factor, column.offset = self.take("ff")
            knots = self.one("I")
            column.knots, column.knots_to = self.floats(knots), self.floats(knots)
            assert self.one("I") == 0  # categories: a label, which no codec takes
        return column

    def layers(self) -> list[NetworkLayer]:
        found = []
        for _ in range(self.one("I")):
            inputs, outputs, activation = self.take("IIB")
            weights = self.floats(inputs * outputs).reshape(outputs, inputs)
            layer = NetworkLayer(weights, self.floats(outputs), activation)
            if self.version >= 3 and self.one("B"):
                layer.gains, layer.shifts = self.floats(outputs), self.floats(outputs)
            found.append(layer)
        return found

    def read(self) -> tuple[str, Network]:
        name = self.text()
        columns = [self.column() for _ in range(self.one("I"))]
        assert self.version == 2 or self.one("B") == 0  # nothing is told a label
        self.layers()  # the encoder
        decoder = self.layers()
        assert self.at == len(self.payload)
        return name, Network(columns, decoder)
