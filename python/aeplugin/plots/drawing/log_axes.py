"""Ticks of logarithmic axes that say something also where the axis is short."""

from __future__ import annotations

import math

from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from aeplugin.plots.drawing import wording

_SHORT, _VERY_SHORT = 1.8, 0.5  # in decades


def set_log_ticks(axis: Axis) -> None:
    """Label decades; where there are hardly two, also 2 and 5 times them, and on less than half a decade round numbers.

    To be called when the axis is logarithmic and has its limits.
    """
    low, high = sorted(axis.get_view_interval())
    decades = math.log10(high / low)
    if decades >= _SHORT:
        axis.set_major_locator(LogLocator(numticks=9))
        axis.set_minor_locator(LogLocator(subs=[2, 3, 4, 5, 6, 7, 8, 9], numticks=99))
        axis.set_minor_formatter(NullFormatter())
        return
    if decades >= _VERY_SHORT:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        every = [factor * 10.0**power for power in range(first, last) for factor in range(1, 10)]
        axis.set_minor_locator(FixedLocator([x for x in every if low <= x <= high]))
        axis.set_minor_formatter(NullFormatter())
        ticks = [x for x in every if round(x / 10 ** math.floor(math.log10(x) + 1e-9)) in (1, 2, 5)]
    else:
        axis.set_minor_locator(NullLocator())
        ticks = list(MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high))
    axis.set_major_locator(FixedLocator([x for x in ticks if low <= x <= high]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: wording.number(value, 4)))
