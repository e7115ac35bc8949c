"""Networks for whole events: tensors of slots, invariances, and training on generated events."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import uproot

from aeplugin import Recipe
from aeplugin.errors import InputError, RecipeError
from aeplugin.readers import Objects
from aeplugin.recipe_files import schema_of

torch = pytest.importorskip("torch", reason="needs torch")

from aeplugin.training.events import train_events  # noqa: E402
from aeplugin.training.events.features import Events, in_slots, leading  # noqa: E402
from aeplugin.training.events.layout import Layout  # noqa: E402
from aeplugin.training.events.objective import NETWORKS, EventReconstruction  # noqa: E402
from aeplugin.training.events.source import EventRows  # noqa: E402
from aeplugin.training.events.train import CHECKPOINT  # noqa: E402
from aeplugin.training.trainer import one_thread  # noqa: E402
from event_toys import (  # noqa: E402
    events_recipe,
    labelled_layout,
    toy_block,
    toy_events,
    toy_layout,
    toy_settings,
    write_first,
    write_objects,
)

AUTOENCODERS = list(NETWORKS)
SETS = ["deep-sets", "attention"]


@pytest.fixture(autouse=True)
def one_core():
    """Networks this small are slower on several threads, and tests run beside each other."""
    with one_thread():
        yield


def make(network: str, layout=None, **changes) -> EventReconstruction:
    torch.manual_seed(3)
    settings = toy_settings(network=network, **changes)
    return EventReconstruction(layout or toy_layout(), settings).eval()


def permuted(events: Events, order: list[int]) -> Events:
    return Events(*(part[:, order] for part in events))


def with_garbage(events: Events) -> Events:
    """Something else in the empty slots."""
    empty = ~events.mask
    values = torch.where(empty.unsqueeze(2), torch.tensor(1e3), events.values)
    sensitivity = torch.where(empty.unsqueeze(2), torch.tensor(7.0), events.sensitivity)
    kinds = torch.where(empty, torch.tensor(1, dtype=torch.uint8), events.kinds)
    return Events(values, events.mask, kinds, sensitivity)


def test_objects_come_into_slots():
    layout = toy_layout()
    jets = Objects(np.array([2, 4, 0]), {v: np.arange(1, 7, dtype=np.float32) for v in ("pt", "eta", "phi")})
    jets.columns["eta"] = np.array([0.5, np.nan, 1, 2, 3, 4], np.float32)
    tracks = Objects(np.array([0, 1, 1]), {v: np.array([0.5, 3.0], np.float32) for v in ("x", "y")})
    met = Objects(np.ones(3, np.int64), {"met": np.array([1, 2, 3], np.float32)})
    events, held, counts = in_slots({"Jet": jets, "Track": tracks, "event": met}, layout)
    assert events.mask.tolist() == [
        [True, False, False, False, False, True],  # the second jet is not finite
        [True, True, True, True, False, True],  # the fourth has no slot
        [False, False, False, True, False, True],
    ]
    assert events.values[1, 1].tolist() == pytest.approx([(np.log10(4) - 1) / 0.5, 2 / 1.5, 4 / 1.8], rel=1e-6)
    assert events.values[2, 3].tolist() == [3.0, (3 - 0.5) / 2, 0.0]
    assert events.kinds[1].tolist() == [0, 0, 0, 1, 0, 2]
    assert (events.values[~events.mask] == 0).all()
    assert events.sensitivity[1, 1, 1].item() == pytest.approx(1.5 / 0.1)
    assert held["Jet"].counts.tolist() == [1, 3, 0]
    assert counts.beyond == {"Jet": 1, "Track": 0, "event": 0}
    assert counts.unusable == {"Jet": 1, "Track": 0, "event": 0}


def test_a_label_says_the_kind_and_an_unknown_one_leaves_an_object_out():
    layout = labelled_layout()
    columns = {v: np.ones(3, np.float32) for v in ("pt", "eta", "phi")}
    objects = Objects(np.array([3]), {**columns, "kind": np.array([7, 3, 2], np.int32)})
    met = Objects(np.ones(1, np.int64), {"met": np.ones(1, np.float32)})
    events, held, counts = in_slots({"Object": objects, "event": met}, layout)
    assert layout.kinds == ["2", "5", "7", "event"]
    assert events.mask.tolist() == [[True, True, False, False, True]]
    assert events.kinds.tolist() == [[2, 0, 0, 0, 3]]
    assert held["Object"].columns["kind"].tolist() == [7, 2]
    assert counts.unusable["Object"] == 1


@pytest.mark.parametrize("network", SETS)
def test_the_order_of_objects_means_nothing_to_sets(network):
    model, events = make(network), toy_events(toy_layout(), 50)
    codes = model.network.encode(events)
    assert codes.std() > 1e-3
    for order in ([2, 0, 1, 3, 4, 5], [5, 4, 3, 2, 1, 0]):
        assert torch.allclose(model.network.encode(permuted(events, order)), codes, atol=2e-5)


@pytest.mark.parametrize("network", SETS)
def test_more_empty_slots_mean_nothing_to_sets(network):
    layout, block = toy_layout(), toy_block(toy_layout(), 50)
    jets, *others = layout.groups
    block["Jet"] = leading(block["Jet"], jets.slots)
    larger = Layout((replace(jets, slots=jets.slots + 4), *others))
    models = make(network), make(network, larger)
    weights = {name: weight for name, weight in models[0].network.state_dict().items() if "decoder" not in name}
    models[1].network.load_state_dict(weights, strict=False)
    codes = [m.network.encode(in_slots(block, which)[0]) for m, which in zip(models, (layout, larger), strict=True)]
    assert torch.allclose(codes[0], codes[1], atol=2e-5)


def test_the_order_of_objects_means_something_to_the_dense_network():
    model, events = make("dense"), toy_events(toy_layout(), 50)
    assert not torch.allclose(model.network.encode(permuted(events, [2, 0, 1, 3, 4, 5])), model.network.encode(events))


@pytest.mark.parametrize("network", SETS)
def test_sets_see_kinds(network):
    """The same objects as others of another kind are another event."""
    model, events = make(network, labelled_layout()), toy_events(labelled_layout(), 50)
    other = events._replace(kinds=torch.where(events.kinds == 0, 1, events.kinds).to(torch.uint8))
    changed = (events.mask & (events.kinds == 0)).any(1)
    same = torch.isclose(model.network.encode(events), model.network.encode(other), atol=1e-6).all(1)
    assert (~same[changed]).all()
    assert same[~changed].all()


@pytest.mark.parametrize("loss", ["tolerance", "mse", "l1", "huber", "chamfer", "energy-flow"])
@pytest.mark.parametrize("network", AUTOENCODERS)
def test_empty_slots_have_no_influence(network, loss):
    model, events = make(network, loss=loss), toy_events(toy_layout(), 100)
    assert not events.mask.all()
    assert not events.mask[:, :5].any(1).all()
    scores = model.scores(events)
    assert scores.isfinite().all()
    assert scores.std() > 0
    assert torch.equal(model.scores(with_garbage(events)), scores)


@pytest.mark.parametrize("layout", [toy_layout(), labelled_layout()], ids=["collections", "label"])
@pytest.mark.parametrize("network", AUTOENCODERS)
def test_every_weight_gets_a_gradient_and_losses_fall(network, layout):
    torch.manual_seed(5)
    events = toy_events(layout, 200)
    model = make(network, layout, latents=12, latent={"kind": "variational", "strength": 1e-3}).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    first = model.training_loss(events)
    first.backward()
    silent = {name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()}
    assert not {name for name in silent if not name.endswith("in_proj_bias")}
    for _ in range(60):
        optimiser.zero_grad()
        loss = model.training_loss(events)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.75 * first.item()


def test_per_kind_codes_objects_apart():
    """What an object is decoded to does not depend on the others; networks have fewer latents than features."""
    model, events = make("per-kind", latents=3), toy_events(toy_layout(), 30)
    assert [decoder[0].in_features for decoder in model.network.decoders] == [2, 1, 1]
    decoded = model.decode(events).values
    reversed_events = permuted(events, [2, 1, 0, 4, 3, 5])
    assert torch.allclose(model.decode(reversed_events).values[:, [2, 1, 0, 4, 3, 5]], decoded, atol=1e-6)


def test_weights_of_kinds():
    events = toy_events(toy_layout(), 40)
    only_tracks = make("dense", weights={"Jet": 0, "event": 0}, mask=0)
    moved = events._replace(values=events.values.clone())
    moved.values[:, :3] += 1.0
    decoded = only_tracks.decode(events)
    assert torch.equal(only_tracks.losses(decoded, events), only_tracks.losses(decoded, moved))
    with pytest.raises(RecipeError, match=r"kind 'Jets'.*did you mean 'Jet'"):
        make("dense", weights={"Jets": 1})


def test_labels_are_decoded():
    """The cross entropy of kinds: log 3 or so at first, and nearly nothing where the logits are right."""
    layout = labelled_layout()
    model, events = make("dense", layout, mask=1), toy_events(layout, 40)
    decoded = model.decode(events)
    right = torch.nn.functional.one_hot(events.kinds.long(), 4) * 50.0
    sure = (events.mask.float() * 2 - 1) * 50
    perfect = type(decoded)(events.values, sure, right)
    assert torch.allclose(model.losses(perfect, events), torch.zeros(40), atol=1e-6)
    wrong = type(decoded)(events.values, sure, right.roll(1, 2))
    assert (model.losses(wrong, events) > 10).all()


@pytest.fixture(scope="module")
def few(events_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A file with 600 events, and one with the first 400 of them."""
    folder = tmp_path_factory.mktemp("few")
    return [write_first(events_file, folder / "a.root", 600), write_first(events_file, folder / "b.root", 400)]


@pytest.mark.parametrize("network", [*AUTOENCODERS, "flow"])
def test_training_learns_and_repeats(network, few):
    if network == "flow":
        pytest.importorskip("zuko", reason="needs zuko")
    recipe = events_recipe(epochs=3, network=network)
    seen = []
    model = train_events(few, recipe, lambda name, progress: seen.append((name, progress.epochs)))
    assert seen == [("events", 1), ("events", 2), ("events", 3)]
    summary = model.summary
    assert summary["training_loss"][-1] < 0.97 * summary["training_loss"][0]
    assert summary["training_events"] + summary["validation_events"] == 1000
    assert summary["objects"]["event"] == 1000
    assert summary["beyond"]["Jet"] > 0
    again = train_events(few, recipe)
    assert again.objective.state_dict().keys() == model.objective.state_dict().keys()
    for name, weight in model.objective.state_dict().items():
        assert torch.equal(weight, again.objective.state_dict()[name]), name
    assert again.summary == summary
    json.dumps(summary, allow_nan=False)


def test_training_with_a_label(data, tmp_path):
    path = write_objects(data / "ttbar.csv.gz", tmp_path / "objects.root", 600)
    content = events_recipe(network="deep-sets").model_dump(mode="json", exclude_none=True)
    content["collections"] = {"Object": content["collections"]["Jet"]}
    content["events"] |= {"objects": {"Object": 8}, "label": "kind"}
    model = train_events([path], Recipe.model_validate(content))
    assert set(model.layout.kinds) == {*map(str, range(len(model.layout.labels))), "event"}
    assert 3 < len(model.layout.labels) < 10
    with_float = {**content, "events": {**content["events"], "label": "eta"}}
    with pytest.raises(RecipeError, match=r"label 'eta'.*expected integers"):
        train_events([path], Recipe.model_validate(with_float))


@pytest.mark.parametrize("network", AUTOENCODERS)
def test_blocks_without_events(network):
    """As a selection may leave, or the split of a small one."""
    events, _, _ = in_slots(toy_block(toy_layout(), 0), toy_layout())
    model = make(network)
    assert model.scores(events).shape == (0,)
    assert model.decode(events).values.shape == (0, 6, 3)


def test_scores_do_not_depend_on_blocks(few, monkeypatch):
    model = train_events(few, events_recipe(network="attention"))
    whole = np.concatenate(list(model.scores(few[0])))
    monkeypatch.setattr("aeplugin.training.events.layout.MOST_BLOCK_EVENTS", 250)
    parts = list(model.scores(few[0]))
    assert [len(part) for part in parts] == [250, 250, 100]
    assert np.allclose(np.concatenate(parts), whole, rtol=1e-4)
    again = train_events(few, events_recipe(network="attention"))
    assert again.summary["training_events"] == model.summary["training_events"]


def test_streamed_data_and_workers_give_the_same_events(few, monkeypatch):
    """Blocks that do not fit into memory together, read by another process."""
    monkeypatch.setattr("aeplugin.training.events.layout.MOST_BLOCK_EVENTS", 150)
    found = []
    for workers in (0, 1):
        recipe = events_recipe(epochs=1, network="deep-sets")
        training = recipe.training.model_copy(update={"memory": 3e-5, "workers": workers})
        found.append(train_events(few, recipe.model_copy(update={"training": training})))
    for name, weight in found[0].objective.state_dict().items():
        assert torch.equal(weight, found[1].objective.state_dict()[name])
    whole = train_events(few, events_recipe(epochs=1, network="deep-sets"))
    assert whole.summary["training_events"] == found[0].summary["training_events"]
    assert whole.layout.groups[0].columns[0].mean == pytest.approx(found[0].layout.groups[0].columns[0].mean, rel=1e-6)


def test_a_training_goes_on_from_its_checkpoint(few, tmp_path):
    whole = train_events(few, events_recipe(epochs=4, network="deep-sets"), folder=tmp_path / "whole")
    recipe = events_recipe(epochs=4, network="deep-sets")
    recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"checkpoint_every": 1})})
    reference = train_events(few, recipe)

    class Killed(Exception):
        pass

    def stop(name, progress):
        if progress.epochs == 3:
            raise Killed

    with pytest.raises(Killed):
        train_events(few, recipe, stop, folder=tmp_path)
    assert (tmp_path / CHECKPOINT).is_file()
    epochs = []
    resumed = train_events(few, recipe, lambda _, p: epochs.append(p.epochs), folder=tmp_path, resume=True)
    assert epochs == [4]  # the checkpoint of the third was written before anybody was told
    for name, weight in reference.objective.state_dict().items():
        assert torch.equal(weight, resumed.objective.state_dict()[name])
        assert torch.equal(weight, whole.objective.state_dict()[name])
    with pytest.raises(InputError, match="of another training"):
        train_events(few, events_recipe(epochs=5, network="deep-sets"), folder=tmp_path, resume=True)


def test_selection_decides_what_is_learned_from(few):
    recipe = events_recipe(epochs=1)
    selection = recipe.training.selection.model_copy(
        update={"objects": ["abs(Jet_eta) < 1"], "events": ["MET_pt > 2e5"]}
    )
    recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"selection": selection})})
    model = train_events(few, recipe)
    events = uproot.concatenate([f"{path}:events" for path in few], ["MET_pt", "Jet_eta"])
    kept = events[events.MET_pt > 2e5]
    inside = (abs(kept.Jet_eta) < 1).to_list()
    assert model.summary["objects"]["event"] == len(kept)
    assert model.summary["objects"]["Jet"] == sum(min(sum(event), 4) for event in inside)


def test_the_normalisation_is_fitted_to_the_events_to_train_on(few):
    recipe = events_recipe(objects={"Jet": 2})
    rows = EventRows(few, recipe.resolve(schema_of(few[0])[1]))
    rows.survey()
    events = Events(*(torch.cat(parts) for parts in zip(*(rows.training(i) for i in range(2)), strict=True)))
    jets = events.values[:, :2][events.mask[:, :2]]
    assert jets.mean(0).tolist() == pytest.approx([0, 0, 0], abs=1e-4)
    assert jets.std(0, correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-4)


def test_reconstruction_is_in_the_units_of_the_file(few):
    """A network that is nearly the identity gives the values back, each in its place."""
    recipe = events_recipe(epochs=60, network="per-kind", latents=2, hidden=[32], loss="mse")
    model = train_events(few, recipe)
    before, after = next(iter(model.reconstruct(few[0])))
    assert before["Jet"].counts.max() == 4
    assert np.array_equal(before["Jet"].counts, after["Jet"].counts)
    for variable in ("pt", "eta", "phi"):
        first, second = (block["Jet"].columns[variable].astype(float) for block in (before, after))
        assert len(first) == len(second)
    assert np.corrcoef(np.log(before["Jet"].columns["pt"]), np.log(after["Jet"].columns["pt"]))[0, 1] > 0.8
    within = model.summary["within"]
    assert set(within) == {"Jet", "event"}
    assert all(0 <= f <= 1 for group in within.values() for f in group.values())


def test_what_does_not_go_together_is_told(few):
    recipe = events_recipe()
    with pytest.raises(RecipeError, match="no 'events'"):
        train_events(few, recipe.model_copy(update={"events": None}))
    with pytest.raises(RecipeError, match=r"'Jets' is no collection.*did you mean 'Jet'"):
        train_events(few, events_recipe(objects={"Jets": 3}))
    with pytest.raises(RecipeError, match=r"input 'MET'.*did you mean 'MET_pt'"):
        train_events(few, events_recipe(inputs=["MET"]))
    selection = recipe.training.selection.model_copy(update={"events": ["MET_pt < 0"]})
    training = recipe.training.model_copy(update={"selection": selection})
    with pytest.raises(InputError, match="0 to train on and 0 held out"):
        train_events(few, recipe.model_copy(update={"training": training}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"netwrk": "dense"}, "did you mean 'network'"),
        ({"network": "dense", "heads": 2}, "has no 'heads'"),
        ({"network": "flow", "latents": 3}, "has no 'latents'"),
        ({"network": "per-kind", "mask": 2}, "has no 'mask'"),
        ({"network": "deep-sets", "norm": "batch"}, "norm batch"),
        ({"network": "attention", "hidden": [10]}, "multiple of heads"),
        ({"objects": {"Jet": 64, "B": 64, "C": 64, "D": 64, "E": 1}}, "at most 256"),
        ({"objects": {"Jet": 2, "B": 2}, "label": "kind"}, "a label is for one collection"),
        ({"objects": {}}, "at least 1"),
        ({"objects": {"Jet": True}}, "expected a number"),
        ({"latents": 0}, "greater than or equal to 1"),
    ],
)
def test_recipes_are_checked(changes, message):
    with pytest.raises(RecipeError, match=message):
        events_recipe(**changes)


def test_a_recipe_survives_its_own_text():
    recipe = events_recipe(network="flow")
    assert Recipe.from_text(recipe.to_text()).events == recipe.events
