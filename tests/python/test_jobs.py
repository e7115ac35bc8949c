"""Jobs: what their files may say, parts, restarts, bad input, and the same bytes wherever they run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uproot
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import aeplugin
from aeplugin import Model, rdf
from aeplugin.cli import main
from aeplugin.errors import Error, InputError, RecipeError
from aeplugin.jobs import Job, Summary, part, running
from aeplugin.jobs.folder import JobFolder, Part, make_parts
from aeplugin.jobs.inputs import Inputs, find_inputs
from aeplugin.jobs.start import start_part
from aeplugin.jobs.trials import with_fields
from aeplugin.recipe import Recipe
from local_server import serving


def results(folder: Path) -> dict[str, bytes]:
    """What a job made, by name."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".aeplugin" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.name != "summary.json"}


# what a job file says


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipee": "x"}, "recipee: unknown key.*recipe"),
        ({"executor": {"worker": 2}}, "executor.worker: unknown key.*workers"),
        ({"executor": {"workers": 0}}, "executor.workers: .*greater than or equal to 1, got 0"),
        ({"executor": {"memory": "2g"}}, "executor.memory: expected a size such as 2 GB, got '2g'"),
        ({"task": "compres"}, "task: .*'compress'"),
        ({"layout": "objects"}, "the task compress does not take 'layout'; it takes recipe, model"),
        ({"recipe": None}, "needs 'recipe' or 'model'"),
        ({"task": "score", "recipe": None}, "the task score needs 'model'"),
        ({"task": "scan", "scan": {"training.epochs": []}}, "scan: each field needs a list"),
        ({"task": "train", "on_bad_input": "skip"}, "the task train reads all inputs together"),
        ({"inputs": []}, "inputs: .*at least 1"),
    ],
)
def test_wrong_jobs_are_refused(make_job: Callable[..., Job], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        make_job(**changes)


def test_names_of_files_are_relative_to_the_job(make_job: Callable[..., Job], tmp_path: Path) -> None:
    shutil.copy(Path(aeplugin.__file__).parent / "recipes" / "darkmachines-jets.yaml", tmp_path / "mine.yaml")
    job = make_job(inputs=["../x.root", "http://host/y.root", "/abs/z.root"], recipe="mine.yaml")
    assert job.inputs == [str(tmp_path.parent / "x.root"), "http://host/y.root", "/abs/z.root"]
    assert job.output == str(tmp_path / "out")
    assert job.recipe == str(tmp_path / "mine.yaml")


def test_inputs_are_globs_and_lists(make_job: Callable[..., Job], job_inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"# two of four\n{job_inputs}/run2/a.root\n\n{job_inputs}/run1/*.root\n")
    job = make_job(inputs=["list.txt"])
    assert [part.name for part in make_parts(job, find_inputs(job))] == ["run2/a", "run1/a", "run1/b"]
    for inputs, message in (
        (["nothing*.root"], "no file matches"),
        ([f"{job_inputs}/run1/a.root", f"{job_inputs}/run1/*.root"], "stands twice"),
        (["itself.txt"], "a list of inputs that is in itself"),
    ):
        (tmp_path / "itself.txt").write_text("itself.txt\n")
        with pytest.raises(InputError, match=message):
            find_inputs(make_job(inputs=inputs))
    (tmp_path / "c[1].root").touch()
    assert find_inputs(make_job(inputs=["c[1].root"])).files == [str(tmp_path / "c[1].root")]


def test_originals_are_never_replaced(make_job: Callable[..., Job], job_inputs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data" / "in.root"
    copy.parent.mkdir()
    shutil.copy(job_inputs / "run1" / "a.root", copy)
    before = copy.read_bytes()
    for inputs in (["data/in.root"], ["data/*.root"], ["link/*.root"]):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(copy.parent)
        with pytest.raises(InputError, match="give the job an output folder of its own"):
            aeplugin.jobs.run(make_job(inputs=inputs, output="data"))
    assert copy.read_bytes() == before
    (tmp_path / "link").unlink()
    job = make_job(inputs=["**/in.root"], output="data/out")
    assert len(aeplugin.jobs.run(job).made) == 1
    assert len(aeplugin.jobs.run(job).found) == 1  # and its own result is no input


def test_files_that_come_to_a_glob_rename_nothing(
    make_job: Callable[..., Job], job_inputs: Path, tmp_path: Path
) -> None:
    for run in ("run1", "run2"):
        (tmp_path / "data" / run).mkdir(parents=True)
        shutil.copy(job_inputs / "run1" / "a.root", tmp_path / "data" / run / "a.root")
        summary = aeplugin.jobs.run(make_job(inputs=["data/*/a.root"]))
        assert [record.part.name for record in summary.made] == [f"{run}/a"]


def test_a_wrong_setting_can_be_corrected(make_job: Callable[..., Job], job_inputs: Path) -> None:
    inputs = [f"{job_inputs}/run1/a.root"]
    assert aeplugin.jobs.run(make_job(inputs=inputs, tree="evnts")).failed
    assert aeplugin.jobs.run(make_job(inputs=inputs, tree="events")).is_complete


def test_attempts_that_run_keep_their_folders(make_job: Callable[..., Job], tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "out")
    folder.prepare(make_job())
    with folder.attempt() as made:
        folder.clear_attempts()
        assert made.is_dir()
        shutil.rmtree(made)
        with pytest.raises(Error, match="its results are gone"):
            folder.complete(Part("run1/a", [], {}), made, {}, "host", 0.0)


@given(st.lists(st.from_regex(r"(/[ab]{1,2}){0,3}/[abc]\.(root|csv\.gz)", fullmatch=True), min_size=1, unique=True))
def test_names_of_parts_tell_them_apart_and_stay_inside(files: list[str]) -> None:
    inputs = Inputs(files, os.path.commonpath([os.path.dirname(file) for file in files]))
    stems = [name.removesuffix(".gz").rsplit(".", 1)[0] for name in files]
    if len(set(stems)) < len(stems):
        with pytest.raises(InputError, match="would make"):
            inputs.names()
        return
    names = inputs.names()
    assert len(set(names)) == len(files)
    for stem, name in zip(stems, names, strict=True):
        assert not name.startswith("/")
        assert ".." not in name.split("/")
        assert stem.endswith(name)


def test_scan_changes_fields_of_the_recipe() -> None:
    recipe = Recipe.from_file("darkmachines-jets")
    changed = with_fields(recipe, {"collections.Jet.network.latents": 2, "training.epochs": 3})
    assert (changed.collections["Jet"].network.latents, changed.training.epochs) == (2, 3)
    with pytest.raises(RecipeError, match=r"no 'collections.Jets.codec'.*Jet"):
        with_fields(recipe, {"collections.Jets.codec": "plain"})
    with pytest.raises(RecipeError, match=r"latens: unknown key.*latents"):
        with_fields(recipe, {"collections.Jet.network.latens": 2})


# running and restarting


def test_compress_keeps_the_promise_and_the_folders(
    make_job: Callable[..., Job], job_inputs: Path, tmp_path: Path
) -> None:
    told: list[tuple[float, str]] = []
    summary = aeplugin.jobs.run(make_job(executor={"workers": 2}), lambda *words: told.append(words))
    assert summary.is_complete
    assert summary.total("events") == 800
    assert summary.worst is not None
    assert told[-1][0] == 1.0
    names = ["run1/a", "run1/b", "run2/a", "run2/c"]
    assert sorted(results(tmp_path / "out")) == [f"{name}.root" for name in names]
    for name in names:
        columns = rdf.verify(tmp_path / "out" / f"{name}.root", [job_inputs / f"{name}.root"])
        assert sum(column.violations for column in columns) == 0
    written = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert written["totals"]["events"] == 800
    assert written["complete"]


def test_restart_does_only_what_is_not_complete(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    aeplugin.jobs.run(job)
    before = results(tmp_path / "out")
    (tmp_path / "out" / "run1" / "b.root").unlink()
    damaged = tmp_path / "out" / "run2" / "a.root"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    leftover = tmp_path / "out" / ".aeplugin" / "work" / "killed"
    leftover.mkdir()
    leftover.with_suffix(".lock").touch()
    summary = aeplugin.jobs.run(job)
    assert [record.part.name for record in summary.made] == ["run1/b", "run2/a"]
    assert len(summary.found) == 2
    assert results(tmp_path / "out") == before
    assert not leftover.exists()
    assert len(running.status(job).found) == 4


def test_input_that_was_changed_is_done_again(make_job: Callable[..., Job], job_inputs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "in.root"
    shutil.copy(job_inputs / "run1" / "a.root", copy)
    job = make_job(inputs=["in.root"])
    aeplugin.jobs.run(job)
    shutil.copy(job_inputs / "run1" / "b.root", copy)
    summary = aeplugin.jobs.run(job)
    assert len(summary.made) == 1
    assert sum(column.violations for column in rdf.verify(tmp_path / "out" / "in.root", [copy])) == 0


def test_files_may_be_added_to_a_job(make_job: Callable[..., Job], job_inputs: Path) -> None:
    aeplugin.jobs.run(make_job(inputs=[f"{job_inputs}/run1/a.root", f"{job_inputs}/run1/b.root"]))
    files = [f"{job_inputs}/run1/{name}.root" for name in "ab"]
    shutil.copy(files[0], f"{job_inputs}/run1/new.root")
    try:
        summary = aeplugin.jobs.run(make_job(inputs=[f"{job_inputs}/run1/*.root"]))
    finally:
        os.remove(f"{job_inputs}/run1/new.root")
    assert [record.part.name for record in summary.made] == ["new"]
    assert len(summary.found) == 2


def test_folder_of_another_job_is_refused(make_job: Callable[..., Job]) -> None:
    aeplugin.jobs.run(make_job())
    with pytest.raises(InputError, match="a job with another codec; give this job an output of its own"):
        aeplugin.jobs.run(make_job(codec="plain"))
    with pytest.raises(InputError, match="a job with another recipe"):
        aeplugin.jobs.run(make_job(recipe="atlas-jets"))


def test_folder_in_use_is_refused(make_job: Callable[..., Job]) -> None:
    job = make_job()
    with JobFolder(job.output).locked(), pytest.raises(InputError, match="another `aeplugin run` is at work"):
        aeplugin.jobs.run(job)


# bad input


@pytest.fixture
def mixed(job_inputs: Path, tmp_path: Path) -> Path:
    """A folder with a good file and one of each kind that cannot be used."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    good = job_inputs / "run1" / "a.root"
    shutil.copy(good, folder / "good.root")
    (folder / "cut.root").write_bytes(good.read_bytes()[:5000])
    (folder / "text.root").write_text("no ROOT file")
    with uproot.recreate(folder / "no_tree.root") as file:
        file["name"] = "nothing else"
    with uproot.recreate(folder / "other_type.root") as file:
        file.mkrntuple("events", {f"Jet_{name}": ["a", "b"] for name in ("E", "pt", "eta", "phi")})
    with uproot.recreate(folder / "no_column.root") as file:
        file.mkrntuple("events", {"Jet_pt": [[1.0], [2.0]]})
    return folder


def test_bad_inputs_are_skipped_and_counted(make_job: Callable[..., Job], mixed: Path, tmp_path: Path) -> None:
    summary = aeplugin.jobs.run(make_job(inputs=["mixed/*.root", "mixed/missing.root"], on_bad_input="skip"))
    messages = {failure.part: failure.message for failure in summary.skipped}
    assert sorted(messages) == ["cut", "missing", "no_column", "no_tree", "other_type", "text"]
    assert "truncated" in messages["cut"]
    assert "no ROOT file" in messages["text"]
    assert "found none" in messages["no_tree"]
    assert "'Jet_E'" in messages["no_column"]
    assert "missing.root" in messages["missing"]
    assert "Jet_E" in messages["other_type"]
    assert sorted(results(tmp_path / "out")) == ["good.root"]
    assert summary.is_complete


def test_bad_input_stops_a_job_and_a_restart_completes_it(
    make_job: Callable[..., Job], mixed: Path, job_inputs: Path, tmp_path: Path
) -> None:
    job = make_job(inputs=["mixed/cut.root", "mixed/good.root"])
    summary = aeplugin.jobs.run(job)
    assert [failure.part for failure in summary.failed] == ["cut"]
    result = CliRunner().invoke(main, ["run", str(tmp_path / "job.yaml")])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: part cut: ")
    assert "run the job again" in result.stderr
    shutil.copy(job_inputs / "run1" / "b.root", mixed / "cut.root")
    assert aeplugin.jobs.run(job).is_complete


def test_input_that_changes_while_it_is_read(
    make_job: Callable[..., Job], job_inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.root"
    shutil.copy(job_inputs / "run1" / "a.root", source)
    folder = JobFolder(tmp_path / "out")
    folder.prepare(make_job(inputs=["in.root"]))

    def write_meanwhile(*_: Any) -> dict[str, Any]:
        with source.open("ab") as file:
            file.write(b"more")
        return {}

    monkeypatch.setattr(part, "perform", write_meanwhile)
    answer = part.run_part(folder.path, "in")
    assert (answer["status"], answer["is_input"]) == ("failed", True)
    assert "in.root: changed while it was read" in answer["message"]
    assert results(folder.path) == {}


def test_job_whose_inputs_are_all_bad_fails(make_job: Callable[..., Job], mixed: Path) -> None:
    with pytest.raises(InputError, match=r"none of the 2 inputs can be used; the first: .*cut.root"):
        aeplugin.jobs.run(make_job(inputs=["mixed/cut.root", "mixed/text.root"], on_bad_input="skip"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_full_disk_is_one_error_and_a_restart_completes(make_job: Callable[..., Job], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=56k", "tmpfs", str(out)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        job = make_job(executor={"retries": 0}, on_bad_input="skip")
        summary = aeplugin.jobs.run(job)
        assert len(summary.failed) == 1
        assert summary.failed[0].kind == "OutputError"
        assert "is the disk full?" in summary.failed[0].message
        assert not list(out.rglob("*.part"))
        subprocess.run(["mount", "-o", "remount,size=10m", str(out)], check=True)
        summary = aeplugin.jobs.run(job)
        assert summary.is_complete
        assert not summary.failed
    finally:
        subprocess.run(["umount", str(out)], check=True)


# lost processes


def _interpreter(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_process_that_dies_is_lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", _interpreter(tmp_path / "dies", "echo last words >&2; kill -9 $$"))
    answer = start_part(str(tmp_path), "part", 1, "")
    assert answer["status"] == "lost"
    assert "SIGKILL: last words" in answer["message"]


def test_worker_without_the_library_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = f'exec {sys.executable} -I -S "$@"'  # without site-packages
    monkeypatch.setattr(sys, "executable", _interpreter(tmp_path / "bare", script))
    answer = start_part(str(tmp_path), "part", 1, "")
    assert answer["status"] == "lost"
    assert "No module named" in answer["message"]
    assert "install the same aeplugin there" in answer["message"]


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the first attempts at the part run1/a die."""
    left = [0]

    def start(folder: str, name: str, threads: int, cache: str) -> dict[str, Any]:
        if name == "run1/a" and left[0]:
            left[0] -= 1
            return {"status": "lost", "message": "died"}
        return start_part(folder, name, threads, cache)

    monkeypatch.setattr(running, "start_part", start)
    return lambda times: left.__setitem__(0, times)


def test_lost_parts_start_again(make_job: Callable[..., Job], dying: Callable[[int], None]) -> None:
    dying(2)
    summary = aeplugin.jobs.run(make_job(executor={"retries": 2}))
    assert summary.is_complete
    assert summary.lost == 2


def test_part_that_is_lost_too_often_fails(make_job: Callable[..., Job], dying: Callable[[int], None]) -> None:
    dying(3)
    summary = aeplugin.jobs.run(make_job(executor={"retries": 2}))
    assert [(failure.part, failure.kind) for failure in summary.failed] == [("run1/a", "lost")]
    assert aeplugin.jobs.run(make_job(executor={"retries": 2})).is_complete


# the other tasks


def test_convert(make_job: Callable[..., Job], data: Path, tmp_path: Path) -> None:
    files = [str(data / f"{name}.csv.gz") for name in ("ww", "zz")]
    summary = aeplugin.jobs.run(make_job(task="convert", inputs=files, recipe=None))
    assert summary.total("events") == 6000
    with uproot.open(tmp_path / "out" / "zz.root") as file:
        assert file["events"].num_entries == 3000


def test_inputs_by_url(make_job: Callable[..., Job], job_inputs: Path, tmp_path: Path) -> None:
    aeplugin.jobs.run(make_job(inputs=[f"{job_inputs}/run1/a.root"], output="local"))
    with serving() as server:
        urls = [server.add(job_inputs / "run1" / "a.root"), server.address + "/missing.root"]
        summary = aeplugin.jobs.run(make_job(inputs=urls, on_bad_input="skip", executor={"workers": 2}))
    assert ["no such file on the server" in failure.message for failure in summary.skipped] == [True]
    assert results(tmp_path / "out") == results(tmp_path / "local")


def test_train_score_and_scan(make_job: Callable[..., Job], job_inputs: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    recipe = Recipe.from_file("darkmachines-jets")
    training = recipe.training.model_copy(update={"epochs": 2})
    (tmp_path / "short.yaml").write_text(recipe.model_copy(update={"training": training}).to_text())
    summary = aeplugin.jobs.run(make_job(task="train", recipe="short.yaml", output="trained"))
    model = tmp_path / "trained" / "trained.model"
    assert summary.made[0].facts["objects"] == sum(
        len(collection)
        for path in job_inputs.rglob("*.root")
        for collection in uproot.open(path)["events"]["Jet_pt"].array()
    )
    first = model.read_bytes()
    model.unlink()
    aeplugin.jobs.run(make_job(task="train", recipe="short.yaml", output="trained"))
    assert model.read_bytes() == first

    aeplugin.jobs.run(make_job(task="score", recipe=None, model=str(model), output="scored"))
    with uproot.open(tmp_path / "scored" / "run1" / "a.root") as file:
        scores = file["scores"].arrays()
    with uproot.open(job_inputs / "run1" / "a.root") as file:
        jets = file["events"].arrays()
    assert [len(event) for event in scores["Jet_score"]] == [len(event) for event in jets["Jet_pt"]]
    assert Model.from_file(str(model)).collections[0].name == "Jet"

    changes = {"collections.Jet.network.latents": [1, 2]}
    summary = aeplugin.jobs.run(make_job(task="scan", recipe="short.yaml", output="scan", scan=changes))
    assert [record.facts["changes"] for record in summary.made] == [{key: n} for key, v in changes.items() for n in v]
    result = CliRunner().invoke(main, ["run", str(tmp_path / "job.yaml")])
    assert result.exit_code == 0, result.stderr
    assert re.search(r"rank +trial +latents", result.stdout)


def test_plot(make_job: Callable[..., Job], tmp_path: Path, job_inputs: Path) -> None:
    aeplugin.jobs.run(make_job(inputs=[f"{job_inputs}/run1/a.root"], output="compressed"))
    (tmp_path / "compressed" / "a.root").rename(tmp_path / "compressed" / "renamed.root")
    job = make_job(
        task="plot", inputs=[f"{job_inputs}/run1/a.root"], output="plots", recipe=None, reconstructed="compressed"
    )
    assert "renamed.root" not in aeplugin.jobs.run(job).failed[0].message
    (tmp_path / "compressed" / "renamed.root").rename(tmp_path / "compressed" / "a.root")
    aeplugin.jobs.run(job)
    first = results(tmp_path / "plots")
    assert {Path(name).suffix for name in first} == {".pdf", ".png", ".csv", ".md", ".tex", ".json", ".root"}
    assert {Path(name).parts[0] for name in first} == {"a"}
    again = make_job(
        task="plot", inputs=[f"{job_inputs}/run1/a.root"], output="again", recipe=None, reconstructed="compressed"
    )
    aeplugin.jobs.run(again)
    second = results(tmp_path / "again")
    assert first.keys() == second.keys()
    # The ROOT file with the histograms holds the time when it was written.
    assert all(second[name] == content for name, content in first.items() if not name.endswith(".root"))


# the command


def test_command_prints_summary_and_json(make_job: Callable[..., Job], tmp_path: Path) -> None:
    make_job()
    result = CliRunner().invoke(main, ["run", str(tmp_path / "job.yaml"), "--workers", "2"])
    assert result.exit_code == 0, result.stderr
    assert "4 of 4 parts complete" in result.stdout
    assert "times smaller" in result.stdout
    result = CliRunner().invoke(main, ["run", str(tmp_path / "job.yaml"), "--status", "--json"])
    content = json.loads(result.stdout)
    assert (content["complete"], content["found"], content["made"]) == (True, 4, 0)


def test_summary_of_nothing_is_not_complete() -> None:
    assert not Summary("compress", 2, [], [], [], [], 0, 0.0).is_complete
