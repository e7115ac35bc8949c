"""aeplugin in PyROOT: whole files, RDataFrame steps, engines, threads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin import config, darkmachines, export, files, rdf
from aeplugin.errors import CompatibilityError, CorruptionError, InputError, ModelError, RecipeError

VARIABLES = ("E", "pt", "eta", "phi")


@pytest.fixture(scope="module")
def root() -> Any:
    return rdf.load()


@pytest.fixture
def two_threads(root: Any) -> Iterator[None]:
    root.EnableImplicitMT(2)
    yield
    root.DisableImplicitMT()


@pytest.fixture(scope="module")
def exported_model(jets_model: Path) -> Path:
    export.export(jets_model, ["onnx", "torchscript"])
    return jets_model


@pytest.fixture(scope="module")
def compressed_file(events_file: Path, jets_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("compressed") / "compressed.root"
    rdf.compress(events_file, target, jets_model)
    return target


def reconstruct(path: Path, model: Path) -> np.ndarray:
    """What the core makes of the jets of a file, shape (jets, 4)."""
    autoencoder = aeplugin.Autoencoder.open(str(model))
    arrays = uproot.open(path)["events"].arrays([f"Jet_{v}" for v in VARIABLES])
    jets = np.stack([ak.to_numpy(ak.flatten(arrays[f"Jet_{v}"])) for v in VARIABLES], axis=1)
    return autoencoder.decoder(autoencoder.encoder(jets))


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def entries(frame: Any, names: list[str]) -> dict[str, np.ndarray]:
    """Columns of jagged values as flat arrays in the order of the event's key, whatever the threads did."""
    columns = frame.AsNumpy(["rdfentry_", *names])
    order = np.argsort(columns["rdfentry_"])
    return {name: np.concatenate([np.asarray(columns[name][i]) for i in order]) for name in names}


# convert


@pytest.mark.parametrize("layout", ["nanoaod", "objects"])
@pytest.mark.parametrize("ttree", [False, True])
def test_convert_keeps_every_value(data: Path, tmp_path: Path, layout: Any, ttree: bool) -> None:
    target = tmp_path / "events.root"
    events, bad, messages = rdf.convert(data / "ttbar.csv.gz", target, layout=layout, ttree=ttree)
    assert (events, bad, messages) == (3000, 0, [])
    file = uproot.open(target)
    assert file.classnames(cycle=False) == {"events": "TTree" if ttree else "ROOT::RNTuple"}
    written = file["events"].arrays()
    expected = darkmachines.read(data / "ttbar.csv.gz", layout)
    for field in expected.fields:
        if expected[field].ndim == 1:
            assert ak.all(written[field] == expected[field])
        else:
            for variable in expected[field].fields:
                assert ak.all(written[f"{field}_{variable}"] == expected[field][variable])
                assert (
                    written[f"{field}_{variable}"].type.content.content
                    == expected[field][variable].type.content.content
                )
    assert leftovers(tmp_path) == ["events.root"]


def test_convert_reports_progress(data: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    rdf.convert(data / "ttbar.csv.gz", tmp_path / "events.root", progress=seen.append)
    assert seen
    assert all(0 <= fraction <= 1 for fraction in seen)


def test_convert_stops_at_a_bad_line_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "bad.csv"
    source.write_text("1;p;1;2;3;j,1,2,3,4;\n2;p;1;2;nan;\n3;p;1;2;3;\n")
    with pytest.raises(InputError, match=r"bad\.csv:2.*nan"):
        rdf.convert(source, tmp_path / "out.root")
    assert leftovers(tmp_path) == ["bad.csv"]
    events, bad, messages = rdf.convert(source, tmp_path / "out.root", skip_bad_lines=True)
    assert (events, bad, len(messages)) == (2, 1, 1)
    assert list(uproot.open(tmp_path / "out.root")["events"]["event"].array()) == [1, 3]


def test_convert_keeps_what_stood_there_when_it_fails(tmp_path: Path) -> None:
    target = tmp_path / "out.root"
    target.write_bytes(b"precious")
    (tmp_path / "bad.csv").write_text("1;p;1\n")
    with pytest.raises(InputError):
        rdf.convert(tmp_path / "bad.csv", target)
    assert target.read_bytes() == b"precious"
    with pytest.raises(InputError, match="does not exist"):
        rdf.convert(tmp_path / "bad.csv", tmp_path / "nowhere" / "out.root")


# an RDataFrame on the text itself


def test_frame_from_darkmachines(data: Path, root: Any) -> None:
    frame = rdf.from_darkmachines(data / "zz.csv.gz")
    expected = darkmachines.read(data / "zz.csv.gz")
    assert frame.Count().GetValue() == len(expected)
    assert frame.Define("n", "Jet_pt.size()").Sum("n").GetValue() == ak.sum(ak.num(expected.Jet.pt))
    # A second event loop reads the file again.
    assert frame.Filter("Jet_btag.size() > 0 && Jet_btag[0]").Count().GetValue() == ak.sum(
        ak.fill_none(ak.firsts(expected.Jet.btag), False)
    )
    assert frame.Max("weight").GetValue() == ak.max(expected.weight)
    assert str(frame.Take["std::string"]("process").GetValue()[0]) == expected.process[0]


@pytest.mark.usefixtures("two_threads")
def test_frame_from_darkmachines_with_threads(data: Path) -> None:
    frame = rdf.from_darkmachines(data / "zz.csv.gz")
    expected = darkmachines.read(data / "zz.csv.gz")
    assert frame.Count().GetValue() == len(expected)
    assert frame.Define("s", "Sum(Jet_pt)").Sum("s").GetValue() == pytest.approx(ak.sum(expected.Jet.pt), rel=1e-6)


def test_frame_after_an_event_loop_that_failed(tmp_path: Path) -> None:
    source = tmp_path / "events.csv"
    source.write_text("1;p;1;2;3;\n2;p;1;oops;3;\n")
    frame = rdf.from_darkmachines(source)
    with pytest.raises(Exception, match="oops"):
        frame.Count().GetValue()
    source.write_text("1;p;1;2;3;\n2;p;1;2;3;\n")
    assert frame.Count().GetValue() == 2


def test_a_column_read_as_another_type_is_refused(data: Path, root: Any) -> None:
    root.gInterpreter.Declare(
        """
        double MeanAs(ROOT::RDF::RNode node, bool jets) {
           if (jets)
              return *node.Define("x", [](const ROOT::RVecD &v) { return v.size(); }, {"Jet_pt"}).Mean<size_t>("x");
           return *node.Define("x", [](double v) { return v; }, {"MET_pt"}).Mean<double>("x");
        }
        """
    )
    frame = root.RDF.AsRNode(rdf.from_darkmachines(data / "zz.csv.gz"))
    with pytest.raises(Exception, match="'MET_pt' is of type float; it is read as double"):
        root.MeanAs(frame, False)
    with pytest.raises(Exception, match="'Jet_pt' is of type ROOT::VecOps::RVec<float>; it is read as"):
        root.MeanAs(frame, True)


def test_frame_from_a_missing_file() -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        rdf.from_darkmachines("nowhere.csv")


# steps and engines


def test_define_gives_what_the_core_gives(events_file: Path, jets_model: Path, root: Any) -> None:
    expected = reconstruct(events_file, jets_model)
    jets = rdf.open_autoencoder(jets_model)
    frame = root.RDataFrame("events", str(events_file))
    names = [f"Jet_{v}_reco" for v in VARIABLES]
    direct = entries(rdf.define_reconstructed(frame, jets), names)
    by_latents = entries(rdf.define_decoded(rdf.define_latents(frame, jets), jets, "_reco"), names)
    for i, name in enumerate(names):
        assert np.array_equal(direct[name], expected[:, i])
        assert np.array_equal(by_latents[name], expected[:, i])


@pytest.mark.usefixtures("two_threads")
def test_two_threads_give_the_same_bits(events_file: Path, jets_model: Path, root: Any) -> None:
    expected = reconstruct(events_file, jets_model)
    frame = rdf.define_reconstructed(root.RDataFrame("events", str(events_file)), rdf.open_autoencoder(jets_model))
    found = entries(frame, ["Jet_pt_reco"])
    assert np.array_equal(found["Jet_pt_reco"], expected[:, 1])


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_engines_agree(events_file: Path, exported_model: Path, root: Any, engine: Any) -> None:
    model = aeplugin.Model.from_file(str(exported_model)).collection("Jet")
    expected = reconstruct(events_file, exported_model)
    jets = rdf.open_autoencoder(exported_model, engine=engine)
    frame = rdf.define_reconstructed(root.RDataFrame("events", str(events_file)), jets)
    found = entries(frame, [f"Jet_{v}_reco" for v in VARIABLES])
    for i, column in enumerate(model.columns):
        standardise = np.log10 if column.transform == aeplugin._core.Transform.log10 else np.asarray
        difference = standardise(found[f"Jet_{column.variable}_reco"]) - standardise(expected[:, i])
        assert np.abs(difference / column.scale).max() < 1e-5


def test_functors_in_interpreted_code(events_file: Path, jets_model: Path, root: Any) -> None:
    root.gInterpreter.Declare(
        """
        ROOT::RDF::RNode WithFunctors(ROOT::RDF::RNode node, const std::string &model) {
           const auto jets = aeplugin::OpenAutoencoder(model);
           return node.Define("latents", aeplugin::rdf::Encode<4>(jets), {"Jet_E", "Jet_pt", "Jet_eta", "Jet_phi"})
                      .Define("l0", "latents[0]").Define("l1", "latents[1]").Define("l2", "latents[2]")
                      .Define("decoded", aeplugin::rdf::Decode<3>(jets), {"l0", "l1", "l2"})
                      .Define("reco", aeplugin::rdf::Reconstruct<4>(jets), {"Jet_E", "Jet_pt", "Jet_eta", "Jet_phi"})
                      .Define("pt_decoded", "decoded[1]").Define("pt_reco", "reco[1]");
        }
        """
    )
    frame = root.WithFunctors(root.RDF.AsRNode(root.RDataFrame("events", str(events_file))), str(jets_model))
    found = entries(frame, ["pt_decoded", "pt_reco"])
    expected = reconstruct(events_file, jets_model)[:, 1]
    assert np.array_equal(found["pt_decoded"], expected)
    assert np.array_equal(found["pt_reco"], expected)


def test_a_functor_for_another_number_of_columns_is_refused(jets_model: Path, root: Any) -> None:
    with pytest.raises(Exception, match="takes 4 columns; it is given 3"):
        root.aeplugin.rdf.Encode[3](rdf.open_autoencoder(jets_model))


def test_steps_after_a_change_and_twice(events_file: Path, jets_model: Path, root: Any) -> None:
    """As for systematic variations: the step sees the values of its own frame, and may be taken again."""
    jets = rdf.open_autoencoder(jets_model)
    frame = rdf.define_latents(root.RDataFrame("events", str(events_file)), jets)
    varied = rdf.define_reconstructed(frame.Redefine("Jet_pt", "Jet_pt * 1.5f"), jets, "_up")
    both = rdf.define_reconstructed(varied, jets, "_again")
    sums = [both.Define(f"sum{s}", f"Sum(Jet_pt{s})").Sum(f"sum{s}") for s in ("_up", "_again")]
    nominal = rdf.define_reconstructed(frame, jets, "_up").Define("s", "Sum(Jet_pt_up)").Sum("s")
    assert sums[0].GetValue() == sums[1].GetValue()
    assert sums[0].GetValue() > 1.1 * nominal.GetValue()


def test_exports_of_an_earlier_training_are_refused(jets_model: Path, make_model: Any, tmp_path: Path) -> None:
    path = tmp_path / "jets.model"
    path.write_bytes(jets_model.read_bytes())
    export.export(path, ["onnx"])
    rdf.open_autoencoder(path, engine="onnx")
    model = aeplugin.Model.from_file(str(path))
    columns = model.collections[0].columns
    jets = model.collection("Jet")
    changed = [aeplugin._core.Layer(layer.weights * 1.1, layer.biases, layer.activation) for layer in jets.encoder]
    retrained = aeplugin._core.CollectionModel("Jet", columns, changed, jets.decoder)
    aeplugin.Model(model.recipe, model.training, [retrained]).save(str(path))
    with pytest.raises(ModelError, match=r"encoder\.onnx: not the network of this model.*aeplugin export"):
        rdf.open_autoencoder(path, engine="onnx")


def test_a_frame_without_the_columns_is_refused(jets_model: Path, root: Any) -> None:
    with pytest.raises(RecipeError, match="Jet_E"):
        rdf.define_latents(root.RDataFrame(3).Define("x", "1."), rdf.open_autoencoder(jets_model))


def test_engine_errors(jets_model: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.model"
    alone.write_bytes(jets_model.read_bytes())
    with pytest.raises(ModelError, match=r"alone\.Jet\.encoder\.onnx.*aeplugin export"):
        rdf.open_autoencoder(alone, engine="onnx")
    with pytest.raises(ModelError, match="unknown engine 'tensorflow'"):
        rdf.open_autoencoder(alone, engine="tensorflow")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="known are Jet"):
        rdf.open_autoencoder(alone, "Photon")


def test_telemetry_of_onnxruntime_is_off() -> None:
    config.find_engine_libraries()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


# compress and decompress


def test_compressed_file_explains_itself(events_file: Path, jets_model: Path, compressed_file: Path) -> None:
    metadata = files.read_metadata(compressed_file)
    assert files.is_compressed(compressed_file)
    assert not files.is_compressed(events_file)
    assert metadata.model.to_bytes() == jets_model.read_bytes()
    assert metadata.column_names == uproot.open(events_file)["events"].keys()
    assert metadata.input_name == events_file.name
    assert metadata.input_bytes == events_file.stat().st_size
    assert list(metadata.recipe.collections) == ["Jet"]


def test_round_trip(events_file: Path, jets_model: Path, compressed_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "decompressed.root"
    assert rdf.decompress(compressed_file, target) == 3000
    before, after = (uproot.open(path)["events"] for path in (events_file, target))
    assert after.keys() == before.keys()
    expected = reconstruct(events_file, jets_model)
    first, second = before.arrays(), after.arrays()
    assert second.type == first.type
    for name in first.fields:
        if name in (f"Jet_{v}" for v in VARIABLES):
            column = VARIABLES.index(name.removeprefix("Jet_"))
            assert np.array_equal(ak.to_numpy(ak.flatten(second[name])), expected[:, column])
        else:
            assert ak.all(second[name] == first[name])


def test_python_decodes_the_same_bits(events_file: Path, jets_model: Path, compressed_file: Path) -> None:
    metadata = files.read_metadata(compressed_file)
    blocks = list(files.iterate_decoded(compressed_file, metadata, metadata.model.collection("Jet"), step=700))
    assert [len(block.counts) for block in blocks] == [700, 700, 700, 700, 200]
    expected = reconstruct(events_file, jets_model)
    for i, variable in enumerate(VARIABLES):
        assert np.array_equal(np.concatenate([block.columns[variable] for block in blocks]), expected[:, i])


@pytest.mark.usefixtures("two_threads")
def test_order_is_kept_with_implicit_threads(events_file: Path, jets_model: Path, tmp_path: Path, root: Any) -> None:
    rdf.compress(events_file, tmp_path / "c.root", jets_model)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root", ttree=True)
    before, after = (uproot.open(path)["events"]["event"].array() for path in (events_file, tmp_path / "d.root"))
    assert ak.all(before == after)
    assert root.IsImplicitMTEnabled()


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flat_and_double_columns_come_back_as_they_were(
    tmp_path: Path, flat_model: Path, kind: str, dtype: type
) -> None:
    rng = np.random.default_rng(3)
    columns = {"pt": rng.lognormal(10, 1, 500).astype(dtype), "eta": rng.normal(size=500).astype(dtype)}
    columns["label"] = np.arange(500, dtype=np.int32)
    with uproot.recreate(tmp_path / "flat.root") as file:
        if kind == "TTree":
            file.mktree("jets", columns)
        else:
            file.mkrntuple("jets", columns)
    rdf.compress(tmp_path / "flat.root", tmp_path / "c.root", flat_model)
    latents = uproot.open(tmp_path / "c.root")["jets"]["jet_latent_0"].array()
    assert latents.ndim == 1
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root")
    after = uproot.open(tmp_path / "d.root")["jets"].arrays()
    assert after.fields == uproot.open(tmp_path / "flat.root")["jets"].keys()
    assert ak.to_numpy(after["pt"]).dtype == dtype
    assert np.array_equal(after["label"], columns["label"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jagged_ttree_of_an_ntuple(tmp_path: Path, flat_model: Path, dtype: type) -> None:
    """Arrays with a counter, as ATLAS and CMS ntuples have them, with an empty event."""
    counts = [2, 0, 3, 1]
    pt = ak.unflatten(np.array([50, 40, 90, 60, 30, 25], dtype) * 1000, counts)
    eta = ak.unflatten(np.linspace(-2, 2, 6).astype(dtype), counts)
    with uproot.recreate(tmp_path / "in.root") as file:
        file.mktree("nominal", {"pt": pt.type.content, "eta": eta.type.content, "run": "int32"})
        file["nominal"].extend({"pt": pt, "eta": eta, "run": np.arange(4, dtype=np.int32)})
    rdf.compress(tmp_path / "in.root", tmp_path / "c.root", flat_model)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root", ttree=True)
    after = uproot.open(tmp_path / "d.root")["nominal"].arrays()
    assert ak.num(after["pt"]).tolist() == counts
    assert ak.to_numpy(ak.flatten(after["eta"])).dtype == dtype
    assert after["run"].tolist() == [0, 1, 2, 3]


@pytest.fixture(scope="module")
def flat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model of two columns that a file has once per entry."""
    core = aeplugin._core
    rng = np.random.default_rng(1)

    def layer(inputs: int, outputs: int) -> Any:
        return core.Layer(rng.normal(size=(outputs, inputs)), np.zeros(outputs), core.Activation.linear)

    columns = [
        core.ModelColumn("pt", "pt", core.Transform.log10, 4, 0.5),
        core.ModelColumn("eta", "eta", core.Transform.linear, 0, 1),
    ]
    recipe = aeplugin.Recipe.from_text(
        """
        collections:
          jet:
            columns: {pt: {column: pt, tolerance: {rel: 0.1}}, eta: {column: eta, tolerance: {abs: 0.1}}}
        """
    )
    model = core.Model(recipe.to_text(), "{}", [core.CollectionModel("jet", columns, [layer(2, 1)], [layer(1, 2)])])
    path = tmp_path_factory.mktemp("flat") / "flat.model"
    model.save(str(path))
    return path


def test_the_input_is_never_replaced(events_file: Path, jets_model: Path, data: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.root"
    source.write_bytes(events_file.read_bytes())
    (tmp_path / "link.root").symlink_to(source)
    for target in (source, tmp_path / "link.root"):
        with pytest.raises(InputError, match="is the input itself"):
            rdf.compress(source, target, jets_model)
    rdf.compress(source, tmp_path / "c.root", jets_model)
    with pytest.raises(InputError, match="is the input itself"):
        rdf.decompress(tmp_path / "c.root", tmp_path / "c.root")
    assert source.read_bytes() == events_file.read_bytes()
    assert leftovers(tmp_path) == ["c.root", "link.root", "source.root"]


def test_misspelt_names_get_a_hint(events_file: Path, jets_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"called 'event'; did you mean 'events'\?"):
        rdf.compress(events_file, tmp_path / "c.root", jets_model, tree="event")


@pytest.mark.parametrize("name", ["a#b.root", "a?b.root", "a$b.root", "a b'é.root", "events"])
def test_names_of_files(events_file: Path, jets_model: Path, tmp_path: Path, name: str) -> None:
    assert rdf.compress(events_file, tmp_path / name, jets_model) == 3000
    assert leftovers(tmp_path) == [name]


def test_a_full_disk_leaves_nothing(events_file: Path, jets_model: Path, tmp_path: Path) -> None:
    code = "import sys; from aeplugin import rdf; rdf.load(); import resource; "
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); rdf.compress(*sys.argv[1:])"
    command = [sys.executable, "-c", code, events_file, tmp_path / "c.root", jets_model]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "disk full" in done.stderr or "cannot" in done.stderr
    assert "*** Break ***" not in done.stderr
    assert leftovers(tmp_path) == []


def test_tables_that_cannot_be_given_back_are_refused(tmp_path: Path, flat_model: Path, data: Path) -> None:
    numbers = {"pt": np.ones(3, np.float32), "eta": np.ones(3, np.float32)}
    target = tmp_path / "c.root"
    with uproot.recreate(tmp_path / "dots.root") as file:
        file.mktree("jets", {**numbers, "foo.bar": np.ones(3)})
    with pytest.raises(InputError, match=r"'foo\.bar' has a dot in its name"):
        rdf.compress(tmp_path / "dots.root", target, flat_model)
    with uproot.recreate(tmp_path / "empty.root") as file:
        file.mktree("jets", {name: values[:0] for name, values in numbers.items()})
    with pytest.raises(InputError, match="has no events"):
        rdf.compress(tmp_path / "empty.root", target, flat_model)
    (tmp_path / "bad.csv").write_text("nothing\n")
    assert rdf.convert(tmp_path / "bad.csv", tmp_path / "none.root", skip_bad_lines=True)[:2] == (0, 1)
    with pytest.raises(InputError, match="has no events"):
        rdf.compress(tmp_path / "none.root", target, flat_model)
    assert not target.exists()


def test_nested_vectors_cannot_go_into_a_ttree(tmp_path: Path, flat_model: Path) -> None:
    numbers = {"pt": np.ones(3, np.float32), "eta": np.ones(3, np.float32)}
    with uproot.recreate(tmp_path / "in.root") as file:
        file.mkrntuple("jets", {**numbers, "nested": ak.Array([[[1.0], [2.0, 3.0]], [], [[4.0]]])})
    rdf.compress(tmp_path / "in.root", tmp_path / "c.root", flat_model)
    with pytest.raises(InputError, match=r"'nested' of type .* cannot go into a TTree"):
        rdf.decompress(tmp_path / "c.root", tmp_path / "d.root", ttree=True)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root")
    assert uproot.open(tmp_path / "d.root")["jets"]["nested"].array().tolist() == [[[1.0], [2.0, 3.0]], [], [[4.0]]]


def test_the_recipe_comes_back_with_the_events(compressed_file: Path, tmp_path: Path) -> None:
    rdf.decompress(compressed_file, tmp_path / "d.root")
    recipe = aeplugin.Recipe.from_text(str(uproot.open(tmp_path / "d.root")["aeplugin_recipe"]))
    assert recipe == files.read_metadata(compressed_file).recipe


def test_compress_errors_leave_nothing(
    events_file: Path, jets_model: Path, flat_model: Path, compressed_file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.root"
    with pytest.raises(InputError, match="no such file"):
        rdf.compress(tmp_path / "nowhere.root", target, jets_model)
    with pytest.raises(RecipeError, match="no column 'pt'"):
        rdf.compress(events_file, target, flat_model)
    with pytest.raises(ModelError, match="ROOT file"):
        rdf.compress(events_file, target, events_file)
    with pytest.raises(InputError, match="no TTree or RNTuple called 'other'"):
        rdf.compress(events_file, target, jets_model, tree="other")
    with pytest.raises(CompatibilityError, match="not a compressed file"):
        rdf.decompress(events_file, target)
    with pytest.raises(InputError, match="not a ROOT file"):
        rdf.decompress(jets_model, target)
    assert leftovers(tmp_path) == []


def test_columns_that_are_not_floating_point_are_refused(tmp_path: Path, flat_model: Path) -> None:
    with uproot.recreate(tmp_path / "flat.root") as file:
        file.mktree("jets", {"pt": np.arange(5), "eta": np.arange(5.0)})
    with pytest.raises(RecipeError, match="float and double"):
        rdf.compress(tmp_path / "flat.root", tmp_path / "c.root", flat_model)


def test_truncated_compressed_files_are_refused(compressed_file: Path, tmp_path: Path) -> None:
    whole = compressed_file.read_bytes()
    cut = tmp_path / "cut.root"
    for size in range(0, len(whole), len(whole) // 7):
        cut.write_bytes(whole[:size])
        with pytest.raises((InputError, CompatibilityError, CorruptionError)):
            rdf.decompress(cut, tmp_path / "out.root")
    assert leftovers(tmp_path) == ["cut.root"]


def test_real_files(shared_data: Path, tmp_path: Path) -> None:
    """The published monojet file is converted; the flat ATLAS jets, some of mass below 0, go there and back."""
    from aeplugin import training

    source = next((shared_data / "darkmachines").glob("*.csv"))
    assert rdf.convert(source, tmp_path / "events.root")[:2] == (4800, 0)
    atlas = shared_data / "atlas_jets" / "atlas_jets_4d_train.root"
    recipe = aeplugin.Recipe.from_file("atlas-jets")
    recipe = recipe.model_copy(
        update={"training": recipe.training.model_copy(update={"epochs": 1, "batch_size": 2048})}
    )
    training.train([atlas], recipe).save(str(tmp_path / "atlas.model"))
    entries_written = rdf.compress(atlas, tmp_path / "c.root", tmp_path / "atlas.model")
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root", ttree=True)
    before, after = uproot.open(atlas)["jets"], uproot.open(tmp_path / "d.root")["jets"]
    assert entries_written == after.num_entries == before.num_entries
    assert after.keys() == before.keys()
    assert np.array_equal(after["jet_index"].array(), before["jet_index"].array())
