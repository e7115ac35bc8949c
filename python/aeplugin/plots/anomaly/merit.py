"""The figures of merit of ROC curves as rows of tables: those of the Dark Machines challenge, with uncertainties."""

from __future__ import annotations

from aeplugin.plots.plot import Cell
from aeplugin.roc import FEWEST, Roc

BACKGROUND_EFFICIENCIES = (1e-2, 1e-3, 1e-4)
"""Where the Dark Machines challenge looks at the signal efficiency."""
HEADINGS = (
    *("AUC", "AUC uncertainty"),
    *(f"{what} at {share:.0e}" for share in BACKGROUND_EFFICIENCIES for what in ("efficiency", "uncertainty")),
)
CAPTION = (
    "Area under the ROC curve, and signal efficiencies at background efficiencies of 1e-2, 1e-3 and 1e-4, "
    f"with statistical uncertainties; empty where less than {FEWEST} background events would be selected."
)


def figures_of_merit(curve: Roc) -> tuple[Cell, ...]:
    """What stands below `HEADINGS`; None for what cannot be told."""
    cells: list[Cell] = [curve.auc, curve.auc_uncertainty]
    for background in BACKGROUND_EFFICIENCIES:
        found = curve.efficiency(background)
        cells += [None, None] if found is None else [found.value, found.uncertainty]
    return tuple(cells)
