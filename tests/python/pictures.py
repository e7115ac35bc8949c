"""How pictures are compared with those in `baseline`; make these anew with pytest's --mpl-generate-path."""

from __future__ import annotations

from typing import Any

from aeplugin.plots.drawing import style

PICTURE: dict[str, Any] = {
    "baseline_dir": "baseline",
    "tolerance": 8,
    "savefig_kwargs": {"dpi": 50},
    "style": style.settings("atlas"),
}
"""Arguments of `pytest.mark.mpl_image_compare`. The style is active again when the figure is saved, for its fonts."""
