"""What the documents quote is what the programs print."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from aeplugin.cli import main
from aeplugin.plots.__main__ import main as plots

DOCS = Path(__file__).parents[2] / "docs"


def help_text(name: str) -> str:
    """What `name --help` prints, for "aeplugin", "aeplugin COMMAND" and the plots."""
    if name.startswith("python"):
        return CliRunner().invoke(plots, ["--help"], prog_name=name, terminal_width=80).output
    words = name.split()
    return CliRunner().invoke(main, [*words[1:], "--help"], prog_name=words[0], terminal_width=80).output


def commands(group: click.Group, name: str) -> list[str]:
    """A group and all commands in it, as a user types them."""
    found = [name]
    for inner, command in group.commands.items():
        words = f"{name} {inner}"
        found += commands(command, words) if isinstance(command, click.Group) else [words]
    return found


@pytest.mark.parametrize("name", [*commands(main, "aeplugin"), "python -m aeplugin.plots"])
def test_help_texts_of_the_reference(name: str) -> None:
    """Where this fails, paste the new text of `--help` into docs/cli.md."""
    assert help_text(name).strip() in (DOCS / "cli.md").read_text()


@pytest.mark.parametrize("document", [*DOCS.glob("*.md"), DOCS.parent / "README.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
        assert target.startswith("https://") or (document.parent / target).exists(), target
