"""Reports: what is in them, that nothing is loaded, run or believed from strangers, and that they appear whole."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import aeplugin.report
from aeplugin.cli import main
from aeplugin.errors import InputError, RecipeError
from aeplugin.evaluation import evaluate
from aeplugin.plots.drawing import style
from aeplugin.plots.inputs import Context, Inputs, open_inputs
from aeplugin.plots.plot import Plot, Section, Table
from aeplugin.plots.tables import to_csv
from aeplugin.recipe import Recipe
from aeplugin.report import make_report, pictures, summary, write_report
from aeplugin.report.contents import Sheet, breakable
from aeplugin.report.facts import DataSet, Facts, Promise, gather
from small_report import COMMAND, EVIL, RECIPE, contents, jets, make_context, make_labels, write_jets

VOID = {"meta", "img", "input", "br", "wbr", "link"}


class Page(HTMLParser):
    """What a browser sees of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, str] = {}
        """The text inside each element with an id, inner elements included."""
        self._ids: list[str | None] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
            self._ids.append(dict(attributes).get("id"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._ids.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            return
        for name in filter(None, self._ids):
            self.texts[name] = self.texts.get(name, "") + data

    def all(self, tag: str, name: str | None = None) -> list[Any]:
        """All elements of a kind, or the values of one of their attributes."""
        found = [attributes for kind, attributes in self.elements if kind == tag]
        return found if name is None else [attributes[name] for attributes in found if name in attributes]


def data_of(url: str) -> bytes:
    """The content of a data: URL."""
    head, _, body = url.partition(",")
    return base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    pytest.importorskip("ROOT", reason="needs ROOT", exc_type=ImportError)
    return make_context(tmp_path_factory.mktemp("report_files"))


@pytest.fixture(scope="session")
def path(context: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert write_report(context, contents(), make_labels(), path) == [path]
    return path


@pytest.fixture(scope="session")
def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_elsewhere(path: Path, page: Page) -> None:
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]
    assert {tag for tag, _ in page.elements} & {"link", "iframe", "object", "embed", "base", "video", "form"} == set()
    assert all(source.startswith("data:image/png;base64,") for source in page.all("img", "src"))
    assert page.all("script") == [{}]
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    style_sheet = path.read_text().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style_sheet
    assert "@import" not in style_sheet
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_links_lead_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = page.all("a", "href")
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all(link.startswith(("#", "data:text/csv;")) for link in links)
    used = page.all("label", "for") + [
        name for _, attributes in page.elements for name in (attributes.get("aria-labelledby") or "").split()
    ]
    assert set(used) <= set(ids)


def test_head(page: Page) -> None:
    assert page.all("html", "lang") == ["en"]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert [tag for tag, _ in page.elements if tag in ("h1", "h2")].count("h1") == 1
    assert page.all("time", "datetime") == ["2026-02-03"]


def test_contents_are_those_of_the_sections(page: Page) -> None:
    sections = [name for name in page.all("section", "id") if name.startswith("section-")]
    assert sections == ["section-variables", "section-physics", "section-outliers"]
    links = page.all("a", "href")
    for name in (*sections, "summary", "recipe", "provenance", "figure-1", "figure-4", "table-3", "table-4"):
        assert links.count(f"#{name}") >= 2, name  # beside the page, and folded above it
    assert [name for name in page.all("div", "id") if name.startswith("figure")] == [
        f"figure-{i}" for i in (1, 2, 3, 4)
    ]
    assert [name for name in page.all("div", "id") if name.startswith("table")] == [f"table-{i}" for i in range(1, 7)]
    assert "Never seen" not in "".join(page.texts.values())


def test_linear_and_logarithmic_stand_together(page: Page) -> None:
    assert len(page.all("img")) == 5
    radios = page.all("input")
    assert [(radio["type"], radio["name"], "checked" in radio) for radio in radios] == [
        ("radio", "scale-1", True),
        ("radio", "scale-1", False),
    ]
    first, second = page.all("img", "alt")[:2]
    assert first == "Twin, linear axis. On two axes."
    assert second == "Twin, logarithmic axis. On two axes."
    assert page.texts["caption-1"] == "Figure 1. Twin. On two axes."


def test_what_strangers_wrote_is_text(page: Page) -> None:
    assert f"Title {EVIL}" in page.texts["caption-2"]
    assert f"Caption {EVIL}." in page.texts["caption-2"]
    assert EVIL in page.texts["table-3"]
    assert 'label: <script>document.title="stolen"</script>' in page.texts["recipe"]
    assert COMMAND in page.texts["provenance"]
    assert "tt<i>&'bar.compressed.root" in page.texts["table-5"]
    assert not {tag for tag, _ in page.elements} & {"b", "i"} - {"b"}
    assert len(page.all("b")) == 4 + 6  # headings of figures and tables, and none of EVIL's


def test_pictures_are_small_and_true(path: Path, page: Page) -> None:
    with style.active("atlas"):
        buffer = io.BytesIO()
        contents()[3].draw().savefig(buffer, dpi=pictures.RESOLUTION)
    with Image.open(buffer) as original:
        expected = np.asarray(original.convert("RGB")).astype(int)
    attributes = page.all("img")[0]
    content = data_of(attributes["src"])
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.mode == "P"
        assert picture.size == (int(attributes["width"]), int(attributes["height"])) == (576, 448)
        found = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(found - expected).mean() < 0.2
    assert len(content) < 0.6 * len(buffer.getvalue())
    assert all(image["loading"] == "lazy" for image in page.all("img"))


def test_tables(path: Path, page: Page) -> None:
    table = contents()[-1]
    links = {link["download"]: link["href"] for link in page.all("a") if "download" in link}
    assert set(links) == {f"{name}.csv" for name in (
        "data_sets", "tolerances", "numbers", "wide", "files", "columns_tt<i>&'bar",
    )}  # fmt: skip
    assert data_of(links["numbers.csv"]).decode() == to_csv(table)
    assert r"\begin{tabular}{lrr}" in page.texts["table-3"]
    text = path.read_text().split('id="table-3"')[1]
    assert '<td class="number">12,345</td><td class="number">0.5</td>' in text
    assert "column_<wbr>with_<wbr>a_" in path.read_text()


def test_facts_are_those_of_the_files(context: Context, page: Page) -> None:
    pair = context.pair
    result = evaluate(pair.original, pair.reconstructed)
    (data,) = gather(context)
    objects = int(jets()[2].sum())
    assert (data.events, data.objects, data.values, data.beyond) == (300, {"Jet": objects}, 2 * objects, 0)
    assert (data.original_bytes, data.reconstructed_bytes) == (
        Path(pair.original).stat().st_size,
        Path(pair.reconstructed).stat().st_size,
    )
    assert data.bits["Jet"][1] == result.bits["Jet"]
    assert 50 < data.bits["Jet"][0] < 80  # two floats, hardly compressible, and the numbers of jets
    by_name = {promise.variable: promise for promise in data.promises}
    assert by_name["pt"].tolerance == "2 %"
    assert by_name["phi"].tolerance == "0.01 rad"
    for name, promise in by_name.items():
        assert promise.largest == result.variables["Jet"][name].max
        assert promise.used == pytest.approx(promise.largest / {"pt": 0.02, "phi": 0.01}[name])
        assert 0.9 < promise.used <= 1
    assert "Every value is within its tolerance" in page.texts["summary"]
    assert f"{2 * objects:,} values of Jet (phi and pt)" in page.texts["summary"]
    assert f"{result.bits['Jet']:.1f}" in page.texts["summary"]
    assert "1 other column is kept to the last bit: event." in page.texts["summary"]


def test_broken_promises_are_counted(tmp_path: Path) -> None:
    """Of files that are not compressed: three values are too far off, one is no longer finite."""
    pt, phi, counts = jets()
    moved = pt * np.float32(1.01)
    moved[:3] = 1.5 * pt[:3]
    turned = phi.copy()
    turned[5] = np.nan
    pair = write_jets(tmp_path / "a.root", pt, phi, counts), write_jets(tmp_path / "b.root", moved, turned, counts)
    context = open_inputs(Inputs(pairs=[pair], recipe=Recipe.from_text(RECIPE)))
    facts = Facts(tuple(gather(context)))
    assert {p.variable: p.beyond for p in facts.sets[0].promises} == {"pt": 3, "phi": 1}
    assert facts.sets[0].worst is not None
    assert facts.sets[0].worst.used == pytest.approx(25, rel=1e-3)
    verdict = summary.verdict(facts)
    assert not verdict.good
    assert verdict.headline == "4 values are beyond the tolerance"
    assert "Beyond it are a: Jet pt (3) and a: Jet phi (1)." in verdict.text
    assert "times smaller" not in [tile.label for tile in summary.tiles(facts)]
    written = write_report(context, contents()[1:2], make_labels("My title"), tmp_path / "r.html")
    page = Page(written[0].read_text())
    assert "b.root is not compressed: sizes and bits would say nothing." in page.texts["summary"]
    assert summary.set_table(facts).columns == (
        *("data set", "events", "bytes before", "values", "beyond"),
        "largest error / tolerance",
    )
    assert "rel: 0.02" in page.texts["recipe"]
    assert "<title>My title</title>" in written[0].read_text()


def test_several_data_sets() -> None:
    def data(name: str, values: int, bits: tuple[float, float], used: float) -> DataSet:
        promise = Promise("Jet", "pt", "2 %", values, 0, 0.02 * used, used, 5.0)
        return DataSet(name, "a", "b", 100, 50, 10, {"Jet": values}, {"Jet": bits}, (promise,), None)

    facts = Facts((data("few", 10, (100, 20), 0.5), data("many", 30, (60, 30), 0.9), data("none", 0, (0, 0), np.nan)))
    assert facts.bits("Jet") == (70, 27.5)
    assert facts.worst is not None
    assert facts.worst[0].name == "many"
    assert (facts.values, facts.bytes, facts.objects) == (40, (300, 150), {"Jet": 40})
    assert "in few, many and none" in summary.verdict(facts).text


def test_tiles_are_of_the_collections_with_most_values() -> None:
    def promise(collection: str, variable: str, values: int) -> Promise:
        return Promise(collection, variable, "2 %", values, 0, 0.01, 0.5, 5.0)

    promises = (
        *(promise("Muon", name, 10) for name in ("pt", "eta", "phi")),
        *(promise("Jet", name, 100) for name in ("pt", "eta")),
        promise("Electron", "pt", 20),
        promise("MET_pt", "MET_pt", 500),
    )
    objects = {"Muon": 10, "Jet": 100, "Electron": 20, "MET_pt": 500}
    assert summary._main_collections(Facts((DataSet("a", "a", "b", 1, 1, 1, objects, {}, promises, None),))) == [
        "Jet",
        "Muon",
    ]
    loose = DataSet("a", "a", "b", 1, 1, 1, {"MET_pt": 500}, {}, promises[-1:], None)
    assert summary._main_collections(Facts((loose,))) == ["MET_pt"]


def test_long_words_break_between_their_parts() -> None:
    text = f"of ttbar.compressed.root {'0123456789abcdef' * 2} short_x"
    assert breakable(text) == [
        "of ",
        *("ttbar.", "compressed.", "root"),
        " ",
        *("0123456789abcdef", "0123456789abcdef"),
        " short_x",
    ]
    table = Table("t", Section.physics, "T", "C", ("a long name", "number"), [(text, 1234567), ("", 1)])
    assert Sheet.of(table, 1).letters == [(16, len(text)), (9, 9)]
    assert Sheet.of(Table("t", Section.physics, "T", "C", ("n",), []), 1).letters == [(1, 1)]


def test_numbers_never_round_across_the_bound() -> None:
    assert summary.rounded(0.99999) == 0.9999
    assert summary.rounded(1.0) == 1
    assert summary.rounded(1.0000001) == 1.001
    assert summary.rounded(np.inf) == np.inf
    assert [summary.size(n) for n in (999, 88_550, 1_234_567, 31 * 10**9)] == ["999 B", "88.5 kB", "1.23 MB", "31 GB"]
    assert summary.listing(list("abcdefg")) == "a, b, c and 4 others"
    assert summary.listing(["a"]) == "a"


def test_reports_are_reproducible(context: Context, path: Path, tmp_path: Path) -> None:
    again = write_report(context, contents(), make_labels(), tmp_path / "again.html")
    assert again[0].read_bytes() == path.read_bytes()


def test_a_plot_that_fails_leaves_nothing(context: Context, tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    broken = Plot("broken", Section.physics, "Broken", "Cannot be drawn.", fail)
    (tmp_path / "report.html").write_text("the last one")
    with pytest.raises(ZeroDivisionError):
        write_report(context, [*contents(), broken], make_labels(), tmp_path / "report.html")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "the last one"


def test_pdf(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typst = pytest.importorskip("typst", reason="needs typst: pip install 'aeplugin[report]'")
    complaints = []

    def compile(*arguments: Any, **options: Any) -> None:
        complaints.extend(typst.compile_with_warnings(*arguments, **options)[1])

    written = write_report(context, contents(), make_labels(), tmp_path / "a.html", pdf=tmp_path / "a.pdf")
    assert written == [tmp_path / "a.html", tmp_path / "a.pdf"]
    with monkeypatch.context() as patch:
        patch.setattr(typst, "compile", compile)
        write_report(context, contents(), make_labels(), tmp_path / "b.html", pdf=tmp_path / "b.pdf")
    assert complaints == []
    content = written[1].read_bytes()
    assert content.startswith(b"%PDF-")
    assert content == (tmp_path / "b.pdf").read_bytes()
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext (Debian: poppler-utils) to look inside")
    command = ["pdftotext", "-layout", str(written[1]), "-"]
    # What pdftotext says of fonts that matplotlib embeds is not about the text.
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    words = " ".join(text.replace("\u200b", "").split())
    for expected in (
        "Compression of tt<i>&'bar",
        "Every value is within its tolerance",
        "1 Variables and their residuals",
        "3 Outliers",
        "Figure 1. Twin. On two axes.",
        "#panic() *stars* $x$ `raw` @ref //",
        "Table 4. Many columns. All of them.",
        "A Recipe of tt<i>&'bar",
        "B Provenance",
        "1,000,011",
    ):
        assert expected in words, expected
    assert "Never seen" not in words


def test_typst_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before any work: the inputs here do not exist."""
    monkeypatch.setitem(sys.modules, "typst", None)
    monkeypatch.delitem(sys.modules, "aeplugin.report.document", raising=False)
    monkeypatch.delattr(aeplugin.report, "document", raising=False)
    inputs = Inputs(pairs=[(tmp_path / "a.root", tmp_path / "b.root")])
    with pytest.raises(ImportError, match=r"typst: pip install 'aeplugin\[report\]'"):
        make_report(inputs, tmp_path / "a.html", pdf=tmp_path / "a.pdf")
    assert list(tmp_path.iterdir()) == []


def test_wrong_outputs(context: Context, tmp_path: Path) -> None:
    pair = context.pair
    inputs = Inputs(pairs=[(pair.original, pair.reconstructed)])
    with pytest.raises(InputError, match=r"there is no folder .*nowhere; make it first"):
        make_report(inputs, tmp_path / "nowhere" / "a.html")
    with pytest.raises(InputError, match="is a directory"):
        make_report(inputs, tmp_path)
    with pytest.raises(InputError, match="is the input itself"):
        make_report(inputs, pair.original)
    (tmp_path / "recipe.yaml").write_text("columns: {}")
    for given in ({"recipe": tmp_path / "recipe.yaml"}, {"compare": [tmp_path / "recipe.yaml"]}):
        with pytest.raises(InputError, match="is the input itself"):
            make_report(Inputs(pairs=inputs.pairs, **given), tmp_path / "recipe.yaml")
    assert (tmp_path / "recipe.yaml").read_text() == "columns: {}"
    (tmp_path / "recipe.yaml").unlink()
    with pytest.raises(RecipeError, match="got '3 Feb', expected YYYY-MM-DD"):
        make_report(Inputs(pairs=inputs.pairs, date="3 Feb"), tmp_path / "a.html")
    pytest.importorskip("typst", reason="needs typst: pip install 'aeplugin[report]'")
    with pytest.raises(InputError, match="is the name of the page, too"):
        write_report(context, [], make_labels(), tmp_path / "a.html", pdf=tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []


def test_command(context: Context, tmp_path: Path) -> None:
    """The real plots of one section, and what the user typed."""
    pair = context.pair
    arguments = ["report", str(pair.original), str(pair.reconstructed), "-o", str(tmp_path / "a b.html")]
    result = CliRunner().invoke(
        main, [*arguments, "--sections", "Variables,", "--title", "A & B", "--date", "2026-02-03"]
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{tmp_path / 'a b.html'}: ")
    page = Page((tmp_path / "a b.html").read_text())
    assert [name for name in page.all("section", "id") if name.startswith("section")] == ["section-variables"]
    assert page.texts["caption-1"].startswith("Figure 1. Jet pt: input and reconstructed.")
    assert "--sections Variables, --title 'A & B' --date 2026-02-03" in page.texts["provenance"]
    missing = CliRunner().invoke(main, ["report", str(tmp_path / "no.root"), *arguments[2:]])
    assert missing.exit_code == 1
    assert missing.stderr.startswith("error: ")
    assert missing.stderr.count("\n") == 1
    misspelt = CliRunner().invoke(main, [*arguments, "--sections", "varaibles"])
    assert misspelt.exit_code == 1
    assert "no 'varaibles'; did you mean 'variables'?" in misspelt.stderr
