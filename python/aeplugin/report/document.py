"""A report as a PDF, typeset by typst with vector plots."""

from __future__ import annotations

import datetime
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from aeplugin.errors import InputError
from aeplugin.report.assembly import Report
from aeplugin.report.contents import Figure, Sheet, breakable

try:
    import typst
except ImportError:
    raise ImportError("the PDF of a report needs typst: pip install 'aeplugin[report]'") from None

MAIN, DATA = "document.typ", "report.json"


def write_document(report: Report, folder: Path, path: Path) -> None:
    """Typeset the report to `path`; its pictures are in `folder`, which gets what typst reads.

    The same report gives the same bytes: only fonts that come with typst, no clock.

    Raises:
        InputError: typst cannot make a document of a picture.
    """
    template = (files("aeplugin.report") / MAIN).read_text(encoding="utf-8")
    (folder / MAIN).write_text(template, encoding="utf-8")
    # Text travels as data and is never markup: whatever a stranger wrote comes out as it is.
    (folder / DATA).write_text(json.dumps(_plain(report)), encoding="utf-8")
    made = datetime.datetime.fromisoformat(report.labels.date).replace(tzinfo=datetime.UTC)
    try:
        typst.compile(folder / MAIN, output=path, root=folder, format="pdf", ignore_system_fonts=True, timestamp=made)
    except typst.TypstError as error:
        raise InputError(f"{path}: typst cannot make the PDF: {error.message}") from error


def _plain(report: Report) -> dict[str, Any]:
    """All that the template shows, as plain data."""
    return {
        "title": report.labels.title,
        "date": report.labels.date,
        "command": _breakable(report.labels.command),
        "versions": [f"{name} {version}" for name, version in report.versions.items()],
        "good": report.verdict.good,
        "headline": report.verdict.headline,
        "text": report.verdict.text,
        "tiles": [{"value": tile.value, "label": tile.label, "note": _breakable(tile.note)} for tile in report.tiles],
        "notes": [_breakable(note) for note in report.notes],
        "overview": [_sheet(sheet) for sheet in report.overview],
        "chapters": [
            {
                "title": chapter.title,
                "about": chapter.about,
                "items": [_figure(item) if isinstance(item, Figure) else _sheet(item) for item in chapter.items],
            }
            for chapter in report.chapters
        ],
        "recipes": [{"whose": whose, "text": text} for whose, text in report.recipes],
        "origins": [_sheet(sheet) for sheet in report.origins],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    pictures = [
        {
            "file": picture.pdf.name,
            "scale": picture.scale,
            "alt": figure.alt(picture),
            "shape": picture.width / picture.height,
        }
        for picture in figure.pictures
        if picture.pdf is not None
    ]
    return {
        "kind": "figure",
        "number": figure.number,
        "title": figure.title,
        "caption": figure.caption,
        "wide": figure.wide or len(pictures) > 1,
        "pictures": pictures,
    }


def _sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "kind": "table",
        "number": sheet.number,
        "title": sheet.title,
        "caption": sheet.caption,
        "columns": [_breakable(column) for column in sheet.columns],
        "rows": [[_breakable(cell) for cell in row] for row in sheet.rows],
        "numeric": sheet.numeric,
        "letters": sheet.letters,
    }


def _breakable(text: str) -> str:
    """With zero-width spaces where long words may break."""
    return "\u200b".join(breakable(text))
