"""Files of event models, and `aeplugin score`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from click.testing import CliRunner
from pydantic import ValidationError

from aeplugin.cli import main
from aeplugin.errors import CompatibilityError, CorruptionError, Error, InputError, ModelError

torch = pytest.importorskip("torch", reason="needs torch")

from aeplugin.event_models import is_event_model  # noqa: E402
from aeplugin.training.events import EventModel, train_events  # noqa: E402
from aeplugin.training.events.model_file import Content  # noqa: E402
from aeplugin.training.events.objective import NETWORKS  # noqa: E402
from event_toys import events_recipe  # noqa: E402


@pytest.fixture(scope="module")
def saved(events_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deep-sets model with quantiles and circles."""
    content = events_recipe(epochs=1, network="deep-sets").model_dump(mode="json", exclude_none=True)
    content["collections"]["Jet"] |= {"normalisation": "quantile", "circular": True}
    from aeplugin import Recipe

    path = tmp_path_factory.mktemp("models") / "events.events"
    train_events([events_file], Recipe.model_validate(content)).save(path)
    return path


@pytest.mark.parametrize("network", [*NETWORKS, "flow"])
def test_round_trip(network, events_file, tmp_path):
    if network == "flow":
        pytest.importorskip("zuko", reason="needs zuko")
    model = train_events([events_file], events_recipe(epochs=1, network=network))
    model.save(tmp_path / "a.events")
    before = torch.get_rng_state()
    again = EventModel.load(tmp_path / "a.events")
    assert torch.equal(torch.get_rng_state(), before)
    assert again.summary == model.summary
    assert again.recipe == model.recipe
    assert again.layout.kinds == model.layout.kinds
    scores = np.concatenate(list(model.scores(events_file)))
    assert scores.dtype == np.float32
    assert scores.shape == (3000,)
    assert np.isfinite(scores).all()
    assert np.array_equal(np.concatenate(list(again.scores(events_file))), scores)
    again.save(tmp_path / "b.events")
    assert (tmp_path / "a.events").read_bytes() == (tmp_path / "b.events").read_bytes()
    if network == "flow":
        with pytest.raises(ModelError, match="reconstructs nothing"):
            next(iter(again.reconstruct(events_file)))
    else:
        first, second = (next(iter(m.reconstruct(events_file)))[1]["Jet"].columns["pt"] for m in (model, again))
        assert np.array_equal(first, second)


def test_columns_come_back(saved):
    model = EventModel.load(saved)
    jets = model.layout.groups[0].columns
    assert {c.variable: c.transform.name for c in jets} == {"pt": "quantile", "eta": "quantile", "phi": "circle"}
    assert all(len(part) > 50 for c in jets if c.variable != "phi" for part in c.knots)


def changed(source: Path, target: Path, **changes: Any) -> Path:
    """The same file with other content; a function gets what was there."""
    content = torch.load(source, weights_only=True)
    for key, change in changes.items():
        content[key] = change(content[key]) if callable(change) else change
    torch.save(content, target)
    return target


def edited(change):
    """A change of the description."""

    def edit(text: str) -> str:
        about = json.loads(text)
        change(about)
        return json.dumps(about)

    return edit


def with_weight(name_part: str, change):
    def edit(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        name = next(name for name in weights if name_part in name)
        return {**weights, name: change(weights[name])}

    return edit


def huge_hidden(about: dict[str, Any]) -> None:
    about["recipe"] = about["recipe"].replace("- 16\n", "- 4096\n").replace("- 8\n", "- 4096\n" * 9)


@pytest.mark.parametrize(
    "changes",
    [
        {"about": "{}"},
        {"about": "no JSON"},
        {"about": edited(lambda a: a.update(recipe="columns: {}"))},
        {"about": edited(lambda a: a.update(recipe="!!python/object/apply:os.system [echo]"))},
        {"about": edited(lambda a: a.update(more=1))},
        {"about": edited(lambda a: a["columns"]["Jet"].pop())},
        {"about": edited(lambda a: a["columns"]["Jet"][0].update(scale=0))},
        {"about": edited(lambda a: a["columns"]["Jet"][0].update(transform="label"))},
        {"about": edited(lambda a: a["columns"]["Jet"][0].update(knots=None))},
        {"about": edited(lambda a: a["columns"]["Jet"][0]["knots"][0].pop())},
        {"about": edited(lambda a: a["columns"]["Jet"][0]["knots"][0].sort(reverse=True))},
        {"about": edited(lambda a: a.update(labels=[1]))},
        {"about": edited(huge_hidden)},
        {"weights": {}},
        {"weights": [1, 2]},
        {"weights": with_weight("phi.0.weight", lambda w: w[:-1])},
        {"weights": with_weight("phi.0.weight", lambda w: w.double())},
        {"weights": with_weight("phi.0.weight", lambda w: w * float("nan"))},
        {"weights": with_weight("phi.0.weight", lambda w: torch.zeros(1).expand(w.shape))},
        {"weights": with_weight("phi.0.weight", lambda w: w.to_sparse())},
        {"weights": with_weight("phi.0.weight", lambda w: "text")},
        {"weights": with_weight("phi.0.weight", lambda w: torch.zeros(1).expand(1 << 40))},
    ],
    ids=range(22),
)
def test_damaged_content_is_refused(changes, saved, tmp_path):
    path = changed(saved, tmp_path / "x.events", **changes)
    with pytest.raises(CorruptionError, match=r"x\.events: damaged event model"):
        EventModel.load(path)


@pytest.mark.parametrize("labels", [[2, 1], [1, 1], [1, 1 << 63]])
def test_labels_must_ascend(labels):
    with pytest.raises(ValidationError, match="labels"):
        Content(recipe="", columns={}, labels=labels, summary={})


def test_other_files_are_refused(saved, tmp_path, jets_model):
    with pytest.raises(ModelError, match="another file of torch"):
        EventModel.load(changed(saved, tmp_path / "a", kind="something"))
    with pytest.raises(CompatibilityError, match="version 2"):
        EventModel.load(changed(saved, tmp_path / "b", version=2))
    with pytest.raises(InputError, match="cannot be read"):
        EventModel.load(tmp_path / "missing")
    with pytest.raises(ModelError, match="no event model"):
        EventModel.load(jets_model)
    assert is_event_model(saved)
    assert not is_event_model(jets_model)
    assert not is_event_model(tmp_path / "missing")


def test_truncated_files_are_refused(saved, tmp_path):
    data, path = saved.read_bytes(), tmp_path / "x.events"
    for length in [0, 1, 4, 100, *range(200, len(data), max(len(data) // 40, 1)), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises((CorruptionError, ModelError)):
            EventModel.load(path)


def test_damaged_bytes_never_crash(saved, tmp_path):
    data, path, rng = saved.read_bytes(), tmp_path / "x.events", random.Random(1)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 5)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        with contextlib.suppress(Error):
            EventModel.load(path)


class Bomb:
    """What runs code where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self._mark}",)


def test_code_in_a_file_does_not_run(saved, tmp_path):
    mark = tmp_path / "ran"
    content = torch.load(saved, weights_only=True)
    content["about"] = Bomb(mark)
    torch.save(content, tmp_path / "x.events")
    with pytest.raises(CorruptionError):
        EventModel.load(tmp_path / "x.events")
    (tmp_path / "y.events").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises((CorruptionError, ModelError)):
        EventModel.load(tmp_path / "y.events")
    assert not mark.exists()


def test_a_compressed_bomb_is_not_unpacked(saved, tmp_path):
    """A member that would be a hundred times the file."""
    source = zipfile.ZipFile(io.BytesIO(saved.read_bytes()))
    path = tmp_path / "x.events"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info.filename, source.read(info))
        target.writestr("archive/data/99", bytes(1 << 24))
    with pytest.raises(CorruptionError, match="compressed or overlap"):
        EventModel.load(path)


def test_weights_that_share_memory_are_refused(saved, tmp_path):
    """A small file could ask for much memory."""
    content = torch.load(saved, weights_only=True)
    by_shape = {}
    for name, weight in content["weights"].items():
        first = by_shape.setdefault((tuple(weight.shape), weight.dtype), name)
        content["weights"][name] = content["weights"][first]
    assert len(by_shape) < len(content["weights"])
    torch.save(content, tmp_path / "x.events")
    with pytest.raises(CorruptionError, match="are the same numbers in the file"):
        EventModel.load(tmp_path / "x.events")


def test_the_command_writes_scores_of_events(saved, events_file, tmp_path):
    pytest.importorskip("ROOT", reason="needs ROOT")
    target = tmp_path / "scores.root"
    arguments = ["score", str(events_file), "--model", str(saved), "-o", str(target)]
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    scores = uproot.open(target)["scores"]["event_score"].array(library="np")
    model = EventModel.load(saved)
    assert np.array_equal(scores, np.concatenate(list(model.scores(events_file))))
    assert summary["events"] == 3000
    assert summary["beyond"] == model.counts.beyond
    assert summary["scores"]["event_score"]["mean"] == pytest.approx(scores.mean(), rel=1e-5)
    assert summary["scores"]["event_score"]["median"] == pytest.approx(np.median(scores), rel=1e-2)
    text = CliRunner().invoke(main, arguments)
    assert text.exit_code == 0
    assert "3,000 events" in text.output
    assert "beyond" in text.output


def test_the_command_takes_model_files(jets_model, events_file, tmp_path):
    pytest.importorskip("ROOT", reason="needs ROOT")
    target = tmp_path / "scores.root"
    result = CliRunner().invoke(
        main, ["score", str(events_file), "--model", str(jets_model), "-o", str(target), "--json"]
    )
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)["scores"]) == {"Jet_event_score"}
    assert uproot.open(target)["scores"].num_entries == 3000


def test_the_command_explains_errors(saved, events_file, tmp_path):
    target = tmp_path / "scores.root"
    damaged = tmp_path / "x.events"
    damaged.write_bytes(saved.read_bytes()[:1000])
    result = CliRunner().invoke(main, ["score", str(events_file), "--model", str(damaged), "-o", str(target)])
    assert result.exit_code == 1
    assert result.stderr.startswith("error:")
    assert "x.events" in result.stderr
    result = CliRunner().invoke(main, ["score", str(events_file), "--model", str(saved), "-o", str(saved)])
    assert result.exit_code == 1
    assert "is the input itself" in result.stderr
    assert not target.exists()
