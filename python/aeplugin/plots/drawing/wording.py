"""How plots write numbers, shares and names."""

from __future__ import annotations

import math

from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import FuncFormatter

from aeplugin.errors import RecipeError
from aeplugin.recipe import LooseColumn


def number(value: float, digits: int = 3) -> str:
    """A number as mathtext with so many significant digits: ``$1.2\\times10^{-5}$``."""
    if not math.isfinite(value):
        return "undefined"
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        if mantissa in ("1", "-1"):
            return upright(f"{mantissa[:-1]}10^{{{int(exponent)}}}")
        return upright(rf"{mantissa}{{\times}}10^{{{int(exponent)}}}")
    return upright(f"{float(f'{value:.{digits}g}'):g}")


def upright(text: str) -> str:
    """Upright digits (this style's default in mathtext is italic) and real minus signs; plain text where it can be."""
    if "{" not in text and "\\" not in text:
        return text.replace("-", "\u2212")
    return rf"$\mathrm{{{text}}}$"


def percent(share: float) -> str:
    """A share of 1 in per cent; never rounded to 0 % or 100 % unless it is."""
    if share == 0 or share == 1:
        return f"{100 * share:g} %"
    if share < 1e-4:
        return "< 0.01 %"
    if share > 0.9999:
        return "> 99.99 %"
    return f"{100 * share:.3g} %" if share < 0.99 else f"{100 * share:.2f} %"


def amount(value: float, unit: str) -> str:
    """A number with its unit; a relative one (unit ``%``) is given as a fraction of 1."""
    return f"{number(100 * value if unit == '%' else value)} {unit}".strip()


def count(objects: int) -> str:
    """A count with thin spaces between groups of three digits."""
    return f"{objects:,}".replace(",", "\u2009")


def axis_exponent(reach: float, unit: str) -> int:
    """The power of ten to take out of tick labels up to `reach`, so that these stay short."""
    if unit == "%":
        return -2 if reach > 1e-5 else math.floor(math.log10(reach) / 3) * 3
    if reach <= 0 or 0.02 <= reach < 1e5:
        return 0
    return math.floor(math.log10(reach) / 3) * 3


def axis_title(text: str, unit: str, exponent: int) -> str:
    """``text [unit]`` with the power of ten that the tick labels leave out."""
    if unit == "%":
        unit, exponent = ("%", 0) if exponent == -2 else ("", exponent)
    inside = " ".join(part for part in (upright(f"10^{{{exponent}}}") if exponent else "", unit) if part)
    return f"{text} [{inside}]" if inside else text


def plain_ticks(exponent: int = 0) -> FuncFormatter:
    """Tick labels without offset or exponent, in units of 10**exponent."""
    return FuncFormatter(lambda value, _: upright(f"{round(value / 10.0**exponent, 9):g}"))


def variable_label(variable: str, column: LooseColumn) -> str:
    """The recipe's label of a variable, else its name.

    Raises:
        RecipeError: the label is no valid mathtext.
    """
    label = column.label or variable
    try:
        MathTextParser("path").parse(label)
    except ValueError as error:
        reason = str(error).strip().splitlines()[-1]
        raise RecipeError(f"label {label!r} of variable {variable!r}: not valid mathtext ({reason})") from None
    return label if column.label else label.replace("$", r"\$")


def plural(collection: str) -> str:
    """What the objects of a collection are called: ``Jets``."""
    name = collection[:1].upper() + collection[1:]
    return name if name.endswith("s") else name + "s"


def measured(value: float, error: float, unit: str) -> str:
    """A value with its uncertainty, both to two digits of the latter; ``value`` alone where that is 0 or not known."""
    if not (error > 0 and math.isfinite(value) and math.isfinite(error)):
        return f"{number(value)} {unit}".rstrip()
    power = math.floor(math.log10(error))
    common = 0 if -4 <= power <= 4 else power // 3 * 3
    digits = max(1 - (power - common), 0)
    both = " \u00b1 ".join(f"{round(x, 1 - power) / 10.0**common:.{digits}f}" for x in (value, error))
    scale = rf" $\times$ {upright(f'10^{{{common}}}')}" if common else ""
    return f"({both}){scale} {unit}".replace("-", "\u2212", 1 if value < 0 else 0).rstrip()
