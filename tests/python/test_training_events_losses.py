"""Losses of whole events: known values, invariances, gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from aeplugin._core import Transform, restore, standardise  # noqa: E402
from aeplugin.errors import RecipeError  # noqa: E402
from aeplugin.training.events.chamfer import chamfer  # noqa: E402
from aeplugin.training.events.energy_flow import directions, sliced_mover_distance  # noqa: E402
from aeplugin.training.events.layout import Layout  # noqa: E402
from aeplugin.training.events.losses import slot_by_slot, slots_filled, weighted_mean  # noqa: E402
from aeplugin.training.events.momenta import Momenta, Value  # noqa: E402
from aeplugin.training.events.objective import EventReconstruction  # noqa: E402
from aeplugin.training.events.slots import Decoded  # noqa: E402
from aeplugin.training.trainer import one_thread  # noqa: E402
from event_toys import column, group, labelled_layout, toy_events, toy_layout, toy_settings  # noqa: E402

SLOT_LOSSES = ["mse", "l1", "huber", "tolerance"]


@pytest.fixture(autouse=True)
def one_core():
    """Numbers this few are slower on several threads."""
    with one_thread():
        yield


def doubles(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def some_weights() -> torch.Tensor:
    """Of 2 events with 3 slots of 2 features: one slot is empty, one has a single feature."""
    weights = torch.ones(2, 3, 2, dtype=torch.float64)
    weights[0, 2] = 0
    weights[1, 0, 1] = 0
    return weights


@pytest.mark.parametrize(("kind", "expected"), [("mse", 2.5), ("l1", 1.5), ("huber", (0.5 + 1.5) / 2)])
def test_known_values_slot_by_slot(kind, expected):
    """Errors of 1 and 2; the empty slot, which is off by a million, costs nothing."""
    decoded = torch.tensor([[[1.0], [2.0], [1e6]], [[0.0], [0.0], [0.0]]])
    weights = torch.tensor([[[1.0], [1.0], [0.0]], [[0.0], [0.0], [0.0]]])
    found = slot_by_slot(kind, decoded, torch.zeros(2, 3, 1), torch.ones(2, 3, 1), weights)
    assert found.tolist() == pytest.approx([expected, 0.0])


def test_the_tolerance_loss_counts_in_tolerances():
    decoded, given = torch.full((1, 1, 1), 0.5), torch.zeros(1, 1, 1)
    found = slot_by_slot("tolerance", decoded, given, torch.full((1, 1, 1), 6.0), torch.ones(1, 1, 1))
    same = slot_by_slot("tolerance", 6 * decoded, given, torch.ones(1, 1, 1), torch.ones(1, 1, 1))
    assert found.item() == pytest.approx(same.item())
    assert found.item() > 0


def test_weights_are_shares():
    losses = torch.tensor([[[1.0], [5.0]]])
    assert weighted_mean(losses, torch.tensor([[[3.0], [1.0]]])).item() == pytest.approx(2.0)
    infinite = torch.tensor([[[1.0], [math.inf]]])
    assert weighted_mean(infinite, torch.tensor([[[3.0], [0.0]]])).item() == 1.0


def test_slots_that_are_filled():
    layout = labelled_layout()
    events = toy_events(layout, 3)
    slots, kinds = layout.slots, len(layout.kinds)
    decoded = Decoded(events.values, torch.zeros(3, slots), torch.zeros(3, slots, kinds))
    assert slots_filled(decoded, events).tolist() == pytest.approx([math.log(2) + math.log(kinds)] * 3)
    assert slots_filled(Decoded(events.values), events).tolist() == [0, 0, 0]


def test_chamfer_takes_the_nearest_of_the_same_kind():
    given = torch.tensor([[[0.0, 0.0], [10.0, 0.0], [0.0, 7.0]]])
    decoded = torch.tensor([[[9.0, 0.0], [1.0, 0.0], [0.0, 5.0]]])
    weights = torch.ones(1, 3, 2)
    one_kind = torch.zeros(1, 3, dtype=torch.uint8)
    # Each is 1, 1 and 2 from the nearest, in both directions, over 2 times 6 values.
    assert chamfer(decoded, given, weights, one_kind).item() == pytest.approx((1 + 1 + 4) * 2 / 12)
    apart = torch.tensor([[0, 1, 1]], dtype=torch.uint8)
    # The first can only be 9 from the first; of the others each looks for the nearest.
    forth = 81 + min(81, 100 + 25) + min(1 + 49, 4)
    back = 81 + min(81, 1 + 49) + min(100 + 25, 4)
    assert chamfer(decoded, given, weights, apart).item() == pytest.approx((forth + back) / 12)


def test_chamfer_is_the_mse_where_each_object_is_near_its_own():
    given = torch.arange(12, dtype=torch.float64).view(2, 3, 2) * 10
    decoded = given + 0.1 * doubles(2, 3, 2)
    weights = some_weights()
    kinds = torch.zeros(2, 3, dtype=torch.uint8)
    expected = slot_by_slot("mse", decoded, given, weights, weights)
    assert torch.allclose(chamfer(decoded, given, weights, kinds), expected)


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 2, 0]])
def test_set_losses_know_no_order(order):
    given, decoded = doubles(4, 3, 2), doubles(4, 3, 2, seed=2)
    weights, kinds = torch.ones(4, 3, 2, dtype=torch.float64), torch.tensor([[0, 0, 1]] * 4)
    kinds_same = torch.zeros(4, 3, dtype=torch.long)
    expected = chamfer(decoded, given, weights, kinds_same)
    assert torch.allclose(chamfer(decoded[:, order], given, weights, kinds_same), expected)
    assert torch.allclose(
        chamfer(decoded[:, order], given[:, order], weights, kinds[:, order]), chamfer(decoded, given, weights, kinds)
    )
    pt, eta, phi = (doubles(4, 3, seed=s) for s in (3, 4, 5))
    first, second = (pt.exp(), eta, phi), (pt.flip(0).exp(), eta.flip(0), phi.flip(0))
    moved = tuple(part[:, order] for part in second)
    assert torch.allclose(sliced_mover_distance(first, moved), sliced_mover_distance(first, second))
    assert not torch.allclose(
        slot_by_slot("mse", decoded[:, order], given, weights, weights),
        slot_by_slot("mse", decoded, given, weights, weights),
    )


def test_directions_are_even():
    """The mean of |u d| over a sphere is |d| / 2."""
    points = torch.nn.functional.normalize(doubles(200, 3), dim=1)
    means = (points @ directions().T).abs().mean(1)
    assert torch.allclose(means, torch.tensor(0.5, dtype=torch.float64), atol=0.02)


def one_object(pt: float, eta: float, phi: float) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor([[number]], dtype=torch.float64) for number in (pt, eta, phi))


def test_mover_distance_of_two_objects_is_how_far_they_are_apart():
    at = one_object(50, 0.5, 1)
    assert sliced_mover_distance(at, at).item() == 0
    assert sliced_mover_distance(at, one_object(50, 2.5, 1)).item() == pytest.approx(2, rel=0.04)
    chord = 2 * math.sin(0.3 / 2)
    assert sliced_mover_distance(at, one_object(50, 0.5, 1.3)).item() == pytest.approx(chord, rel=0.04)
    whole_turn = sliced_mover_distance(at, one_object(50, 0.5, 1 - 2 * math.pi)).item()
    assert whole_turn == pytest.approx(0, abs=1e-9)
    # A third of the sum is what one has more than the other.
    assert sliced_mover_distance(at, one_object(100, 0.5, 1)).item() == pytest.approx(50 / 150)


def test_mover_distance_moves_shares_of_momentum():
    """Half of an event that goes 1 costs 1/2; and what has no momentum is nowhere."""
    two = [torch.tensor([numbers], dtype=torch.float64) for numbers in ([30.0, 30, 0], [0.0, 1, 9], [2.0, 2, 3])]
    one = one_object(60, 0, 2)
    assert sliced_mover_distance(tuple(two), one).item() == pytest.approx(0.5, rel=0.04)
    nothing = one_object(0, 0, 0)
    assert sliced_mover_distance(nothing, nothing).item() == 0
    assert sliced_mover_distance(nothing, one).isfinite().all()


def test_mover_distance_agrees_with_scipy():
    """On each line it is the Wasserstein distance."""
    from scipy.stats import wasserstein_distance

    pts, etas, phis = (doubles(2, 4, seed=s).numpy() for s in (6, 7, 8))
    pts = np.exp(pts)
    lines = directions().numpy()
    clouds = [np.stack([etas[i], np.cos(phis[i]), np.sin(phis[i])], 1) @ lines.T for i in range(2)]
    expected = 2 * np.mean([wasserstein_distance(clouds[0][:, i], clouds[1][:, i], *pts) for i in range(len(lines))])
    expected += abs(pts[0].sum() - pts[1].sum()) / pts.sum()
    events = [tuple(torch.from_numpy(part[i : i + 1]) for part in (pts, etas, phis)) for i in range(2)]
    assert sliced_mover_distance(*events).item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", SLOT_LOSSES)
def test_gradients_slot_by_slot(kind):
    decoded, given = doubles(2, 3, 2).requires_grad_(), doubles(2, 3, 2, seed=2)
    sensitivity = doubles(2, 3, 2, seed=3).exp()
    assert torch.autograd.gradcheck(lambda x: slot_by_slot(kind, x, given, sensitivity, some_weights()), decoded)


def test_gradients_of_chamfer():
    decoded, given = doubles(2, 3, 2).requires_grad_(), doubles(2, 3, 2, seed=2)
    kinds = torch.tensor([[0, 0, 1], [1, 1, 1]])
    assert torch.autograd.gradcheck(lambda x: chamfer(x, given, some_weights(), kinds), decoded)


def test_gradients_of_the_mover_distance():
    given = tuple(doubles(2, 3, seed=s) for s in (2, 3, 4))
    given = given[0].exp(), given[1], given[2]
    decoded = [doubles(2, 3, seed=s).requires_grad_() for s in (5, 6, 7)]
    assert torch.autograd.gradcheck(lambda pt, eta, phi: sliced_mover_distance((pt.exp(), eta, phi), given), decoded)


def test_gradients_of_the_slots():
    layout = labelled_layout()
    events = toy_events(layout, 2)
    mask, kinds = doubles(2, 5).requires_grad_(), doubles(2, 5, 4).requires_grad_()
    values = events.values.double()
    wide = events._replace(values=values)
    assert torch.autograd.gradcheck(lambda m, k: slots_filled(Decoded(values, m, k), wide), (mask, kinds))


@pytest.mark.parametrize("loss", [*SLOT_LOSSES, "chamfer", "energy-flow"])
def test_gradients_through_a_network(loss):
    """Empty slots have none, and objects have."""
    layout = toy_layout()
    model = EventReconstruction(layout, toy_settings(loss=loss))
    events = toy_events(layout, 20)
    values = (events.values + 0.1 * torch.randn_like(events.values)).requires_grad_()
    model.losses(Decoded(values), events).sum().backward()
    assert values.grad is not None
    assert values.grad.isfinite().all()
    used = events.mask.unsqueeze(2) & layout.used
    assert not values.grad[~used].any()
    assert (values.grad[used] != 0).float().mean() > 0.95


KNOTS = (np.array([0, 1, 5], np.float32), np.array([-2, 0, 1], np.float32))


@pytest.mark.parametrize("transform", ["linear", "log10", "quantile", "circle"])
def test_values_are_those_of_the_core(transform):
    kind = Transform.__members__[transform]
    extra = {"log10": {"factor": 2, "offset": 1}, "quantile": {"knots": KNOTS}}.get(transform, {})
    made = column("x", kind, 0.25, 1 if transform == "circle" else 1.5)
    from aeplugin._core import ModelColumn

    made = ModelColumn("x", "x", kind, made.mean, made.scale, **extra)
    values = np.linspace(0.1, 2.5, 60, dtype=np.float32)[:, np.newaxis]
    features = standardise([made], values)
    found = Value(made)(torch.from_numpy(features)).numpy()
    assert found == pytest.approx(restore([made], features)[:, 0], rel=1e-5)
    assert found == pytest.approx(values[:, 0], rel=1e-4)


def test_momenta_are_of_the_right_columns():
    jets = group("Jet", 2, column("phi", Transform.circle), column("E"), column("eta", scale=2), column("pt", mean=5))
    layout = Layout((jets, group("Track", 3, column("x"))))
    momenta = Momenta(layout)
    values = torch.zeros(1, 5, 5)
    values[0, 0] = torch.tensor([math.cos(0.5), math.sin(0.5), 7.0, 0.5, 3.0])
    objects = torch.tensor([[1.0, 0.0, 1.0, 1.0, 1.0]])
    pt, eta, phi = momenta(values, objects)
    assert [part[0].tolist() for part in (pt, eta)] == [[8.0, 0.0], [1.0, 0.0]]
    assert phi[0].tolist() == pytest.approx([0.5, 0.0])
    assert momenta.others.tolist() == [[0, 0, 1, 0, 0]] * 2 + [[1] * 5] * 3
    with pytest.raises(RecipeError, match="needs a collection that has tolerances for"):
        Momenta(Layout((group("Track", 3, column("x")),)))
