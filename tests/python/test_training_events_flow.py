"""The density of whole events: it is one, it is right, and padding has no part in it."""

from __future__ import annotations

import math
from itertools import product

import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("zuko", reason="needs zuko")

from aeplugin._core import Transform  # noqa: E402
from aeplugin.errors import RecipeError  # noqa: E402
from aeplugin.training.events.features import Events  # noqa: E402
from aeplugin.training.events.flow import EventFlow, SlotProbability  # noqa: E402
from aeplugin.training.events.layout import Layout  # noqa: E402
from aeplugin.training.trainer import one_thread  # noqa: E402
from event_toys import column, group, labelled_layout, toy_events, toy_settings  # noqa: E402

TOLERANCE = 0.01


@pytest.fixture(autouse=True)
def one_core():
    """Networks this small are slower on several threads."""
    with one_thread():
        yield


def events_of(values: torch.Tensor, mask: torch.Tensor) -> Events:
    values = values * mask.unsqueeze(2)
    sensitivity = mask.unsqueeze(2).expand_as(values) / TOLERANCE
    return Events(values, mask, torch.zeros(mask.shape, dtype=torch.uint8), sensitivity)


def trained(layout: Layout, events: Events, flow: str, steps: int = 200) -> EventFlow:
    torch.manual_seed(1)
    density = EventFlow(layout, toy_settings_of_flow(flow))
    optimiser = torch.optim.Adam(density.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.01, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(len(events.mask), (512,))
        optimiser.zero_grad()
        density.training_loss(tuple(part[chosen] for part in events)).backward()
        optimiser.step()
        schedule.step()
    return density.eval()


def toy_settings_of_flow(flow: str = "nsf"):
    return toy_settings(network="flow", flow=flow, hidden=[24], latents=30, transforms=2)


@pytest.mark.parametrize("flow", ["nsf", "maf"])
def test_the_density_integrates_to_one_and_is_that_of_a_known_distribution(flow):
    """A correlated normal distribution in two dimensions, where everything is known."""
    layout = Layout((group("A", 1, column("x"), column("y")),))
    torch.manual_seed(2)
    x, noise = torch.randn(2, 20_000)
    sample = torch.stack([x, 0.8 * x + 0.6 * noise], 1).unsqueeze(1)
    density = trained(layout, events_of(sample, torch.ones(20_000, 1, dtype=torch.bool)), flow)
    axis = torch.linspace(-6, 6, 161)
    grid = torch.cartesian_prod(axis, axis).unsqueeze(1)
    events = events_of(grid, torch.ones(len(grid), 1, dtype=torch.bool))
    with torch.inference_mode():
        logarithms = density.log_density(events, torch.zeros_like(grid))
        assert (logarithms.exp().sum() * (axis[1] - axis[0]) ** 2).item() == pytest.approx(1, abs=0.01)
        test = events_of(sample[:2000], torch.ones(2000, 1, dtype=torch.bool))
        of_slots = density.slots(torch.ones(2000, 1, dtype=torch.long))  # which it has not learned to be sure of yet
        bits = density.scores(test) - of_slots / math.log(2)
    truth = torch.distributions.MultivariateNormal(torch.zeros(2), torch.tensor([[1, 0.8], [0.8, 1]]))
    cell = (2 * TOLERANCE) ** 2
    expected = -(truth.log_prob(sample[:2000, 0]) + math.log(cell)) / math.log(2)
    assert bits.mean().item() == pytest.approx(expected.mean().item(), abs=0.1)
    assert (bits - expected).abs().median() < 0.25


def test_padding_has_no_part_in_scores():
    """Of none, one or two normal objects each takes its own bits, and the number of them its own."""
    layout = Layout((group("A", 2, column("x")),))
    torch.manual_seed(3)
    number = torch.multinomial(torch.tensor([0.2, 0.5, 0.3]), 20_000, replacement=True)
    mask = torch.arange(2) < number.unsqueeze(1)
    density = trained(layout, events_of(torch.randn(20_000, 2, 1), mask), "nsf")
    points = torch.linspace(-1.5, 1.5, 31)
    nats = 0.5 * points**2 + 0.5 * math.log(2 * math.pi) - math.log(2 * TOLERANCE)
    one = torch.stack([points, torch.zeros(31)], 1).unsqueeze(2)
    two = points.view(-1, 1, 1).expand(-1, 2, 1)
    with torch.inference_mode():
        none = density.scores(events_of(one, torch.zeros(31, 2, dtype=torch.bool)))
        of_one = density.scores(events_of(one, torch.tensor([[True, False]] * 31)))
        of_two = density.scores(events_of(two, torch.ones(31, 2, dtype=torch.bool)))
        impossible = density.scores(events_of(one, torch.tensor([[False, True]] * 31)))
    assert none.mean().item() == pytest.approx(-math.log2(0.2), abs=0.15)
    assert torch.allclose(of_one, nats / math.log(2) - math.log2(0.5), atol=0.35)
    assert torch.allclose(of_two, 2 * nats / math.log(2) - math.log2(0.3), atol=0.7)
    assert (impossible - of_one).mean() > 2


@pytest.mark.parametrize("flow", ["nsf", "maf"])
def test_blocks_without_events(flow):
    layout = Layout((group("A", 2, column("x")),))
    density = EventFlow(layout, toy_settings_of_flow(flow))
    nothing = torch.zeros(0, 2, dtype=torch.bool)
    assert density.scores(events_of(torch.zeros(0, 2, 1), nothing)).shape == (0,)


def test_garbage_in_empty_slots_does_not_change_scores():
    layout = labelled_layout()
    density = EventFlow(layout, toy_settings_of_flow()).eval()
    events = toy_events(layout, 50)
    empty = ~events.mask
    other = Events(
        torch.where(empty.unsqueeze(2), 5.0, events.values),
        events.mask,
        torch.where(empty, 2, events.kinds).to(torch.uint8),
        torch.where(empty.unsqueeze(2), 3.0, events.sensitivity),
    )
    assert torch.equal(density.scores(events), density.scores(other))


def test_probabilities_of_slots_add_up_to_one():
    torch.manual_seed(4)
    slots = SlotProbability(3, 3)
    with torch.no_grad():
        slots.weight.normal_()
        slots.bias.normal_()
    every = torch.tensor(list(product(range(3), repeat=3)))
    probabilities = (-slots(every)).exp()
    assert probabilities.sum().item() == pytest.approx(1, abs=1e-5)
    assert probabilities.std() > 0.01


def test_scores_see_kinds():
    layout = labelled_layout()
    density = EventFlow(layout, toy_settings_of_flow()).eval()
    with torch.no_grad():
        density.slots.bias.normal_()
    events = toy_events(layout, 50)
    other = events._replace(kinds=torch.where(events.kinds == 0, 1, events.kinds).to(torch.uint8))
    changed = (events.mask & (events.kinds == 0)).any(1)
    assert (density.scores(events) != density.scores(other))[changed].all()


def test_a_circle_has_no_density():
    layout = Layout((group("A", 2, column("phi", Transform.circle)),))
    with pytest.raises(RecipeError, match=r"'phi' of 'A'.*circular: false"):
        EventFlow(layout, toy_settings_of_flow())


def test_a_flow_is_not_made_too_large():
    layout = Layout((group("A", 64, *(column(f"x{i}") for i in range(20))),))
    settings = toy_settings(network="flow", hidden=[4096, 4096], latents=30)
    with pytest.raises(RecipeError, match=r"a flow of [0-9,]+ weights"):
        EventFlow(layout, settings)
