"""Print the requirements of some groups of pyproject.toml, one word each, for pip.

Usage: requirements.py GROUP...   where GROUP is `build` (the build system and the package's own) or an extra.
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
groups = {
    "build": [*project["build-system"]["requires"], *project["project"]["dependencies"]],
    **project["project"]["optional-dependencies"],
}
for name in sys.argv[1:]:
    print("\n".join(groups[name]))
