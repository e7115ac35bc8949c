"""aeplugin in PyROOT: Dark Machines text, RDataFrame steps, engines, threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin import Recipe, config, darkmachines, export, rdf
from aeplugin.errors import InputError, ModelError, RecipeError
from aeplugin.recipe_resolution import to_rules

VARIABLES = ("E", "pt", "eta", "phi")


@pytest.fixture
def two_threads(root: Any) -> Iterator[None]:
    root.EnableImplicitMT(2)
    yield
    root.DisableImplicitMT()


@pytest.fixture(scope="module")
def exported_model(jets_model: Path) -> Path:
    export.export(jets_model, ["onnx", "torchscript"])
    return jets_model


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
    rules = to_rules(Recipe.from_text(model.recipe))
    aeplugin.Model(model.recipe, rules, model.training, [retrained]).save(str(path))
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
