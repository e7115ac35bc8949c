"""Normalisations of the published studies, by the names of variables.

`aod`: 27 variables of ATLAS trigger jets, energies in GeV (the HEPAutoencoders project; E. Wallin, bachelor's thesis,
Lund University, 2020). `cms24`: of those pt, eta, phi and mass, for CMS jets, where all others are min-max normalised
(GSoC 2021). `phenoml`: Dark Machines events (GSoC 2020).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """(transform(factor x + offset) - mean) / scale.

    Attributes:
        log10: whether the transform is the logarithm.
        energy: whether x is in GeV, so that the factor depends on the unit of the file.
    """

    scale: float
    mean: float = 0
    log10: bool = False
    factor: float = 1
    offset: float = 0
    energy: bool = False


_ETA, _PHI, _WIDTH, _AREA_PT = Published(5), Published(3), Published(0.6), Published(0.7)
_OUT_OF_TIME = Published(0.3, log10=True, offset=1)
_MASS = Published(1.8, log10=True, offset=1, energy=True)
_PT = Published(1.2, 1.3, log10=True, energy=True)
_CALO: dict[str, Published] = {
    "DetectorEta": _ETA,
    "ActiveArea4vec_eta": _ETA,
    "ActiveArea4vec_phi": _PHI,
    "ActiveArea4vec_m": Published(0.18, 0.15 * 0.18),
    "ActiveArea4vec_pt": _AREA_PT,
    "ActiveArea": Published(0.8),
    "EMFrac": Published(1.6),
    "NegativeE": Published(1.6, log10=True, factor=-1, offset=1, energy=True),
    "Width": _WIDTH,
    "WidthPhi": _WIDTH,
    "N90Constituents": Published(20),
    "Timing": Published(40),
    "HECQuality": Published(1),
    "HECFrac": Published(1),
    "LArQuality": Published(0.6),
    "AverageLArQF": Published(2.5, 2, log10=True, offset=100),
    "LeadingClusterPt": Published(1.2, log10=True, energy=True),
    "LeadingClusterCenterLambda": Published(2, 2, log10=True, offset=100),
    # These two are lengths squared; the study divided them by 1000 as if they were energies.
    "LeadingClusterSecondLambda": Published(1, 2, log10=True, offset=100, factor=1e-3),
    "LeadingClusterSecondR": Published(0.6, 2, log10=True, offset=100, factor=1e-3),
    "CentroidR": Published(0.8, 3, log10=True),
    "OotFracClusters5": _OUT_OF_TIME,
    "OotFracClusters10": _OUT_OF_TIME,
}
_FOUR_VECTOR = {"pt": _PT, "eta": _ETA, "phi": _PHI, "m": _MASS, "mass": _MASS}
_LOG_ENERGY = Published(1, log10=True, energy=True)

PUBLISHED: dict[str, dict[str, Published]] = {
    "aod": {**_FOUR_VECTOR, **_CALO},
    "cms24": _FOUR_VECTOR,
    "phenoml": {"pt": _LOG_ENERGY, "E": _LOG_ENERGY, "eta": _ETA, "phi": _PHI},
}
GEV = {"MeV": 1e-3, "GeV": 1.0, "TeV": 1e3}
"""How many GeV a unit is."""
