"""Scans: what is tried, in what order, how they go on after an interruption, and how trials are ranked."""

from __future__ import annotations

import csv
import datetime
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from aeplugin import Model, Recipe
from aeplugin.cli import main
from aeplugin.cli.scan import parse_values
from aeplugin.errors import InputError, RecipeError
from aeplugin.jobs import Job, running
from aeplugin.jobs.folder import JobFolder
from aeplugin.jobs.suggestions import suggest
from aeplugin.jobs.trials import Values, grid, key_of, objective_of, random_trials, with_fields
from aeplugin.plots.drawing import style
from aeplugin.search import Trial, pareto_front, ranked, ranking_table, write_scan
from aeplugin.search.ranking import short_names, varying_fields
from aeplugin.search.scan import curve_field
from aeplugin.search.scan_figures import draw_curve, draw_pareto
from conftest import with_training
from pictures import PICTURE

LATENTS, RATE = "collections.Jet.network.latents", "training.learning_rate"
SPACE = {LATENTS: Values(low=1, high=9, integer=True), RATE: Values(low=1e-4, high=1e-2, log=True)}


# what is tried


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2,3", [1, 2, 3]),
        ("standard, min-max", ["standard", "min-max"]),
        ("1e-4,2.5,-3", [1e-4, 2.5, -3]),
        ("[200,200,20],[50]", [[200, 200, 20], [50]]),
        ("null,true", [None, True]),
        ("1..8", {"low": 1, "high": 8, "integer": True}),
        ("1e-4..1e-2:log", {"low": 1e-4, "high": 1e-2, "log": True}),
        ("2..64:log", {"low": 2, "high": 64, "log": True, "integer": True}),
        ("0.0..1", {"low": 0.0, "high": 1}),
    ],
)
def test_values_on_the_command_line(text: str, values: Any) -> None:
    assert parse_values(text) == values
    assert [type(value) for value in parse_values(text)] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scan": {RATE: {"low": 1, "high": 2}}}, f"a grid takes lists, not the range of {RATE}; search random"),
        ({"search": "random"}, "the search random needs 'trials'"),
        ({"search": "random", "trials": 4}, "4 trials of 3 combinations; ask for fewer"),
        ({"trials": 2}, "the search grid does all combinations"),
        ({"search": "bayes"}, "search: .*'grid', 'random' or 'optuna', got 'bayes'"),
        ({"search": "random", "trials": 0}, "trials: .*greater than or equal to 1, got 0"),
        ({"objective": "size"}, "objective: .*got 'size'"),
        ({"scan": {RATE: {"low": 1, "hihg": 2}}}, f"scan.{RATE}.hihg: unknown key.*high"),
        ({"scan": {RATE: {"low": 1}}}, "both 'low' and 'high'"),
        ({"scan": {RATE: {"low": 2, "high": 1}}}, "'low' must be less than 'high', got 2 and 1"),
        ({"scan": {RATE: {"low": 0, "high": 1, "log": True}}}, "with 'log' the numbers must be greater than 0"),
        ({"scan": {RATE: {"low": 0, "high": 1.5, "integer": True}}}, "with 'integer' both ends must be whole"),
        ({"scan": {RATE: [datetime.date(2026, 1, 1)]}}, f"scan.{RATE}"),
        ({"scan": {LATENTS: list(range(400)), RATE: list(range(400))}}, "more than 100,000 combinations"),
    ],
)
def test_wrong_scans_are_refused(make_job: Callable[..., Job], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        make_job(**{"task": "scan", "scan": {LATENTS: [1, 2, 3]}, **changes})


def test_values_are_written_as_they_are_given(make_job: Callable[..., Job]) -> None:
    scan = {LATENTS: [1, 2], RATE: {"low": 1e-4, "high": 1e-2, "log": True}}
    job = make_job(task="scan", scan=scan, search="random", trials=5)
    assert job.model_dump(mode="json")["scan"] == scan
    assert {field: Values.model_validate(values) for field, values in scan.items()} == job.scan


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("collections.Jets.network.latents", [1], r"no 'collections.Jets.network.latents'.*'Jet'"),
        ("collections.Jet.network.latens", [1], "latens: unknown key.*latents"),
        ("trianing.epochs", [1], "no 'trianing.epochs'.*training"),
        ("collections.Jet.normalisation", ["standard", "quantil"], "normalisation: .*got 'quantil'"),
        ("collections.Jet.network.preset", ["4-400-400-4"], "unknown preset '4-400-400-4'.*4-400-400-3"),
        ("collections.*.los", ["mse"], "los: unknown key.*loss"),
        (LATENTS, {"low": 0, "high": 3, "integer": True}, "latents: .*greater than or equal to 1, got 0"),
        (LATENTS, {"low": 1, "high": 3}, "latents: .*valid integer"),
        ("collections.Jet.network.preset", [[4]], r"unknown preset \[4\]"),
        ("events.latents", [1, 2], "'events.latents' is of the network for whole events, which a scan does not train"),
    ],
)
def test_a_misspelt_field_is_told_before_anything_runs(
    make_job: Callable[..., Job], tmp_path: Path, field: str, values: Any, message: str
) -> None:
    search = {"search": "random", "trials": 1} if isinstance(values, dict) else {}
    job = make_job(task="scan", scan={field: values}, **search)
    with pytest.raises(RecipeError, match=message):
        running.run(job)
    assert not list((tmp_path / "out").rglob("job.json"))


def test_fields_by_wildcards_presets_and_short_forms() -> None:
    recipe = Recipe.from_file("physlite")
    jets = "AnalysisJetsAuxDyn"
    changes = {"collections.*.normalisation": "quantile", f"collections.{jets}.normalisation": "min-max"}
    changed = with_fields(recipe, changes)
    kinds = {name: collection.normalisation for name, collection in changed.collections.items()}
    assert len(kinds) > 2
    assert kinds.pop(jets) == "min-max"
    assert set(kinds.values()) == {"quantile"}

    recipe = Recipe.from_file("darkmachines-jets")  # which says widths and activation itself
    preset, network = "collections.Jet.network.preset", "collections.Jet.network"
    chosen = with_fields(recipe, {preset: "4-400-400-3"}).collections["Jet"].network
    assert (chosen.hidden, chosen.activation, chosen.norm) == ([400, 400], "leaky_relu", "batch")
    for changes in ({f"{network}.latents": 2, preset: "4-400-400-3"}, {preset: "4-400-400-3", f"{network}.latents": 2}):
        chosen = with_fields(recipe, changes).collections["Jet"].network
        assert (chosen.hidden, chosen.latents) == ([400, 400], 2)
    batch = with_fields(recipe, {preset: "4-400-400-3"})
    chosen = with_fields(batch, {preset: "4-200-200-20-3"}).collections["Jet"].network
    assert (chosen.hidden, chosen.activation, chosen.norm) == ([200, 200, 20], "tanh", "none")
    for changes in ({"collections.Jet.loss": "l1"}, {"collections.Jet.loss.kind": "l1"}):
        assert with_fields(recipe, changes).collections["Jet"].loss.kind == "l1"


def test_grid_is_every_combination() -> None:
    scan = {"a": Values(choices=[1, 2]), "b": Values(choices=["x", "y", "z"])}
    assert {(trial["a"], trial["b"]) for trial in grid(scan)} == {(a, b) for a in (1, 2) for b in "xyz"}


def test_random_trials_are_different_and_reproducible() -> None:
    trials = random_trials(SPACE, 300, seed=5)
    assert trials == random_trials(SPACE, 300, seed=5)
    assert trials[:40] == random_trials(SPACE, 40, seed=5)
    assert trials[:40] != random_trials(SPACE, 40, seed=6)
    assert len({key_of(trial) for trial in trials}) == 300
    latents = [trial[LATENTS] for trial in trials]
    assert all(isinstance(number, int) for number in latents)
    assert set(latents) == set(range(1, 10))
    assert 20 < latents.count(1) < 50  # the first and the last are as likely as others
    rates = np.array([trial[RATE] for trial in trials])
    assert rates.min() >= 1e-4
    assert rates.max() <= 1e-2
    assert 110 < (rates < 1e-3).sum() < 190  # as many in each decade
    few = {"a": Values(choices=[1, 2, 2]), "b": Values(low=0, high=2, integer=True)}
    assert sorted(map(key_of, random_trials(few, 10, 1))) == sorted(
        key_of({"a": a, "b": b}) for a in (1, 2) for b in range(3)
    )


@pytest.mark.parametrize("maximise", [False, True])
def test_optuna_learns_and_is_reproducible(maximise: bool) -> None:
    pytest.importorskip("optuna")

    def value(trial: dict[str, Any]) -> float:
        distance = abs(trial[LATENTS] - 6) / 4 + abs(math.log10(trial[RATE] / 6e-3))
        return -distance if maximise else distance

    def search(number: int, by: int) -> list[dict[str, Any]]:
        tried: list[tuple[dict[str, Any], float | None]] = []
        while len(tried) < number:
            for trial in suggest(SPACE, tried, min(by, number - len(tried)), seed=3, maximise=maximise):
                failed = len(tried) == 2
                tried.append((trial, None if failed else value(trial)))
        return [trial for trial, _ in tried]

    trials = search(40, by=2)
    assert trials == search(40, by=2)
    assert len({key_of(trial) for trial in trials}) == 40
    distances = [abs(value(trial)) for trial in trials]
    by_chance = [abs(value(trial)) for trial in random_trials(SPACE, 40, seed=3)]
    assert np.mean(distances[20:]) < 0.5 * np.mean(by_chance)


def test_optuna_finds_every_trial_of_few() -> None:
    pytest.importorskip("optuna")
    scan = {
        "hidden": Values(choices=[[1, 2], [3]]),
        "kind": Values(choices=[None, True, 1]),
        "n": Values(choices=[1, 3]),
    }
    found: list[tuple[dict[str, Any], float | None]] = []
    while more := suggest(scan, found, 5, seed=1, maximise=False):
        found += [(trial, 0.5) for trial in more]
    assert len(found) == 12
    assert {key_of(trial) for trial, _ in found} == {key_of(trial) for trial in grid(scan)}


# rounds, and going on


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Trials that train nothing and tell bits of a parabola; gives the names of those that ran."""

    def install(fails: Callable[[dict[str, Any]], bool] = lambda _: False, stop_after: int = 10**9) -> list[str]:
        ran: list[str] = []

        def start(path: str, name: str, threads: int, cache: str) -> dict[str, Any]:
            if len(ran) >= stop_after:
                return {"status": "failed", "kind": "Error", "is_input": False, "message": "stopped"}
            ran.append(name)
            folder = JobFolder(path)
            part = folder.read()[1][name]
            if fails(part.changes):
                return {"status": "failed", "kind": "InputError", "is_input": True, "message": "the training diverged"}
            bits = 20 + abs(part.changes[LATENTS] - 6) + abs(math.log10(part.changes[RATE] / 6e-3))
            jet = {"objects": 10, "bits": bits, "plain_bits": 24.0, "loss": bits / 100, "within": 0.5}
            facts = {"collections": {"Jet": jet}, "changes": part.changes}
            with folder.attempt() as made:
                (made / f"{name}.model").write_text(name)
                record = folder.complete(part, made, facts, "here", 0.0)
            return {"status": "done", "record": asdict(record)}

        monkeypatch.setattr(running, "start_part", start)
        return ran

    return install


def made_by(job: Job) -> list[dict[str, Any]]:
    return [part.changes for part in JobFolder(job.output).read()[1].values()]


def test_optuna_goes_on_as_if_it_had_not_stopped(make_job: Callable[..., Job], pretend: Any) -> None:
    pytest.importorskip("optuna")
    scan = {field: values.model_dump() for field, values in SPACE.items()}
    given = {"task": "scan", "scan": scan, "search": "optuna", "trials": 14, "executor": {"workers": 3}}
    pretend()
    summary = running.run(make_job(**given))
    assert (summary.is_complete, summary.parts, len(summary.made)) == (True, 14, 14)
    whole = made_by(make_job(**given))

    again = make_job(**given, output="again")
    pretend(stop_after=10)
    summary = running.run(again)
    assert summary.failed
    assert not summary.is_complete
    assert running.status(again).parts == 14
    ran = pretend()
    summary = running.run(again)
    assert (len(summary.found), len(ran), summary.is_complete) == (10, 4, True)
    assert made_by(again) == whole

    (Path(again.output) / ".aeplugin" / "done" / "trial-004.json").unlink()
    ran = pretend()
    assert running.run(again).is_complete
    assert ran == ["trial-004"]

    more = make_job(**{**given, "trials": 17}, output="again")
    assert len(running.run(more).made) == 3
    assert made_by(more)[:14] == whole


def test_trials_that_cannot_be_trained_are_left_out(make_job: Callable[..., Job], pretend: Any) -> None:
    scan = {field: values.model_dump() for field, values in SPACE.items()}
    given = {"task": "scan", "scan": scan, "search": "random", "trials": 12, "on_bad_input": "skip"}
    pretend(fails=lambda changes: changes[RATE] > 3e-3)
    summary = running.run(make_job(**given))
    assert summary.is_complete
    assert 0 < len(summary.skipped) < 12
    assert all(record.part.changes[RATE] <= 3e-3 for record in summary.made)
    pretend(fails=lambda _: True)
    with pytest.raises(InputError, match="none of the 12 trials can be done; the first: the training diverged"):
        running.run(make_job(**given, output="none"))


def test_optuna_goes_on_after_trials_that_fail(make_job: Callable[..., Job], pretend: Any) -> None:
    pytest.importorskip("optuna")
    scan = {field: values.model_dump() for field, values in SPACE.items()}
    given = {"task": "scan", "scan": scan, "search": "optuna", "trials": 12, "on_bad_input": "skip"}
    pretend(fails=lambda changes: changes[LATENTS] > 7)
    summary = running.run(make_job(**given))
    assert summary.skipped
    assert len(summary.made) + len(summary.skipped) == 12


# ranking


def trial(name: str, **changes: Any) -> Trial:
    numbers: dict[str, Any] = dict.fromkeys(
        ("objective", "bits", "plain_bits", "loss", "within", "values_within", "resolution", "seconds"), 0.5
    )
    return Trial(**{"name": name, "changes": {}, "parameters": 10, "model_bytes": 100, **numbers, **changes})


@given(st.lists(st.tuples(*[st.one_of(st.integers(0, 6).map(float), st.just(math.nan))] * 2), max_size=30))
def test_pareto_front_is_that_of_brute_force(points: list[tuple[float, float]]) -> None:
    def beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
        return a[0] <= b[0] and a[1] <= b[1] and a != b

    front = pareto_front(points)
    expected = {point for point in points if not any(map(math.isnan, point))}
    expected = {point for point in expected if not any(beats(other, point) for other in expected)}
    assert [points[i] for i in front] == sorted(expected)
    assert all(points.index(points[i]) == i for i in front)


def test_ranking() -> None:
    trials = [trial("a", objective=2.0), trial("b", objective=1.0), trial("c", objective=math.nan)]
    trials.append(trial("d", objective=2.0, parameters=5))
    assert [each.name for each in ranked(trials, "bits")] == ["b", "d", "a", "c"]
    assert [each.name for each in ranked(trials, "fraction")] == ["d", "a", "b", "c"]


def test_objective_is_a_mean_over_objects() -> None:
    facts = {
        "collections": {
            "Jet": {"objects": 30, "bits": 20.0, "loss": 0.1, "within": 0.9},
            "Muon": {"objects": 10, "bits": 40.0, "loss": 0.5, "within": 0.5},
            "Tau": {"objects": 0, "bits": None, "loss": 1.0, "within": None},
        }
    }
    assert objective_of(facts, "bits") == 25
    assert objective_of(facts, "loss") == pytest.approx(0.2)
    assert objective_of(facts, "fraction") == pytest.approx(0.8)
    facts["collections"]["Jet"]["within"] = None
    assert math.isnan(objective_of(facts, "fraction"))


def test_table_has_what_varies_by_short_names() -> None:
    fields = ["collections.Jet.network.latents", "collections.Muon.network.latents", "training.epochs"]
    assert list(short_names(fields).values()) == ["Jet.network.latents", "Muon.network.latents", "epochs"]
    trials = [trial(str(n), changes={RATE: 1e-3, LATENTS: n, "h": [1, n]}, objective=float(n)) for n in (3, 2)]
    assert varying_fields(trials) == [LATENTS, "h"]
    table = ranking_table(trials, "bits")
    assert table.columns[:4] == ("rank", "trial", "latents", "h")
    assert [row[:4] for row in table.rows] == [(1, "2", 2, "[1, 2]"), (2, "3", 3, "[1, 3]")]
    assert curve_field(trials) is None
    assert curve_field([trial(str(n), changes={RATE: 1e-3, LATENTS: n}) for n in (3, 2)]) == LATENTS


def example(fields: Sequence[str]) -> list[Trial]:
    rng = np.random.default_rng(2)
    trials = []
    for i in range(12):
        changes = {LATENTS: i % 4 + 1, RATE: float(f"{10 ** rng.uniform(-4, -2):.4g}")}
        bits = 27 + changes[LATENTS] / 2 + rng.normal(0, 0.5)
        numbers = {"bits": bits, "objective": bits, "plain_bits": 26.0, "loss": 0.3 / changes[LATENTS] ** 2}
        within = 1 - 0.9 / changes[LATENTS] ** 2 - rng.uniform(0, 0.04)
        trials.append(
            trial(
                str(i),
                changes={field: changes[field] for field in fields},
                **numbers,
                within=within,
                resolution=3 / changes[LATENTS] + rng.uniform(0, 0.2),
            )
        )
    return ranked(trials, "bits")


LOOK = style.Look("atlas", "Simulation", 13)


@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_of_size_against_error() -> Figure:
    return draw_pareto(example([LATENTS, RATE]), LOOK)


@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_of_one_field() -> Figure:
    return draw_curve(example([LATENTS])[:4], LATENTS, LOOK)


@pytest.mark.parametrize("fields", [[], [RATE], [LATENTS], [LATENTS, RATE]])
def test_pictures_of_any_trials_are_written(tmp_path: Path, fields: list[str]) -> None:
    for trials in (example(fields), example(fields)[:1], [trial("a", bits=math.nan, resolution=math.nan)]):
        written = write_scan(trials, "bits", Recipe.from_file("darkmachines-jets"), tmp_path)
        assert all(path.stat().st_size > 100 for path in written)
        assert {path.stem for path in written} >= {"ranking", "scan_pareto"}


# the whole thing


@pytest.fixture(scope="module")
def scanned(job_inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], Result]:
    """A scan of two trials, its command line and what it said."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("scan")
    recipe = with_training(Recipe.from_file("darkmachines-jets"), epochs=2)
    (folder / "short.yaml").write_text(recipe.to_text())
    files = [str(job_inputs / "run1" / f"{name}.root") for name in "ab"]
    command = ["scan", str(folder / "short.yaml"), *files, "-o", str(folder / "out"), "--validate-on", files[1]]
    command += ["--set", f"{LATENTS}=1,3", "--set", "collections.*.network.hidden=[12]"]
    return folder / "out", command, CliRunner().invoke(main, command)


def test_scan_ranks_its_trials(scanned: tuple[Path, list[str], Result]) -> None:
    folder, _, result = scanned
    assert result.exit_code == 0, result.stderr
    names = {
        "ranking.csv",
        "ranking.md",
        "ranking.tex",
        "scan.yaml",
        "summary.json",
        "trial-001.model",
        "trial-001.root",
    }
    pictures = {f"scan_{kind}.{suffix}" for kind in ("pareto", "curve") for suffix in ("png", "pdf")}
    assert {path.name for path in folder.iterdir()} >= names | pictures
    with (folder / "ranking.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["latents"] for row in rows) == ["1", "3"]
    bits = [float(row["bits per object"]) for row in rows]
    assert bits == sorted(bits)
    for row in rows:
        network = Model.from_file(str(folder / f"{row['trial']}.model")).collections[0]
        assert len(network.latent_names) == int(row["latents"])
        assert network.encoder[0].weights.shape == (12, 4)
        assert int(row["parameters"]) == sum(x.weights.size + x.biases.size for x in network.encoder + network.decoder)
        assert float(row["plain codec"]) == pytest.approx(float(rows[0]["plain codec"]))
        assert float(row["validation loss"]) > 0
        assert 0 <= float(row["objects within"]) <= float(row["values within"]) <= 1
    assert "latents" in result.stdout


def test_scan_goes_on_with_what_is_missing(scanned: tuple[Path, list[str], Result]) -> None:
    folder, command, _ = scanned
    before = (folder / "trial-001.root").read_bytes()
    (folder / ".aeplugin" / "done" / "trial-001.json").unlink()
    result = CliRunner().invoke(main, [*command, "--json", "--no-plots"])
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert (content["found"], content["made"], content["complete"]) == (1, 1, True)
    assert content["records"][1]["part"]["name"] == "trial-001"
    assert content["trials"][0]["bits"] <= content["trials"][1]["bits"]
    assert (folder / "trial-001.root").read_bytes() == before
    result = CliRunner().invoke(main, ["run", str(folder / "scan.yaml"), "--status"])
    assert "2 of 2 parts complete" in result.stdout
    assert "latents" in result.stdout
    assert yaml.safe_load((folder / "scan.yaml").read_text())["output"] == "."
    other = [word.replace("=1,3", "=1,2") for word in command]
    result = CliRunner().invoke(main, other)
    assert result.exit_code == 1
    assert "a job with another scan" in result.stderr
    assert "- 3" in (folder / "scan.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "message", "status"),
    [
        (["--set", f"{LATENTS}"], "expected FIELD=VALUES", 2),
        (["--set", f"{LATENTS}=1", "--set", f"{LATENTS}=2"], "stands twice", 2),
        (["--set", f"{LATENTS}=["], "expected values with commas", 2),
        (["--set", f"{LATENTS}=1..3"], "a grid takes lists, not the range", 1),
        (["--set", f"{LATENTS}=1,2", "--search", "random"], "needs 'trials'", 1),
        (["--set", "collections.Jet.network.latens=1,2"], "did you mean 'latents'", 1),
        (["--set", f"{LATENTS}=1,2", "--validate-on", "none.root"], "none.root: cannot be read", 1),
    ],
)
def test_wrong_commands(tmp_path: Path, job_inputs: Path, words: list[str], message: str, status: int) -> None:
    source = str(job_inputs / "run1" / "a.root")
    result = CliRunner().invoke(main, ["scan", "darkmachines-jets", source, "-o", str(tmp_path / "out"), *words])
    assert result.exit_code == status
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "out" / "scan.yaml").exists()
