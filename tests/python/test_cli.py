"""The command aeplugin as a user meets it: what it prints, how it fails, what it leaves behind."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import awkward as ak
import click
import numpy as np
import pytest
import uproot
from click.testing import CliRunner, Result

import aeplugin
from aeplugin import Model, Recipe, __version__, config
from aeplugin.cli import main
from aeplugin.cli.tables import evaluation_table, recipe_table, size_table
from aeplugin.evaluation import Evaluation, ResidualSummary
from aeplugin.recipe import json_schema
from aeplugin.recipe_files import RecipeRow
from aeplugin.terminal import Command, stdout


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def commands(group: click.Group = main, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command, groups among them."""
    found = [prefix]
    for name, command in group.commands.items():
        inner = (*prefix, name)
        found += commands(command, inner) if isinstance(command, click.Group) else [inner]
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help(words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    assert command.help


def test_version() -> None:
    assert __version__ in run("--version").output


def test_the_whole_chain(data: Path, tmp_path: Path) -> None:
    events, model, compressed, plain = (tmp_path / n for n in ("e.root", "jets.model", "c.root", "d.root"))
    assert "3,000 events" in run("convert", data / "ww.csv.gz", events).output
    result = run("train", events, "--recipe", "darkmachines-jets", "--epochs", 3, "--seed", 4, "-o", model)
    assert result.exit_code == 0, result.output
    assert "validation loss (tolerance)" in result.output
    training = json.loads(Model.from_file(str(model)).training)
    assert len(training["collections"]["Jet"]["validation_loss"]) == 3
    assert Recipe.from_text(Model.from_file(str(model)).recipe).training.seed == 4
    result = run("compress", events, compressed, "--model", model, "--codec", "autoencoder")
    assert result.exit_code == 0, result.output
    assert "3,000 events" in result.output
    assert "all 27,520 values within tolerance" in result.output
    assert "3,000 events" in run("decompress", compressed, plain, "--ttree").output

    table = run("evaluate", events, compressed)
    assert table.exit_code == 0, table.output
    assert "Jet pt" in table.output
    assert "100.00 % with every variable within tolerance" in table.output
    numbers = json.loads(run("evaluate", events, compressed, "--json").output)
    assert numbers["objects"]["Jet"] == 6880
    assert numbers["compressed_bytes"] == compressed.stat().st_size == sum(numbers["sizes"].values())
    assert numbers["variables"]["Jet"]["pt"]["within"] == 1

    assert run("extract", compressed, tmp_path / "again.model").exit_code == 0
    extracted, trained = (Model.from_file(str(path)) for path in (tmp_path / "again.model", model))
    for ours, theirs in zip(extracted.collection("Jet").encoder, trained.collection("Jet").encoder, strict=True):
        assert np.array_equal(ours.weights, theirs.weights)
    names = run("export", model, "--format", "onnx").output.split()
    assert [Path(name).name for name in names] == ["jets.Jet.encoder.onnx", "jets.Jet.decoder.onnx"]


# compress, verify, inspect, merge


@pytest.fixture(scope="module")
def compressed_file(events_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("compressed") / "compressed.root"
    result = run("compress", events_file, target, "--recipe", "darkmachines-jets")
    assert result.exit_code == 0, result.output
    return target


def test_compress_tells_scripts_what_it_did(events_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "c.root"
    result = run("compress", events_file, target, "--recipe", "darkmachines-jets", "--json", "--compression", "lzma:6")
    numbers = json.loads(result.stdout)
    assert numbers["events"] == 3000
    assert numbers["target_bytes"] == target.stat().st_size
    assert numbers["source_bytes"] == events_file.stat().st_size
    assert numbers["ratio"] == pytest.approx(numbers["source_bytes"] / numbers["target_bytes"])
    assert set(numbers["codecs"].values()) == {"plain"}
    assert 0.9 < numbers["worst"]["max_error"] / numbers["worst"]["tolerance_value"] <= 1
    assert json.loads(run("inspect", target, "--json").stdout)["compression"] == ["lzma:6"]


def test_recipe_and_model_together(events_file: Path, jets_model: Path, tmp_path: Path) -> None:
    """The rules of the recipe with the networks of the model."""
    text = Recipe.source("darkmachines-jets").replace("0.01", "0.5").replace("codec: auto", "codec: autoencoder")
    (tmp_path / "loose.yaml").write_text(text)
    target = tmp_path / "c.root"
    result = run("compress", events_file, target, "--recipe", tmp_path / "loose.yaml", "--model", jets_model)
    assert result.exit_code == 0, result.output
    about = json.loads(run("inspect", target, "--json").stdout)
    columns = {column["name"]: column for column in about["columns"]}
    assert columns["Jet_eta"]["tolerance"] == "abs 0.5"
    assert columns["Jet_eta"]["codec"] == "autoencoder"
    assert columns["Jet_eta"]["latent_bytes"] > 0
    (network,) = about["networks"]
    assert network["collection"] == "Jet"
    assert network["latents"] == 3
    (tmp_path / "other.yaml").write_text("columns: {MET_pt: {tolerance: {rel: 0.1}}}")
    result = run("compress", events_file, target, "--recipe", tmp_path / "other.yaml", "--model", jets_model)
    assert result.exit_code == 1
    assert "network for 'Jet', no collection of the recipe" in result.stderr


def test_verify_by_status(compressed_file: Path, events_file: Path, tmp_path: Path) -> None:
    result = run("verify", compressed_file)
    assert result.exit_code == 0, result.output
    assert "all checksums are right" in result.stdout
    result = run("verify", compressed_file, "--against", events_file, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["ok"] is True
    assert {row["name"] for row in report["columns"]} == set(uproot.open(events_file)["events"].keys())
    assert all(row["violations"] == 0 and row["values"] > 0 for row in report["columns"])

    events = uproot.open(events_file)["events"].arrays()
    with uproot.recreate(tmp_path / "other.root") as file:
        columns = dict(zip(events.fields, ak.unzip(events), strict=True))
        file.mkrntuple("events", {**columns, "MET_pt": events.MET_pt + 1})
    result = run("verify", compressed_file, "--against", tmp_path / "other.root")
    assert result.exit_code == 1
    assert "3,000 values of MET_pt are not within their tolerances" in result.stderr
    assert result.stderr.count("\n") == 1
    assert (
        json.loads(run("verify", compressed_file, "--against", tmp_path / "other.root", "--json").stdout)["ok"] is False
    )


def test_verify_finds_damage(compressed_file: Path, tmp_path: Path) -> None:
    content = bytearray(compressed_file.read_bytes())
    damaged = tmp_path / "damaged.root"
    for at in range(len(content) // 10, len(content) // 2, len(content) // 10):
        content[at] ^= 0x40
        damaged.write_bytes(content)
        content[at] ^= 0x40
        result = run("verify", damaged)
        if result.exit_code == 1:
            break
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")


def test_inspect_accounts_for_every_byte(compressed_file: Path, events_file: Path) -> None:
    about = json.loads(run("inspect", compressed_file, "--json").stdout)
    assert sum(about["sizes"].values()) == about["file_bytes"] == compressed_file.stat().st_size
    assert 0 <= about["sizes"]["the rest"] < 10_000
    columns = {column["name"]: column for column in about["columns"]}
    jets = [columns[f"Jet_{name}"] for name in ("E", "pt", "eta", "phi")]
    assert sum(column["integer_bytes"] for column in jets) == about["sizes"]["coded columns"]
    assert columns["MET_pt"]["integer_bytes"] + columns["event"]["integer_bytes"] == about["sizes"]["kept columns"]
    assert columns["Jet_E"]["prediction"] == "pt * cosh(eta)"
    assert columns["Jet_E"]["bits_per_value"] < columns["Jet_pt"]["bits_per_value"]
    assert all(0 < column["max_error"] <= column["tolerance_value"] for column in jets)
    (part,) = about["parts"]
    assert part["input_name"] == events_file.name
    assert part["input_bytes"] == events_file.stat().st_size
    assert part["input_md5"] == hashlib.md5(events_file.read_bytes()).hexdigest()
    text = run("inspect", compressed_file).stdout
    assert part["input_md5"] in text
    assert "pt * cosh(eta)" in about["recipe"]


def test_inspect_needs_no_root(compressed_file: Path) -> None:
    code = "import sys; sys.modules['ROOT'] = None; from aeplugin.cli import main; main()"
    for command in ("inspect", "evaluate"):
        files = [compressed_file] if command == "inspect" else [compressed_file, compressed_file]
        done = subprocess.run(
            [sys.executable, "-c", code, command, *files], capture_output=True, text=True, check=False
        )
        expected = "" if command == "inspect" else "error: "
        assert done.stderr.startswith(expected)
        assert "ROOT" not in done.stderr


def test_merge(compressed_file: Path, events_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "m.root"
    result = run("merge", target, compressed_file, compressed_file)
    assert result.exit_code == 0, result.output
    assert "6,000 events of 2 files" in result.output
    assert run("verify", target, "--against", events_file, "--against", events_file).exit_code == 0
    result = run("verify", target, "--against", events_file)
    assert result.exit_code == 1
    assert "was made from 2 files" in result.stderr
    assert "6,000 events in 2 blocks" in run("inspect", target).stdout
    assert aeplugin.open(target).num_entries == 6000


def test_extract_without_a_model(compressed_file: Path, tmp_path: Path) -> None:
    result = run("extract", compressed_file, tmp_path / "m.model")
    assert result.exit_code == 1
    assert "has no model inside" in result.stderr
    assert not (tmp_path / "m.model").exists()


@pytest.mark.parametrize("command", ["inspect", "verify", "decompress", "merge", "extract"])
def test_files_that_are_not_compressed_files(events_file: Path, tmp_path: Path, command: str) -> None:
    target = tmp_path / "out"
    newer = tmp_path / "newer.root"
    with uproot.recreate(newer) as file:
        no_model = ak.unflatten(np.zeros(0, np.uint8), [0])
        file.mkrntuple("aeplugin", {"format_version": np.array([1000], np.uint32), "model": no_model})
    (tmp_path / "cut.root").write_bytes(events_file.read_bytes()[:5000])
    for source, message in (
        (events_file, "not a compressed file"),
        (newer, "format version 1000"),
        (tmp_path / "cut.root", "cut.root"),
        (tmp_path / "none.root", "no such file"),
    ):
        files = {"merge": [target, source], "decompress": [source, target], "extract": [source, target]}
        result = run(command, *files.get(command, [source]))
        assert result.exit_code == 1
        assert message in result.stderr
        assert result.stderr.startswith("error: ")
        assert not target.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "give one or both"),
        ("--recipe r.yaml --compression zst", "did you mean 'zstd'"),
        ("--recipe r.yaml --compression zstd:99", "expected 1 to 9"),
        ("--recipe r.yaml --compression zstd:best", "the level 'best' is no number"),
        ("--recipe r.yaml --codec fast", "autoencoder"),
        ("--recipe r.yaml --threads -1", "--threads"),
    ],
)
def test_wrong_options_of_compress(options: str, message: str) -> None:
    result = run("compress", "a.root", "b.root", *options.split())
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("recipe", "codec", "message"),
    [
        ("columns: {MET_px: {tolerance: {abs: 1}}}", "auto", "did you mean 'MET_pt'"),
        ("columns: {event: {tolerance: {abs: 1}}}", "auto", "'event'"),
        ("columns: {MET_pt: {tolerence: {abs: 1}}}", "auto", "did you mean 'tolerance'"),
        ("collections: {Jet: {columns: {pt: {tolerance: {abs: 1}}}}}", "autoencoder", "'Jet'"),
    ],
)
def test_recipes_that_do_not_fit(events_file: Path, tmp_path: Path, recipe: str, codec: str, message: str) -> None:
    (tmp_path / "r.yaml").write_text(recipe)
    result = run("compress", events_file, tmp_path / "c.root", "--recipe", tmp_path / "r.yaml", "--codec", codec)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / "c.root").exists()


def test_what_is_not_compressed_is_told(events_file: Path, tmp_path: Path) -> None:
    source = tmp_path / "two.root"
    with uproot.recreate(source) as file:
        file.mkrntuple("events", uproot.open(events_file)["events"].arrays())
        file["cutflow"] = np.histogram([1, 2, 2], bins=3)
    result = run("compress", source, tmp_path / "c.root", "--recipe", "darkmachines-jets")
    assert result.exit_code == 0, result.output
    assert "not in" in result.stderr
    assert "cutflow" in result.stderr


def test_bad_lines_are_skipped_only_when_asked(tmp_path: Path) -> None:
    source = tmp_path / "bad.csv"
    source.write_text("1;p;1;2;3;j,1,2,3,4;\n2;p;1;2;3;q,1,2,3,4;\n")
    result = run("convert", source, tmp_path / "out.root")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "bad.csv:2" in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "out.root").exists()
    result = run("convert", source, tmp_path / "out.root", "--on-bad-line", "skip")
    assert result.exit_code == 0
    assert "1 malformed line" in result.stderr


@pytest.mark.parametrize("name", ["empty.csv", "folder", "missing.csv", "binary.csv"])
def test_inputs_that_are_no_events(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    result = run("convert", tmp_path / name, tmp_path / "out.root")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert name in result.stderr
    assert not (tmp_path / "out.root").exists()


def test_wrong_usage_has_its_own_status() -> None:
    assert run("convert").exit_code == 2
    assert run("convert", "a", "b", "--on-bad-line", "cry").exit_code == 2


@pytest.mark.parametrize(
    "command",
    [
        "convert e.csv e.csv",
        "convert e.csv r.yaml --recipe r.yaml",
        "train a.root e.root --recipe darkmachines-jets -o e.root",
        "train e.root --recipe r.yaml -o link.yaml",
        "compress e.root e.root --model m.model",
        "compress e.root m.model --model m.model",
        "decompress e.root folder/../e.root",
        "compress e.root r.yaml --recipe r.yaml",
        "merge e.root e.root",
        "extract e.root e.root",
        "recipe init e.root -o e.root",
        "recipe compile r.yaml e.root -o r.yaml",
    ],
)
def test_an_output_never_replaces_an_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"e.csv", "e.root", "r.yaml", "m.model"}
    for name in names:
        Path(name).write_text(name)
    Path("folder").mkdir()
    Path("link.yaml").symlink_to("r.yaml")
    result = run(*command.split())
    assert result.exit_code == 1
    assert "is the input itself; give the output another name" in result.stderr
    assert result.stderr.count("\n") == 1
    assert all(Path(name).read_text() == name for name in names)


def test_a_training_is_not_lost(tmp_path: Path, events_file: Path) -> None:
    for output, message in ((tmp_path / "no" / "m", "there is no folder"), (tmp_path, "is a directory")):
        result = run("train", events_file, "--recipe", "darkmachines-jets", "-o", output)
        assert result.exit_code == 1
        assert message in result.stderr


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (PermissionError(13, "Permission denied", "a.root"), 1, "error: [Errno 13] Permission denied: 'a.root'\n"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "no"), 1, "error: 'ascii' codec can't"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_errors_of_the_system_are_one_line(error: BaseException, status: int, message: str) -> None:
    @click.command(cls=Command)
    def fail() -> None:
        raise error

    result = CliRunner().invoke(fail)
    assert result.exit_code == status
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


def test_tables_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """No number is cut, markup in a name is text, and what has no value is a dash."""
    monkeypatch.setenv("COLUMNS", "20")
    nan = float("nan")
    empty = ResidualSummary("rel 0.125", nan, nan, nan, nan, nan, nan, nan, 0, 0, nan)
    evaluation = Evaluation({"Jet": {"pt": empty}}, {"Jet": nan}, {"Jet": 0}, {"Jet": nan}, {}, 1, 1)
    stdout.print(evaluation_table(evaluation))
    stdout.print(size_table({"kept columns": 123_456_789}))
    stdout.print(recipe_table([RecipeRow("[/x]", "float", "abs 0.5", [-999, -1], "", "plain")]))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    dash = "\N{EN DASH}"
    assert ["Jet", "pt", "12.5", "%", *7 * [dash], "0", dash] in lines
    assert ["kept", "columns", "123,456,789", "100.0", "%"] in lines
    assert ["[/x]", "float", "abs", "0.5", "-999,", "-1", "plain"] in lines


def test_misspelt_recipe_key(tmp_path: Path, events_file: Path) -> None:
    (tmp_path / "r.yaml").write_text("collections: {Jet: {columns: {pt: {tolerence: {rel: 0.1}}}}}")
    result = run("train", events_file, "--recipe", tmp_path / "r.yaml", "-o", tmp_path / "m")
    assert result.exit_code == 1
    assert "did you mean 'tolerance'" in result.stderr


# recipe


def test_recipe_prints_what_can_be_read_back(tmp_path: Path) -> None:
    assert "darkmachines-jets" in run("recipe", "list").output.split()
    (tmp_path / "r.yaml").write_text(run("recipe", "show", "darkmachines-jets").output)
    assert Recipe.from_file(tmp_path / "r.yaml") == Recipe.from_file("darkmachines-jets")
    assert "did you mean 'atlas-jets'" in run("recipe", "show", "atlas-jet").stderr
    assert json.loads(run("recipe", "schema").output) == json_schema()


def test_recipe_init_and_check(events_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    assert run("recipe", "init", events_file, "-o", path).output.strip() == str(path)
    assert run("recipe", "init", events_file).output == path.read_text()
    assert run("recipe", "check", path).output.strip() == f"{path}: a valid recipe"
    result = run("recipe", "check", path, events_file)
    assert result.exit_code == 0, result.output
    assert "6 columns: 5 with a tolerance, 1 exact, 0 dropped" in result.output
    rows = {row["column"]: row for row in json.loads(run("recipe", "check", path, events_file, "--json").output)}
    assert rows["Jet_pt"]["rule"] == "rel 0.01"
    assert rows["event"]["rule"] == "exact"
    assert json.loads(run("recipe", "check", path, "--json").output)["training"]["epochs"] == 60
    path.write_text("collections: {Jet: {columns: {pz: {tolerance: {rel: 0.1}}}}}")
    result = run("recipe", "check", path, events_file)
    assert result.exit_code == 1
    assert "no column 'Jet_pz'" in result.stderr


def test_recipe_compile_gives_what_compress_takes(events_file: Path, tmp_path: Path) -> None:
    model = tmp_path / "plain.model"
    assert run("recipe", "compile", "darkmachines-jets", events_file, "-o", model).exit_code == 0
    assert Model.from_file(str(model)).collections == []
    for option, value, target in (("--model", model, "a.root"), ("--recipe", "darkmachines-jets", "b.root")):
        assert run("compress", events_file, tmp_path / target, option, value).exit_code == 0
    one, other = (aeplugin.open(tmp_path / target).arrays() for target in ("a.root", "b.root"))
    assert ak.array_equal(one, other)


def test_config_names_what_is_there() -> None:
    include = Path(run("config", "--incdir").output.strip())
    assert (include / "aeplugin" / "engine.hxx").is_file()
    assert (Path(run("config", "--cmake").output.strip()) / "aepluginConfig.cmake").is_file()
    assert list(Path(run("config", "--libdir").output.strip()).glob("libaeplugin.*"))
    assert (Path(run("config", "--macros").output.strip()) / "compress.C").is_file()
    assert f"-I{config.INCLUDE_DIR}" in run("config", "--cflags").output
    assert "-laeplugin" in run("config", "--libs").output


def test_config_without_options_shows_help() -> None:
    assert "--cflags" in run("config").output


def test_flags_compile_a_program(tmp_path: Path) -> None:
    (tmp_path / "main.cxx").write_text(
        "#include <aeplugin/version.hxx>\n#include <cstdio>\nint main() { std::puts(aeplugin::Version()); }\n"
    )
    cflags, libs = (run("config", flag).output.split() for flag in ("--cflags", "--libs"))
    subprocess.run(["c++", *cflags, tmp_path / "main.cxx", *libs, "-o", tmp_path / "main"], check=True)
    output = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout
    assert output.strip() == __version__


def test_import_is_light() -> None:
    heavy = {"torch", "ROOT", "matplotlib", "onnxruntime"}
    code = f"import aeplugin, sys; assert not {heavy} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_module_runs_as_the_command_does() -> None:
    output = subprocess.run([sys.executable, "-m", "aeplugin", "--version"], capture_output=True, text=True, check=True)
    assert __version__ in output.stdout
