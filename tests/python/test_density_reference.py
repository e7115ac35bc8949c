"""The codec `autoregressive`: the library against a second implementation, which shares nothing with it but docs/."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeplugin import Model, _core
from aeplugin.errors import CorruptionError
from density_toys import RandomDensity, context, encode, model_file, section
from format_density import NO_VARIABLE, Density, Feature, Location, Source, Variable, View, decode, read_density
from format_entropy import ESCAPE, TOTAL, Shape, borders
from format_grids import EXACT_MARK, GRID_LIMIT

SEEDS = range(24)
seeds = pytest.mark.parametrize("seed", SEEDS)


def toy_of(seed: int) -> tuple[RandomDensity, int, list[np.ndarray]]:
    """A random density and the integers of some events."""
    toy = RandomDensity(seed)
    events = int(toy.rng.choice([0, 1, 40, 270], p=[0.05, 0.05, 0.6, 0.3]))
    return toy, events, toy.integers(events)


def core_of(density: Density) -> _core.Density:
    found = Model.from_bytes(model_file(density)).density
    assert found is not None
    return found


def test_toys_are_what_a_density_can_be() -> None:
    """Else a difference could pass unnoticed."""
    variables = [variable for seed in SEEDS for variable in RandomDensity(seed).variables]
    features = [feature for variable in variables for feature in variable.features]
    assert {feature.source for feature in features} == set(Source)
    assert {feature.view for feature in features} == set(View)
    assert {variable.location for variable in variables} == set(Location)
    assert {variable.tolerance for variable in variables} == {"exact", "abs", "rel"}
    assert {layer.activation for variable in variables for layer in variable.layers} == {0, 2, 3}
    for has in (
        lambda v: v.is_double, lambda v: v.is_periodic, lambda v: v.shape.shift > 8, lambda v: v.shape.size == 0,
        lambda v: len(v.atoms) == 0, lambda v: v.shape.size > 0 and len(v.atoms) > 20, lambda v: EXACT_MARK in v.atoms,
        lambda v: v.location == Location.DIRECTION and v.is_periodic, lambda v: len(v.layers) == 1,
        lambda v: v.is_descending and v.within == NO_VARIABLE, lambda v: v.within != NO_VARIABLE,
    ):  # fmt: skip
        assert {has(variable) for variable in variables} == {False, True}


@seeds
def test_section_of_model_files(seed: int) -> None:
    density = RandomDensity(seed).density
    content = model_file(density)
    found = read_density(content)
    assert found is not None
    assert section(found) == section(density)
    assert Model.from_bytes(content).to_bytes() == content


@seeds
def test_streams_are_the_same(seed: int) -> None:
    """Bytes of both encoders, with every instruction set, and what both decoders make of them."""
    toy, events, integers = toy_of(seed)
    density = core_of(toy.density)
    streams, wide = encode(toy.density, toy.grids, events, integers)
    for instruction_set in _core.instruction_sets():
        found = _core.density_encode(density, integers, instruction_set)
        for variable, (stream, escapes), content, expected in zip(toy.variables, found, streams, wide, strict=True):
            assert stream == content, variable.column
            assert escapes.tolist() == expected.tolist(), variable.column
        decoded = _core.density_decode(density, events, found, instruction_set)
        for variable, values, expected in zip(toy.variables, decoded, integers, strict=True):
            assert values.tolist() == expected.tolist(), variable.column
    decoded = decode(toy.density, toy.grids, events, streams, wide)
    for variable, values, expected in zip(toy.variables, decoded, integers, strict=True):
        assert values.tolist() == expected.tolist(), variable.column


@pytest.mark.parametrize("spread", [2.0**-20, 300.0, 2.0**20])
def test_limits(spread: float) -> None:
    """As many atoms, integers and low bits as a variable can have."""
    toy = RandomDensity(1)
    shape = Shape(1023, -(2**14), 2**14 - 1, 15, 3.0, spread)
    index = Feature(Source.INDEX, View.LINEAR, 0, 0, 0, 1.0, 0.0)
    variable = Variable("x", "x", "x", "exact", 0.0, False, Location.NONE, "", False, -(2**29), shape,
                        False, NO_VARIABLE, np.arange(1023) * 7 - 3000, [index])  # fmt: skip
    toy.add_network(variable)
    density, events = Density([variable], [], None), 50
    near, far = toy.rng.integers(-4000, 4000, events), toy.rng.integers(-GRID_LIMIT, GRID_LIMIT, events)
    integers = [np.where(toy.rng.random(events) < 0.5, near, far)]
    streams, wide = encode(density, [None], events, integers)
    ((stream, escapes),) = _core.density_encode(core_of(density), integers)
    assert (stream, escapes.tolist()) == (streams[0], wide[0].tolist())
    assert decode(density, [None], events, streams, wide)[0].tolist() == integers[0].tolist()


@seeds
def test_context_is_the_same(seed: int) -> None:
    toy, events, integers = toy_of(seed)
    found = _core.density_context(core_of(toy.density), integers)
    expected = context(toy.density, toy.grids, events, integers)
    for variable, (features, residuals), (raw, moved) in zip(toy.variables, found, expected, strict=True):
        assert np.array_equal(features, raw, equal_nan=True), variable.column
        assert residuals.tolist() == moved.tolist(), variable.column


def test_the_second_implementation_notices_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product and a sum of the networks that are rounded one by one, instead of fused, cannot decode."""
    noticed = 0
    for seed in range(5, 9):
        toy, events, integers = toy_of(seed)
        streams, _ = encode(toy.density, toy.grids, events, integers)
        with monkeypatch.context() as patch:
            patch.setattr("format_networks.fma", lambda a, b, c: (a * b + c).astype(np.float32))
            noticed += streams != encode(toy.density, toy.grids, events, integers)[0]
    assert noticed > 1


@given(
    atoms=st.integers(0, 40), size=st.sampled_from([0, 1, 2, 300, 16384]), first=st.integers(-(2**29), 2**29),
    middle=st.floats(-(2**30), 2**30, width=32), spread=st.floats(2**-20, 2**20, width=32),
    outputs=st.lists(st.floats(width=32), min_size=1, max_size=60),
)  # fmt: skip
def test_every_symbol_has_an_interval(
    atoms: int, size: int, first: int, middle: float, spread: float, outputs: list[float]
) -> None:
    """Whatever a network says."""
    shape = Shape(max(atoms, 1) if size == 0 else atoms, first, size, 0, middle, spread)
    limits = np.array([size, max(size // 2, 1), 1]) if size > 0 else np.zeros(3, np.int64)
    edges = borders(shape, np.resize(np.array(outputs, np.float32), (3, shape.atoms + 20)), limits)
    assert edges.shape == (3, shape.atoms + size + 2)
    assert (edges[:, 0] == 0).all()
    assert (edges[:, -1] == TOTAL).all()
    for row, limit in zip(edges, limits.tolist(), strict=True):
        assert (np.diff(row)[: shape.atoms + limit] > 0).all()
        assert (row[shape.atoms + limit : -1] == ESCAPE).all()


def test_damaged_streams() -> None:
    """Every byte of a stream, missing or changed."""
    toy = RandomDensity(8)
    integers = toy.integers(20)
    density = core_of(toy.density)
    streams = _core.density_encode(density, integers)
    longest = max(range(len(streams)), key=lambda i: len(streams[i][0]))
    content, escapes = streams[longest]
    assert len(content) > 100

    def decoded(damaged: bytes, escapes: np.ndarray = escapes) -> np.ndarray:
        changed = [*streams[:longest], (damaged, escapes), *streams[longest + 1 :]]
        return _core.density_decode(density, 20, changed)[longest]

    assert decoded(content).tolist() == integers[longest].tolist()
    for wrong in [*(content[:size] for size in range(len(content))), content + b"\0", content + bytes(4)]:
        with pytest.raises(CorruptionError):
            decoded(wrong)
    for wrong in (escapes[:-1], np.append(escapes, escapes[:1])):
        with pytest.raises(CorruptionError):
            decoded(content, wrong)
    refused = 0
    for i in range(len(content)):
        for bit in (1, 16, 128):
            try:
                # Where two symbols are as probable as each other, what follows decodes: the checksum refuses the block.
                wrong = bytes([*content[:i], content[i] ^ bit, *content[i + 1 :]])
                assert decoded(wrong).tolist() != integers[longest].tolist()
            except CorruptionError:
                refused += 1
    assert refused > len(content)
