"""The main job on data/, as `make demo` runs it: from text to compressed files, plots and a report.

Every step is printed as the command a user would type.
"""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from aeplugin import rdf
from aeplugin.cli import main
from aeplugin.inspection import inspect
from aeplugin.plots.__main__ import main as plots
from aeplugin.recipe import Recipe
from aeplugin.rntuples import stored_bytes

PROCESSES = ("njets", "ttbar", "z_jets", "zz", "ww", "monojet")
RECIPE = "darkmachines-jets"
EVENT_RECIPE = "darkmachines-events"
EPOCHS = 5
JET_COLUMNS = ("Jet_E", "Jet_pt", "Jet_eta", "Jet_phi")
OTHER_TOLERANCES = {"tight": (0.005, 0.0025), "loose": (0.05, 0.025)}
"""Relative ones of E and pt, absolute ones of eta and phi."""
console = Console(highlight=False, width=100)


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default="data", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default="demo-output", show_default=True)
@click.option("--epochs", default=EPOCHS, show_default=True, help="Epochs of the training.")
@click.option("--processes", default=",".join(PROCESSES), show_default=True, help="Samples of the data folder.")
def demo(data: Path, output: Path, epochs: int, processes: str) -> None:
    """Run the whole chain on the samples in DATA and leave every file in OUTPUT."""
    started = time.monotonic()
    output.mkdir(parents=True, exist_ok=True)
    names = processes.split(",")
    first = names[0]
    events = {name: output / f"{name}.root" for name in names}
    compressed = {name: output / f"{name}.compressed.root" for name in names}
    model = output / "jets.model"

    heading("1. Read Dark Machines events and write ROOT files")
    for name in names:
        run("convert", data / f"{name}.csv.gz", events[name])
    heading("2. A recipe says how far each value may move: here 2 % in E and pt, 0.01 in eta and phi of the jets")
    run("recipe", "check", RECIPE, events[first])
    heading("3. Train one autoencoder on the jets of all samples but the last; it may save bits, not break a tolerance")
    run("train", *list(events.values())[:-1], "--recipe", RECIPE, "--epochs", epochs, "-o", model)
    run("export", model)
    compare_engines(events[first], model)
    heading("4. Compress with the codec that needs the fewest bits (auto); for comparison with the autoencoder")
    for name in names:
        run("compress", events[name], compressed[name], "--model", model)
    learned = output / f"{first}.autoencoder.root"
    run("compress", events[first], learned, "--model", model, "--codec", "autoencoder")
    compare_codecs(compressed[first], learned)
    heading("5. A density of whole events codes each number by its probability given all before it")
    densities, coded = output / "events.model", output / f"{first}.autoregressive.root"
    run("train", *list(events.values())[:-1], "--recipe", EVENT_RECIPE, "--epochs", epochs, "-o", densities)
    run("compress", events[first], coded, "--model", densities)
    compare_densities(compressed[first], coded)
    heading("6. Look inside, and check every value against the original")
    for path in (compressed[first], coded):
        run("inspect", path)
        run("verify", path, "--against", events[first])
    heading("7. Analyse the compressed files as they are, in an RDataFrame")
    analyse([events[name] for name in names], [compressed[name] for name in names])
    heading("8. Decompress, evaluate and plot")
    decompressed = output / f"{first}.decompressed.root"
    run("decompress", compressed[first], decompressed)
    run("evaluate", events[first], compressed[first])
    folder = output / "plots"
    arguments = [events[first], decompressed, "-o", folder, "--sections", "variables"]
    echo(["python", "-m", "aeplugin.plots", *arguments])
    plots.main([str(argument) for argument in arguments], standalone_mode=False)
    heading("9. A report on everything, with other tolerances beside these, and the last sample as a signal to find")
    others = compress_with_other_tolerances(events[first], output)
    report(events, compressed, model, [learned, *others], output)

    console.print()
    console.print(summary_table([summarise(name, events[name], compressed[name]) for name in names]))
    console.print(f"\n{time.monotonic() - started:.0f} s. Everything is in {output}/: ROOT files, models, exports,")
    console.print(f"{len(list(folder.glob('*.p??')))} pictures in {folder}/, and report.html: open that one first.")


def compare_engines(events: Path, model: Path) -> None:
    """Print the mean pt of the reconstructed jets from each engine: they agree."""
    root = rdf.load()
    for engine in ("native", "onnx", "torch"):
        jets = rdf.open_autoencoder(model, engine=engine)
        frame = rdf.define_reconstructed(root.RDataFrame("events", str(events)), jets)
        mean = frame.Define("pt", "Jet_pt_reco").Mean("pt").GetValue()
        console.print(f"  the network in {engine:7}: mean pt of the reconstructed jets {mean:.2f} MeV")


def compare_codecs(chosen: Path, learned: Path) -> None:
    """Print what the jets cost by either codec."""
    codec = next(column.codec for column in inspect(chosen).columns if column.codec)
    console.print(f"  auto took {codec}: {jet_bits(chosen):.1f} bits per jet", end="; ")
    model = inspect(learned).sizes["model"]
    console.print(f"the autoencoder takes {jet_bits(learned):.1f}, and {model:,} bytes for the model in each file")
    if codec == "plain":
        console.print("  Jets of four numbers hold too little that this network knows and plain arithmetic does not.")


def compare_densities(plain: Path, coded: Path) -> None:
    """Print what E, pt, eta and phi of jets cost without a density and with one, and events in all."""
    for label, path in (("without", plain), ("with", coded)):
        about = inspect(path)
        jets = [column for column in about.columns if column.codec and column.name in JET_COLUMNS]
        bits = 8 * sum(column.bytes for column in jets) / jets[0].values
        model = about.sizes.get("model", 0)
        console.print(f"  {label:7} a density: {bits:.1f} bits per jet; the file {path.stat().st_size:,} bytes", end="")
        console.print(f", of which {model:,} are the model" if model else "")


def compress_with_other_tolerances(events: Path, output: Path) -> list[Path]:
    """The same events with tolerances several times as tight and as loose: points of size against error."""
    recipe = Recipe.source(RECIPE)
    compressed = []
    for name, (relative, absolute) in OTHER_TOLERANCES.items():
        path = output / f"{name}.yaml"
        path.write_text(
            recipe.replace("{rel: 0.02}", f"{{rel: {relative}}}").replace("{abs: 0.01}", f"{{abs: {absolute}}}")
        )
        compressed.append(output / f"{events.stem}.{name}.root")
        run("compress", events, compressed[-1], "--recipe", path, "--codec", "plain")
    return compressed


def report(events: dict[str, Path], compressed: dict[str, Path], model: Path, others: list[Path], output: Path) -> None:
    """All data sets in one report, in HTML and PDF."""
    pairs = [path for name in events for path in (events[name], compressed[name])]
    options: list[object] = ["--model", model, "--signal", list(events)[-1], "-o", output / "report.html"]
    options += ["--pdf", output / "report.pdf"]
    run("report", *pairs, *options, *(word for path in others for word in ("--compare", path)))


def analyse(events: list[Path], compressed: list[Path]) -> None:
    """Print the same mean from the original files and from the compressed ones."""
    root = rdf.load()
    chain = [str(path) for path in events]
    for label, frame in (("original", root.RDataFrame("events", chain)), ("compressed", rdf.open(compressed))):
        leading = frame.Filter("Jet_pt.size() > 0").Define("leading_pt", "Max(Jet_pt)").Mean("leading_pt")
        console.print(f"  {label:10} files: mean pt of the leading jet {leading.GetValue():.1f} MeV")


@dataclass(frozen=True)
class Row:
    """What became of one sample."""

    name: str
    jets: int
    lossless: float
    ours: float
    worst: float
    violations: int
    ratio: float


def summarise(name: str, events: Path, compressed: Path) -> Row:
    """Sizes, and every value checked against the original."""
    about = inspect(compressed)
    coded = {column.name: column for column in about.columns if column.codec}
    jets = next(iter(coded.values())).values
    original = stored_bytes(events)["events"]
    checked = rdf.verify(compressed, [events])
    return Row(
        name=name,
        jets=jets,
        lossless=8 * sum(original[column] for column in coded) / jets,
        ours=jet_bits(compressed),
        worst=max(c.max_error / coded[c.name].tolerance_value for c in checked if c.name in coded),
        violations=sum(column.violations for column in checked),
        ratio=events.stat().st_size / compressed.stat().st_size,
    )


def jet_bits(compressed: Path) -> float:
    """Bits per jet of E, pt, eta and phi, with the number of jets of each event."""
    about = inspect(compressed)
    coded = [column for column in about.columns if column.codec]
    return 8 * (sum(column.bytes for column in coded) + about.sizes["objects per event"]) / coded[0].values


def summary_table(rows: list[Row]) -> Table:
    title = "Summary: bits per jet (E, pt, eta, phi and the number of jets), before and after"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    headings = ("sample", "jets", "lossless", "compressed", "ratio", "worst error / tolerance", "all within", "file")
    for i, heading_text in enumerate(headings):
        table.add_column(heading_text, justify="right" if i else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            f"{row.jets:,}",
            f"{row.lossless:.1f}",
            f"{row.ours:.1f}",
            f"{row.lossless / row.ours:.1f}",
            f"{row.worst:.6f}",
            "yes" if row.violations == 0 else f"NO: {row.violations}",
            f"1 / {row.ratio:.1f}",
        )
    return table


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def echo(words: list[object]) -> None:
    console.print(f"$ {shlex.join(str(word) for word in words)}", style="dim", soft_wrap=True)


def run(command: str, *arguments: object) -> None:
    """Show a command of aeplugin and run it in this process, where ROOT is loaded once."""
    echo(["aeplugin", command, *arguments])
    main.main([command, *(str(argument) for argument in arguments)], standalone_mode=False)


if __name__ == "__main__":
    demo()
