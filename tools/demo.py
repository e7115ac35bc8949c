"""The main job on data/, as `make demo` runs it: convert, train, export, compress, decompress, evaluate, plot.

Every step is printed as the command a user would type.
"""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from aeplugin import rdf
from aeplugin.cli import main
from aeplugin.evaluation import Evaluation, evaluate
from aeplugin.plots.__main__ import main as plots

PROCESSES = ("njets", "ttbar", "z_jets", "zz", "ww", "monojet")
RECIPE = "darkmachines-jets"
EPOCHS = 20
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
    events = {name: output / f"{name}.root" for name in names}
    compressed = {name: output / f"{name}.compressed.root" for name in names}
    decompressed = {name: output / f"{name}.decompressed.root" for name in names}
    model = output / "jets.model"

    heading("1. Read Dark Machines events and write ROOT files")
    for name in names:
        run("convert", data / f"{name}.csv.gz", events[name])
    heading("2. Train one autoencoder on the jets of all samples")
    run("train", *events.values(), "--recipe", RECIPE, "--epochs", epochs, "-o", model)
    run("export", model)
    heading("3. Run it in an RDataFrame with each engine")
    compare_engines(events[names[0]], model)
    heading("4. Compress, and decompress with nothing but the compressed file")
    for name in names:
        run("compress", events[name], compressed[name], "--model", model)
        run("decompress", compressed[name], decompressed[name])
    heading("5. Evaluate")
    run("evaluate", events[names[0]], compressed[names[0]])
    heading("6. Plot")
    folder = output / "plots"
    arguments = [events[names[0]], decompressed[names[0]], "-o", folder]
    echo(["python", "-m", "aeplugin.plots", *arguments])
    plots.main([str(argument) for argument in arguments], standalone_mode=False)

    console.print()
    console.print(summary_table({name: evaluate(events[name], compressed[name]) for name in names}))
    console.print("\nEvery compressed file carries its model, which weighs heavily on files as small as these.")
    console.print(
        f"{time.monotonic() - started:.0f} s. Everything is in {output}/: ROOT files, jets.model, its exports,"
    )
    console.print(f"and {len(list(folder.glob('*.p??')))} plots in {folder}/.")


def compare_engines(events: Path, model: Path) -> None:
    """Print the mean pt of the reconstructed jets from each engine: they agree."""
    root = rdf.load()
    root.EnableImplicitMT(2)
    for engine in ("native", "onnx", "torch"):
        jets = rdf.open_autoencoder(model, engine=engine)
        frame = rdf.define_reconstructed(root.RDataFrame("events", str(events)), jets)
        mean = frame.Define("pt", "Jet_pt_reco").Mean("pt").GetValue()
        console.print(f"  {engine:7} mean pt of the reconstructed jets: {mean:.2f} MeV")
    root.DisableImplicitMT()


def summary_table(evaluations: dict[str, Evaluation]) -> Table:
    title = "Summary: jets as 3 latents of float32 instead of 4 values; bits/jet of whole files"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    headings = ("sample", "jets", "pt: 68 %", "eta: 68 %", "in tolerance", "bits/jet", "compressed", "without model")
    for i, heading_text in enumerate(headings):
        table.add_column(heading_text, justify="right" if i else "left", no_wrap=True)
    for name, result in evaluations.items():
        jets = result.variables["Jet"]
        table.add_row(
            name,
            f"{result.objects['Jet']:,}",
            f"{100 * jets['pt'].abs68:.2f} %",
            f"{jets['eta'].abs68:.4f}",
            f"{100 * result.within['Jet']:.1f} %",
            f"{result.bits_per_object(result.original_bytes):.1f}",
            f"{result.bits_per_object(result.compressed_bytes):.1f}",
            f"{result.bits_per_object(result.compressed_bytes - result.model_bytes):.1f}",
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
