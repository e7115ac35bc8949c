"""Reports in a real, headless Chromium: on a phone, on a desk, opened, without scripts, and printed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aeplugin.plots.inputs import Context
from aeplugin.plots.plot import Plot, Section
from aeplugin.report import write_report
from browser import NAMES, Browser, find_browser
from small_report import contents, drawing, make_context, make_labels

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
SMALLEST_FONT = 12
"""In CSS pixels."""

# Every element with text of its own that is seen: its font size, and the contrast of its colour with what is behind.
TEXTS = """
(() => {
  const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour.length == 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.body.querySelectorAll("*")].filter(element =>
    !element.matches("script, .skip") && element.checkVisibility() &&
    [...element.childNodes].some(node => node.nodeType == 3 && node.data.trim())
  ).map(element => {
    const style = getComputedStyle(element);
    const [low, high] = [luminance(numbers(style.color)), luminance(behind(element))].sort((a, b) => a - b);
    return {text: element.textContent.trim().slice(0, 40), size: parseFloat(style.fontSize),
            contrast: (high + 0.05) / (low + 0.05)};
  });
})()
"""
LOAD = """
Promise.all([...document.images].map(image => {
  image.loading = "eager";
  return image.decode().then(() => image.naturalWidth, error => 0);
}))
"""
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip(f"needs one of {', '.join(NAMES)} (Debian: chromium)")
    with Browser(program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    pytest.importorskip("ROOT", reason="needs ROOT", exc_type=ImportError)
    return make_context(tmp_path_factory.mktemp("report_files"))


@pytest.fixture(scope="module")
def page(context: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(context, contents(), make_labels(), tmp_path_factory.mktemp("report") / "report.html")[0]


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return SIZES[request.param]


def box(browser: Browser, selector: str) -> dict[str, float]:
    """Where an element lies in the window."""
    found: dict[str, float] = browser.evaluate(f"document.querySelector({selector!r}).getBoundingClientRect().toJSON()")
    return found


def look_inside(path: Path) -> tuple[list[int], list[str]]:
    """The page of each picture of a PDF, from 1, and the text of each page."""
    if shutil.which("pdftotext") is None or shutil.which("pdfimages") is None:
        pytest.skip("needs pdftotext and pdfimages (Debian: poppler-utils) to look inside")

    def run(*command: str | Path) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    listed = [line.split() for line in run("pdfimages", "-list", path).splitlines()[2:]]
    return [int(words[0]) for words in listed if words[2] == "image"], run("pdftotext", "-layout", path, "-").split(
        "\f"
    )


def click(browser: Browser, selector: str) -> None:
    """Click into the middle of an element, which is scrolled into the window first."""
    browser.evaluate(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
    place = box(browser, selector)
    where: dict[str, Any] = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)


def test_fits_into_the_window(browser: Browser, page: Path, size: tuple[int, int]) -> None:
    browser.open(page, *size)
    assert browser.evaluate(WIDTHS) == [size[0], size[0]]
    # The wide table scrolls by itself; the LaTeX of a table does, too.
    table = "document.querySelector('#table-4 .scroll')"
    assert browser.evaluate(f"{table}.scrollWidth > {table}.clientWidth")
    browser.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert browser.evaluate(WIDTHS) == [size[0], size[0]]
    assert browser.complaints == []


def test_every_picture_shows(browser: Browser, page: Path, size: tuple[int, int]) -> None:
    browser.open(page, *size)
    assert browser.evaluate(LOAD) == [576, 576, 576, 576, 1280]
    assert all(url.startswith(("data:image/png;base64,", "file://")) for url in browser.requests)
    assert len([url for url in browser.requests if url.startswith("file://")]) == 1


def test_text_can_be_read(browser: Browser, page: Path, size: tuple[int, int]) -> None:
    browser.open(page, *size)
    browser.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    texts = browser.evaluate(TEXTS)
    assert len(texts) > 150
    assert [text for text in texts if text["size"] < SMALLEST_FONT] == []
    assert [text for text in texts if text["contrast"] < 4.5] == []


def test_contents(browser: Browser, page: Path) -> None:
    """At the side on a desk, where it stays; folded at the top of a phone, with a way back to it."""
    shown = "['.beside', '.folded', '.up'].map(name => document.querySelector(name).checkVisibility())"
    browser.open(page, *SIZES["desk"])
    assert browser.evaluate(shown) == [True, False, False]
    browser.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    assert abs(box(browser, ".beside")["top"]) < 1
    assert box(browser, "h1")["left"] > box(browser, ".beside")["right"] - 1
    browser.open(page, *SIZES["phone"])
    assert browser.evaluate(shown) == [False, True, True]
    assert box(browser, ".folded")["height"] < 80
    click(browser, ".up")
    browser.wait_for("location.hash == '#contents'")
    assert 0 <= box(browser, ".folded")["top"] < 100


@pytest.mark.parametrize("script", [True, False])
def test_figures_open_and_close(browser: Browser, page: Path, size: tuple[int, int], script: bool) -> None:
    browser.open(page, *size, script=script)
    click(browser, "#open-2 img")
    browser.wait_for("document.querySelector('figure:target')?.id == 'open-2'")
    place = box(browser, "#open-2")
    assert (place["x"], place["y"], place["width"], place["height"]) == (0, 0, *size)
    assert browser.evaluate(WIDTHS) == [size[0], size[0]]
    click(browser, "#open-2 .next")
    browser.wait_for("document.querySelector('figure:target')?.id == 'open-3'")
    click(browser, "#open-3 .close")
    browser.wait_for("!document.querySelector('figure:target')")
    assert 0 <= box(browser, "#figure-3")["top"] < size[1]


def test_figures_open_by_their_fragment_and_keys(browser: Browser, page: Path) -> None:
    browser.open(page, *SIZES["desk"], fragment="open-3")
    assert box(browser, "#open-3")["height"] == SIZES["desk"][1]
    browser.press("ArrowRight")
    browser.wait_for("document.querySelector('figure:target')?.id == 'open-4'")
    browser.press("Tab")  # the first link of an opened figure, then the next ones
    assert browser.evaluate("document.activeElement.className") == "previous"
    browser.press("Escape")
    browser.wait_for("!document.querySelector('figure:target')")


def test_scales_are_chosen_without_script(browser: Browser, page: Path) -> None:
    shown = "[...document.querySelectorAll('#open-1 img')].map(image => image.checkVisibility())"
    browser.open(page, *SIZES["desk"], script=False)
    assert browser.evaluate(shown) == [True, False]
    click(browser, "#open-1 .label-1")
    browser.wait_for(f"{shown}[1]")
    assert browser.evaluate(shown) == [False, True]
    assert browser.evaluate("document.querySelector('#open-1 .picture-1 .scale').checkVisibility()") is False


def test_nothing_of_a_stranger_runs(browser: Browser, page: Path, tmp_path: Path) -> None:
    """Not even if it came into the page as it is."""
    evil = "<script>document.title = 'stolen'</script><img id=evil src='https://example.invalid/x.png'>"
    worse = tmp_path / "worse.html"
    worse.write_text(page.read_text().replace("<main>", f"<main>{evil}"))
    browser.open(worse, *SIZES["desk"])
    assert browser.evaluate("document.title") == "Compression of tt<i>&'bar"
    assert browser.evaluate("document.getElementById('evil').naturalWidth") == 0
    assert len([text for text in browser.complaints if "Content Security Policy" in text]) == 2
    browser.open(page, *SIZES["desk"])
    assert browser.evaluate("document.title") == "Compression of tt<i>&'bar"
    assert browser.complaints == []


@pytest.mark.parametrize("script", [True, False])
def test_prints(browser: Browser, page: Path, tmp_path: Path, script: bool) -> None:
    browser.open(page, *SIZES["phone"], script=script)
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.call("Emulation.setDeviceMetricsOverride", width=680, height=980, deviceScaleFactor=1, mobile=False)
    assert browser.evaluate(WIDTHS) == [680, 680]  # the inside of a page of A4
    hidden = "[...document.querySelectorAll('.bar, .copy, .up, .folded, .skip')].some(e => e.checkVisibility())"
    assert browser.evaluate(hidden) is False
    assert browser.evaluate("[...document.images].every(image => image.checkVisibility())")
    browser.call("Emulation.setEmulatedMedia", media="")
    browser.print(tmp_path / "page.pdf")
    pictures, sheets = look_inside(tmp_path / "page.pdf")
    assert len(pictures) == 5  # both of the first figure's
    text = "".join(sheets)
    assert "linear" in text
    assert "logarithmic" in text
    assert "periodic: true" in text, "the recipe is folded"
    assert sheets[0].rstrip().endswith(f"1/{len(sheets) - 1}")


def test_no_figure_is_cut_by_the_end_of_a_page(
    browser: Browser, context: Context, tmp_path: Path, size: tuple[int, int]
) -> None:
    """Every picture stands on the page of its caption, all of it; captions of many lines would reach the next one."""
    caption = "Its caption has many lines. " * 20 + "END"
    draw = drawing(np.sin(np.linspace(0, 20, 200)), width=8.0)
    plots = [Plot(f"p{i}", Section.variables, f"Plot {i}", caption, draw, width=2) for i in range(9)]
    path = write_report(context, plots, make_labels(), tmp_path / "long.html")[0]
    browser.open(path, *size)
    browser.print(tmp_path / "long.pdf")
    pictures, sheets = look_inside(tmp_path / "long.pdf")
    begin, end = (
        [number for number, sheet in enumerate(sheets, 1) for _ in range(len(re.findall(pattern, sheet)))]
        for pattern in (r"Figure \d\.", r"\bEND\b")
    )
    assert len(pictures) == 9
    assert pictures == begin == end
    assert max(pictures) > min(pictures) + 1
