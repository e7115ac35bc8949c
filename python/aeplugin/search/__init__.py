"""Search and comparison: which of many networks is best, and how well one does on events it never saw.

`aeplugin scan` trains one recipe with many values of its fields, `aeplugin study` on some samples of events to be
tested on others. Both are jobs (`aeplugin.jobs`), which do the work; what is here makes tables and pictures of what
they found. See docs/scan.md.
"""

from __future__ import annotations

from aeplugin.search.ranking import Trial, pareto_front, ranked, ranking_table, trials_of
from aeplugin.search.scan import write_scan
from aeplugin.search.study import study_table, write_study

__all__ = [
    "Trial",
    "pareto_front",
    "ranked",
    "ranking_table",
    "study_table",
    "trials_of",
    "write_scan",
    "write_study",
]
