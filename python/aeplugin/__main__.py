"""``python -m aeplugin``: the same as the command ``aeplugin``."""

from aeplugin.cli import main

main()
