"""The command aeplugin as a user meets it: what it prints, how it fails, what it leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import uproot
from click.testing import CliRunner, Result

from aeplugin import Model, Recipe, __version__, config
from aeplugin.cli import main
from aeplugin.evaluation import Evaluation, ResidualSummary
from aeplugin.terminal import Command, evaluation_table, size_table, stdout


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_every_command_has_help() -> None:
    assert "aeplugin convert" in run("--help").output
    for name, command in main.commands.items():
        result = run(name, "--help")
        assert result.exit_code == 0
        assert command.help
        assert "Usage:" in result.output


def test_version() -> None:
    assert __version__ in run("--version").output


def test_the_whole_chain(data: Path, tmp_path: Path) -> None:
    events, model, compressed, plain = (tmp_path / n for n in ("e.root", "jets.model", "c.root", "d.root"))
    assert "3,000 events" in run("convert", data / "ww.csv.gz", events).output
    result = run("train", events, "--recipe", "darkmachines-jets", "--epochs", 3, "--seed", 4, "-o", model)
    assert result.exit_code == 0, result.output
    assert "validation MSE" in result.output
    training = json.loads(Model.from_file(str(model)).training)
    assert len(training["collections"]["Jet"]["validation_loss"]) == 3
    assert Recipe.from_text(Model.from_file(str(model)).recipe).training.seed == 4
    assert "3,000 events" in run("compress", events, compressed, "--model", model).output
    assert "3,000 events" in run("decompress", compressed, plain, "--ttree").output

    table = run("evaluate", events, compressed)
    assert table.exit_code == 0, table.output
    assert "Jet pt" in table.output
    assert "compressed file" in table.output
    numbers = json.loads(run("evaluate", events, compressed, "--json").output)
    assert numbers["objects"]["Jet"] == 6880
    assert numbers["compressed_bytes"] == compressed.stat().st_size
    assert numbers["compressed_bits_per_object"] == pytest.approx(8 * compressed.stat().st_size / 6880)
    assert 0 <= numbers["variables"]["Jet"]["pt"]["within"] <= 1

    assert run("extract", compressed, tmp_path / "again.model").exit_code == 0
    assert (tmp_path / "again.model").read_bytes() == model.read_bytes()
    names = run("export", model, "--format", "onnx").output.split()
    assert [Path(name).name for name in names] == ["jets.Jet.encoder.onnx", "jets.Jet.decoder.onnx"]


def test_what_is_not_compressed_is_told(events_file: Path, jets_model: Path, tmp_path: Path) -> None:
    source = tmp_path / "two.root"
    with uproot.recreate(source) as file:
        file.mkrntuple("events", uproot.open(events_file)["events"].arrays())
        file["cutflow"] = np.histogram([1, 2, 2], bins=3)
    result = run("compress", source, tmp_path / "c.root", "--model", jets_model)
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
        "extract e.root e.root",
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
    """No number is cut, markup in a unit is text, and what has no value is a dash."""
    monkeypatch.setenv("COLUMNS", "20")
    recipe = Recipe.from_text("collections: {Jet: {columns: {pt: {tolerance: {abs: 0.125}, unit: '[/x]'}}}}")
    nan = float("nan")
    empty = ResidualSummary(nan, nan, nan, nan, nan, nan, nan, 0)
    evaluation = Evaluation({"Jet": {"pt": empty}}, {"Jet": nan}, {"Jet": 0}, 123_456_789, 12_345, 1)
    stdout.print(evaluation_table(evaluation, recipe))
    stdout.print(size_table(evaluation))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["Jet", "pt", "0.125", "[/x]", *7 * ["\N{EN DASH}"]] in lines
    assert ["original", "file", "123,456,789", "\N{EN DASH}"] in lines


def test_misspelt_recipe_key(tmp_path: Path, events_file: Path) -> None:
    (tmp_path / "r.yaml").write_text("collections: {Jet: {columns: {pt: {tolerence: {rel: 0.1}}}}}")
    result = run("train", events_file, "--recipe", tmp_path / "r.yaml", "-o", tmp_path / "m")
    assert result.exit_code == 1
    assert "did you mean 'tolerance'" in result.stderr


def test_recipe_prints_what_can_be_read_back(tmp_path: Path) -> None:
    assert "darkmachines-jets" in run("recipe").output.split()
    (tmp_path / "r.yaml").write_text(run("recipe", "darkmachines-jets").output)
    assert Recipe.from_file(tmp_path / "r.yaml") == Recipe.from_file("darkmachines-jets")


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
