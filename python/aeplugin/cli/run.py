"""`aeplugin run`: a job over many files, here or on a cluster."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import get_args

import click

from aeplugin.cli.options import json_option
from aeplugin.cli.tables import trial_table
from aeplugin.errors import InputError
from aeplugin.jobs.htcondor import write_submit_files
from aeplugin.jobs.job import ExecutorKind, Job
from aeplugin.jobs.running import run, status
from aeplugin.jobs.summary import Failure, Summary
from aeplugin.terminal import Command, progress_bar, stdout

_SHOWN_FAILURES = 10


@click.command("run", cls=Command)
@click.argument("file", type=click.Path(path_type=Path), metavar="JOB.yaml")
@click.option(
    "--executor",
    type=click.Choice(get_args(ExecutorKind)),
    help="Where the parts run; overrides the job's.",
    show_default="the job's",
)
@click.option("--workers", type=click.IntRange(min=1), help="Parts at a time; overrides the job's.")
@click.option("--status", "only_status", is_flag=True, help="Run nothing; tell what is complete.")
@click.option(
    "--submit-files",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Run nothing; write plain HTCondor submit files for what is left.",
)
@json_option
def run_job(
    file: Path,
    executor: ExecutorKind | None,
    workers: int | None,
    only_status: bool,
    submit_files: Path | None,
    as_json: bool,
) -> None:
    """Convert, train, scan, study, compress, score or plot over many files.

    The job file says what, docs/clusters.md how. Run it again after any interruption: parts that are complete are
    checked and skipped. Its results do not depend on where the parts ran.

    Exit status 0: every part is complete, or was skipped where the job says `on_bad_input: skip`.
    """
    job = Job.from_file(file).with_executor(executor, workers)
    if submit_files is not None:
        submit, parts = write_submit_files(job, submit_files)
        click.echo(f"{submit}: {parts:,} parts; condor_submit {submit}")
        return
    logging.getLogger("aeplugin").addHandler(logging.StreamHandler())  # what dask logs is its own
    if only_status:
        summary = status(job)
    else:
        with progress_bar(f"{job.task} {file.name}") as update:
            summary = run(job, update)
    if as_json:
        click.echo(json.dumps(summary.to_dict(), indent=2))
    else:
        print_summary(summary, job)
    raise_failures(summary)


def raise_failures(summary: Summary) -> None:
    """End a command whose job did not end well.

    Raises:
        InputError: a part failed.
    """
    if summary.failed:
        first = summary.failed[0]
        rest = f" (and {len(summary.failed) - 1} more)" if len(summary.failed) > 1 else ""
        raise InputError(f"part {first.part}: {first.message}{rest}; run the job again to go on where it ended")


def print_summary(summary: Summary, job: Job) -> None:
    """Say what a job did."""
    again = f", {len(summary.found):,} of them before" if summary.found else ""
    click.echo(f"{job.output}: {len(summary.records):,} of {summary.parts:,} parts complete{again}")
    click.echo(_totals(summary))
    if worst := summary.worst:
        click.echo(
            f"all {summary.total('values'):,} values within tolerance; the worst error is "
            f"{worst['max_error'] / worst['tolerance_value']:.6f} of it ({worst['column']}, {worst['tolerance']})"
        )
    if left_out := sorted({name for record in summary.records for name in record.facts.get("left_out", ())}):
        click.echo(f"note: only the events were compressed; not in the results: {', '.join(left_out)}", err=True)
    if summary.task == "scan":
        stdout.print(trial_table(summary.records, job.objective))
    if summary.lost:
        click.echo(f"{summary.lost:,} times a part was lost with its worker", err=True)
    _print_failures("skipped", summary.skipped)


def _totals(summary: Summary) -> str:
    before, after = summary.total("source_bytes"), summary.total("target_bytes")
    words = [f"{summary.total('events'):,} events"] if summary.total("events") else []
    if after:
        words.append(f"{before:,} -> {after:,} bytes, {before / after:.2f} times smaller")
    if bad := summary.total("bad_lines"):
        words.append(f"{bad:,} malformed lines skipped")
    return "; ".join([*words, f"{summary.seconds:.1f} s"])


def _print_failures(what: str, failures: list[Failure]) -> None:
    if failures:
        click.echo(f"{what} {len(failures):,} parts:", err=True)
    for failure in failures[:_SHOWN_FAILURES]:
        click.echo(f"  {failure.part}: {failure.message}", err=True)
    if len(failures) > _SHOWN_FAILURES:
        click.echo(f"  and {len(failures) - _SHOWN_FAILURES:,} more; all are in summary.json", err=True)
