"""A report as one HTML page that needs nothing but itself, and no script to be read."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from aeplugin.report.assembly import Report
from aeplugin.report.contents import Sheet, breakable

_PAGE, _PADDING, _LETTER = 510.0, 7.0, 0.62
"""Of printed tables: points across A4 between margins, points around the text of a cell, width of a letter in ems."""


def write_page(report: Report, path: Path) -> None:
    """Write the page to `path`, with every picture inside; it is written as it grows, with one picture in memory."""
    script = own("page.js")
    stream = (
        environment()
        .get_template("page.html.j2")
        .stream(
            report=report,
            style=Markup(own("style.css")),
            script=Markup(script),
            # The browser runs this script and no other, and loads nothing from anywhere.
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )
    # Names of files need not be valid text.
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        for chunk in stream:
            file.write(chunk)


def environment(*packages: str) -> Environment:
    """Where templates of reports, and those of other `packages`, become pages."""
    # Everything is escaped: titles, labels and recipes may come from strangers.
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package, ".") for package in (*packages, "aeplugin.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"png": _png, "download": _download, "breakable": _breakable, "print_size": _print_size}
    return made


def own(name: str) -> str:
    """The text of a file of this package."""
    return (files("aeplugin.report") / name).read_text(encoding="utf-8")


def _breakable(text: str) -> Markup:
    """A text, escaped, whose long words may break between their parts."""
    return Markup("<wbr>").join(breakable(text))


def _print_size(sheet: Sheet) -> str:
    """The size of letters, in points, with which a table is no wider than a printed page."""
    room = _PAGE - _PADDING * len(sheet.columns)
    letters = sum(broken for broken, _ in sheet.letters)
    return f"{min(7.5, max(4.0, room / (_LETTER * max(letters, 1)))):.2g}"


def _png(path: Path) -> str:
    """A picture as a URL that holds it."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _download(text: str, kind: str) -> str:
    """A text as a URL that holds it."""
    return f"data:{kind};charset=utf-8;base64," + base64.b64encode(text.encode()).decode()
