"""The code lengths that trainings make small are those of the format's frequencies."""

from __future__ import annotations

import numpy as np
import pytest

from format_entropy import Shape as FormatShape
from format_entropy import borders

pytest.importorskip("torch", reason="training needs torch")
import torch

from aeplugin.training.density.shapes import Shape
from aeplugin.training.density.slices import ESCAPE_BITS, SliceDensity

SHAPES = {
    "categories": Shape(0, 0, 0, (-3, 0, 5, 6), 0.0, 1.0),
    "one category": Shape(0, 0, 0, (7,), 0.0, 1.0),
    "a range": Shape(-20, 60, 0, (), 3.0, 9.0),
    "a range of one": Shape(4, 1, 0, (), 4.0, 0.5),
    "both": Shape(100, 300, 0, (-(2**31), 120, 121), 200.0, 50.0),
    "low bits": Shape(-4096, 40, 8, (0,), 2.0, 5.0),
    "a large range": Shape(0, 16384, 0, (), 8000.0, 2000.0),
}


def symbols(shape: Shape, limit: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """All categories and places below a limit, those of atoms first."""
    atoms = len(shape.atoms)
    category = torch.cat([torch.arange(atoms), torch.full((limit,), atoms)])
    return category, torch.cat([torch.zeros(atoms), torch.arange(limit)]), torch.full((atoms + limit,), float(limit))


def limits(shape: Shape) -> list[int]:
    return sorted({shape.range, (shape.range + 1) // 2, min(shape.range, 1)})


def outputs(number: int, rows: int, scale: float) -> torch.Tensor:
    return scale * torch.randn((rows, number), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("scale", "slices"), [(0.1, 16), (1.0, 16), (1.0, 8), (1.0, 4), (0.3, 1)])
def test_code_lengths_are_those_of_the_format(shape: Shape, scale: float, slices: int) -> None:
    density = SliceDensity(shape, slices)
    given = outputs(density.outputs, 3, scale)
    of_format = FormatShape(
        len(shape.atoms), shape.first >> shape.shift, shape.range, shape.shift, shape.middle, shape.spread
    )
    for limit in limits(shape):
        category, place, ends = symbols(shape, limit)
        frequencies = np.diff(borders(of_format, given.numpy(), np.full(3, limit)), axis=1)[:, : len(category)]
        for row in range(len(given)):
            bits = density.bits(given[row].expand(len(category), -1), category, place, ends).double().numpy()
            bits -= np.where(category == len(shape.atoms), shape.shift, 0)
            np.testing.assert_allclose(2.0 ** (24 - bits), frequencies[row], rtol=5e-3, atol=40)  # it rounds each
            probabilities = frequencies[row] / 2**24
            assert (probabilities * bits).sum() == pytest.approx(
                -(probabilities * np.log2(probabilities)).sum(), abs=2e-3
            )


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("slices", [1, 3, 4, 8, 16])
def test_probabilities_add_up_to_one(shape: Shape, slices: int) -> None:
    density = SliceDensity(shape, slices)
    for limit in limits(shape):
        category, place, ends = symbols(shape, limit)
        bits = density.bits(outputs(density.outputs, 1, 1.0).expand(len(category), -1), category, place, ends).double()
        bits -= shape.shift * (category == len(shape.atoms))
        assert float((2.0**-bits).sum()) + 2.0**-16 == pytest.approx(1, abs=1e-4)


def test_integers_become_symbols() -> None:
    density = SliceDensity(SHAPES["both"], 16)
    given = np.array([100, 119, 120, 121, 122, 399, 400, 99, -(2**31)], np.int32)
    category, place, ends = density.symbols(given, np.full(9, 300))
    assert category.tolist() == [3, 3, 1, 2, 3, 3, -1, -1, 0]
    assert place.tolist() == [0, 19, 0, 0, 22, 299, 0, 0, 0]
    assert ends.tolist() == [300] * 9
    category, _, _ = density.symbols(given, np.array([1, 19, 1, 1, 23, 299, 300, 300, 1]))
    assert category.tolist() == [3, -1, 1, 2, 3, -1, -1, -1, 0]
    given = np.array([-4097, -4096, -3841, -3840, 0], np.int32)
    category, place, _ = SliceDensity(SHAPES["low bits"], 16).symbols(given, np.full(5, 40))
    assert category.tolist() == [-1, 1, 1, 1, 0]
    assert place.tolist() == [0, 0, 0, 1, 0]


def test_escapes_cost_themselves_and_have_no_gradient() -> None:
    density = SliceDensity(SHAPES["both"], 16)
    escapes = density.symbols(np.array([99, 400, -(2**31) + 1, 2**30], np.int32), np.full(4, 300))
    given = outputs(density.outputs, 4, 1.0).requires_grad_()
    bits = density.bits(given, *escapes)
    assert bits.tolist() == [ESCAPE_BITS] * 4
    bits.sum().backward()
    assert not given.grad.any()


def test_what_networks_say_can_be_anything() -> None:
    for shape in SHAPES.values():
        density, every = SliceDensity(shape, 16), symbols(shape, shape.range)
        for size in (1e3, 1e6, 1e30):
            bits = density.bits(size * outputs(density.outputs, len(every[0]), 1.0), *every)
            assert torch.isfinite(bits).all()
            assert (bits <= 24 + shape.shift).all()


def test_gradients_are_those_of_the_code_length() -> None:
    density = SliceDensity(SHAPES["both"], 16)
    category, place, ends = density.symbols(np.array([120, 250, 190, 260], np.int32), np.array([300, 300, 100, 250]))
    given = outputs(density.outputs, 4, 0.3).double().requires_grad_()

    def bits(x: torch.Tensor) -> torch.Tensor:
        return density.bits(x, category, place.double(), ends.double())

    assert torch.autograd.gradcheck(bits, given, eps=1e-5, atol=1e-3)
