"""The golden file of the codec `autoregressive`: events as NanoAOD has them, and a density that nobody has trained."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from aeplugin._core import Activation, Density, DensityFeature, DensityVariable, Layer
from format_grids import EXACT_MARK, Grid

TOLERANCES: dict[str, tuple[str, float]] = {
    "MET_pt": ("rel", 0.02), "MET_phi": ("abs", 0.01), "Jet_pt": ("rel", 0.02), "Jet_eta": ("abs", 0.01),
    "Jet_phi": ("abs", 0.01), "Jet_E": ("rel", 0.02), "Muon_x": ("abs", 0.001),
}  # fmt: skip
RECIPE = """
collections:
  MET:
    codec: autoregressive
    columns:
      pt: {tolerance: {rel: 0.02}, sentinels: [-999]}
      phi: {tolerance: {abs: 0.01}}
      flag: {tolerance: exact}
  Jet:
    codec: autoregressive
    columns:
      kind: {tolerance: exact}
      btag: {tolerance: exact}
      pt: {tolerance: {rel: 0.02}}
      eta: {tolerance: {abs: 0.01}, sentinels: [-99]}
      phi: {tolerance: {abs: 0.01}}
      E: {tolerance: {rel: 0.02}}
  Muon:
    codec: autoregressive
    columns:
      charge: {tolerance: exact}
      id: {tolerance: exact}
      x: {tolerance: {abs: 0.001}}
columns:
  weight: {tolerance: {abs: 0.001}}
"""


def event_table(seed: int, events: int = 200) -> dict[str, Any]:
    """Missing momentum, jets in descending pt within their kind, and muons; with values that no density expects."""
    rng = np.random.default_rng(seed)
    jets, muons = rng.poisson(2, events), rng.integers(0, 3, events)
    n, m = int(jets.sum()), int(muons.sum())
    eta, pt = rng.normal(0, 1.5, n).astype(np.float32), (20 + rng.exponential(40, n)).astype(np.float32)
    kind = rng.choice(np.array([-1, 0, 1, 4], np.int8), n)
    order = np.lexsort([-pt, kind, np.repeat(np.arange(events), jets)])
    pt, kind = pt[order], kind[order]
    energy = pt * np.cosh(eta) * rng.normal(1, 0.01, n).astype(np.float32)
    special = np.array([np.nan, np.inf, 0, -0.0, -99, 1e30], np.float32)
    for values in (pt, eta, energy):
        chosen = rng.random(n) < 0.03
        values[chosen] = rng.choice(special, chosen.sum())
    kind[rng.random(n) < 0.02] = 127
    id_ = np.where(rng.random(m) < 0.8, 13, rng.integers(0, 2**32, m)).astype(np.uint32)
    phi = [rng.uniform(-np.pi, np.pi, size).astype(np.float32) for size in (events, n)]
    jet = {"kind": kind, "btag": rng.random(n) < 0.2, "pt": pt, "eta": eta, "phi": phi[1], "E": energy}
    muon = {"charge": rng.choice(np.array([-1, 1], np.int16), m), "id": id_, "x": rng.normal(0, 1, m)}
    return {
        "event": np.arange(events, dtype=np.uint64),
        "MET_pt": np.where(rng.random(events) < 0.05, -999, rng.exponential(50, events)).astype(np.float32),
        "MET_phi": phi[0],
        "MET_flag": rng.integers(0, 4, events, dtype=np.uint8),
        "Jet": ak.zip({name: ak.unflatten(values, jets) for name, values in jet.items()}),
        "Muon": ak.zip({name: ak.unflatten(values, muons) for name, values in muon.items()}),
        "weight": rng.normal(0, 1, events).astype(np.float32),
    }


class _Maker:
    def __init__(self, seed: int, table: dict[str, Any]) -> None:
        self.rng, self.table = np.random.default_rng(seed), table

    def range_of(self, column: str, shift: int = 0) -> dict[str, Any]:
        """Most of the integers of a column."""
        collection, _, name = column.partition("_")
        values = self.table[column] if column in self.table else ak.flatten(self.table[collection][name])
        values = ak.to_numpy(values)
        grid = Grid(*TOLERANCES[column], values.dtype, [])
        integers: NDArray[np.int64] = grid.nearest(values[np.isfinite(values)].astype(np.float64))
        first, last = np.quantile(integers, [0.02, 0.99]).astype(int).tolist()
        size = ((last - first) >> shift) + 1
        return {
            "first": first,
            "range": size,
            "shift": shift,
            "middle": (first >> shift) + size / 2,
            "spread": size / 5,
        }

    def network(self, inputs: int, outputs: int, half: bool) -> list[Layer]:
        widths, layers = [inputs, 6, outputs] if half else [inputs, outputs], []
        for number, (before, after) in enumerate(pairwise(widths)):
            weights = self.rng.normal(0, 0.5 / np.sqrt(before), (after, before)).astype(np.float32)
            biases = self.rng.normal(0, 0.3, after).astype(np.float32)
            if half:
                weights, biases = (numbers.astype(np.float16).astype(np.float32) for numbers in (weights, biases))
            hidden = Activation.relu if outputs % 2 else Activation.leaky_relu
            layers.append(Layer(weights, biases, Activation.linear if number == len(widths) - 2 else hidden))
        return layers

    def variable(self, group: str, name: str, *features: DensityFeature, half: bool = True,
                 **rest: Any) -> DensityVariable:  # fmt: skip
        column = f"{group}_{name}" if name else ""
        kind, tolerance = TOLERANCES.get(column, ("exact", 0.0))
        about = {"kind": kind, "tolerance": tolerance, "features": features, **rest}
        outputs = DensityVariable(group, name, column, **about).outputs(slices=16)
        return DensityVariable(group, name, column, **about, network=self.network(len(features), outputs, half))


def golden_density(seed: int, table: dict[str, Any]) -> Density:
    """Every location, source and view, ranges and atoms, and numbers of both precisions."""
    make, of, turn = _Maker(seed, table), DensityFeature, {"first": -157, "range": 315, "spread": 60.0}
    met_pt, met_phi, met_flag, jets, _, kind, btag, pt, phi, eta, _, charge, id_, x = range(14)
    variables = [
        make.variable("MET", "pt", of("index"), atoms=[EXACT_MARK + 1], **make.range_of("MET_pt")),
        make.variable("MET", "phi", of("event", "linear", met_pt, factor=0.01), periodic=True, half=False, **turn),
        make.variable("MET", "flag", of("event", "equals", met_pt, category=EXACT_MARK + 1), atoms=[0, 1, 2]),
        make.variable("Jet", "", of("event", "size", met_phi, factor=0.01), range=6, middle=2, spread=2),
        make.variable("Muon", "", of("count", "linear", jets), of("count", "equals", jets, category=0), atoms=[0, 1]),
        make.variable("Jet", "kind", of("back", "equals", kind, 1, 4), of("remaining"), atoms=[-1, 0, 1, 4]),
        make.variable("Jet", "btag", of("own", "equals", kind, category=4), of("first", "linear", btag), atoms=[0, 1]),
        make.variable(
            "Jet", "pt", of("missing", factor=0.2), of("activity", factor=0.2),
            of("back", "linear", eta, 2, factor=0.01),
            descending=True, within=kind, **make.range_of("Jet_pt"),
        ),
        make.variable(
            "Jet", "phi", of("phase"), of("event", "sine", met_phi), of("first", "cosine", phi),
            of("count", "size", jets),
            location="direction", periodic=True, **turn,
        ),
        make.variable(
            "Jet", "eta", of("back", "separation", phi, 1), of("own", "cosine", phi), of("longitudinal", "size"),
            of("back", "linear", eta, 1, factor=0.01), atoms=[EXACT_MARK, 0], half=False, **make.range_of("Jet_eta", 1),
        ),
        make.variable(
            "Jet", "E", of("phase", "size"), of("own", "size", eta, factor=0.01, offset=-1.0), location="formula",
            formula="pt * cosh(eta)", first=-4, range=9, spread=2.0,
        ),
        make.variable("Muon", "charge", of("index", "equals", category=0), location="previous", first=-2, range=5),
        make.variable("Muon", "id", of("own", "linear", charge), of("event", "linear", met_flag), atoms=[13],
                      first=0, range=16383, shift=16, middle=8000.0, spread=3000.0),
        make.variable("Muon", "x", of("own", "equals", id_, category=13), of("back", "cosine", x, 1), of("missing"),
                      double=True, descending=True, **make.range_of("Muon_x", 3)),
    ]  # fmt: skip
    return Density(variables, [(pt, phi, eta)], (met_pt, met_phi))
