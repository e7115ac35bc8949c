"""Networks x normalisations x losses on three public sets, and the dimension of the latents on a fourth.

Every network is one trial of `aeplugin scan`; a scan that is complete is not run again. Prints the rankings and writes
them to build/benchmarks/networks.md, which docs/networks.md quotes.

    python tests/benchmarks/networks.py [monojet] [atlas] [higgs] [physlite] [--workers N]
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import ROOT
import uproot
from common import BUILD, REPOSITORY, RESULTS, real_events

from aeplugin.formats import convert

RECIPES = Path(__file__).parent / "networks"
SHARED = REPOSITORY.parent / "shared" / "data"
PRESETS = "preset=4-200-200-20-3,4-200-100-50-3,4-400-400-3"
LOSSES = "loss.kind=tolerance,mse"


@dataclass(frozen=True)
class Study:
    """A scan over the fields of one collection."""

    collection: str
    source: Callable[[], Path]
    fields: tuple[str, ...]


def monojet() -> Path:
    """The published file, or the generated one."""
    target = BUILD / "networks" / "monojet.root"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        convert(real_events(), target)
    return target


def atlas() -> Path:
    """As it is."""
    return SHARED / "atlas_jets" / "atlas_jets_4d_train.root"


def physlite() -> Path:
    """All columns of jets with one float each, without the hundreds of others."""
    target = BUILD / "networks" / "physlite.root"
    if not target.exists():
        prefix = "AnalysisJetsAuxDyn."
        with uproot.open(SHARED / "physlite" / "coffea_PHYSLITE_example.root") as file:
            tree = file["CollectionTree"]
            names = [n for n, kind in tree.typenames().items() if n.startswith(prefix) and kind == "std::vector<float>"]
            columns = {name.replace(prefix, "Jet_"): tree[name].array() for name in names}
        target.parent.mkdir(parents=True, exist_ok=True)
        with uproot.recreate(target) as file:
            file.mkrntuple("events", columns)
    return target


def higgs() -> Path:
    """Both trees of the ROOT tutorials' file, with names that expressions can have."""
    target = BUILD / "networks" / "higgs.root"
    if not target.exists():
        source = Path(ROOT.__file__).parent / "tutorials" / "machine_learning" / "data" / "Higgs_data.root"
        with uproot.open(source) as file:
            trees = [file[name].arrays(library="np") for name in ("sig_tree", "bkg_tree")]
        names = [name for name in trees[0] if name != "Type"]
        columns = {f"higgs_{n.replace('-', '_')}": np.concatenate([tree[n] for tree in trees]) for n in names}
        target.parent.mkdir(parents=True, exist_ok=True)
        with uproot.recreate(target) as file:
            file.mkrntuple("events", columns)
    return target


STUDIES = {
    "monojet": Study("Jet", monojet, (f"network.{PRESETS}", "normalisation=standard,min-max,quantile,phenoml", LOSSES)),
    "atlas": Study("jet", atlas, (f"network.{PRESETS}", "normalisation=standard,min-max,quantile,aod", LOSSES)),
    "higgs": Study(
        "higgs",
        higgs,
        (
            "network.activation=tanh,leaky_relu",
            "network.norm=none,batch",
            "normalisation=standard,quantile",
            "loss.kind=tolerance,mse",
        ),
    ),
    "physlite": Study("Jet", physlite, ("network.latents=20,18,16,14,12,10,8",)),
}


def run(name: str, workers: int) -> str:
    """Run one study; gives its ranking as Markdown."""
    study = STUDIES[name]
    folder = BUILD / "networks" / name
    fields = [word for field in study.fields for word in ("--set", f"collections.{study.collection}.{field}")]
    recipe, source = RECIPES / f"{name}.yaml", study.source()
    command = ["aeplugin", "scan", recipe, source, "-o", folder, *fields, "--workers", str(workers)]
    subprocess.run([str(word) for word in command], check=True)
    return next(folder.glob("*ranking*.md")).read_text(encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", choices=[*STUDIES, []], default=list(STUDIES))
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    text = "".join(f"## {name}\n\n{run(name, arguments.workers)}\n" for name in arguments.studies)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "networks.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
