"""Make suites of what others have: benchmarks, files of samples, data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.workspace.imports.rows import ImportedSuite

BENCHMARKS = ("injecagent", "agent-threat-bench")
FORMATS = ("csv", "jsonl", "hf", "promptfoo", "inspect")


@click.command("import")
@workspace_option
@click.argument("kind", type=click.Choice([*BENCHMARKS, *FORMATS]))
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--as", "id", metavar="ID", help="The suite's id; the source's name if left out.")
@click.option("--setting", type=click.Choice(["base", "enhanced"]), default="base", help="Of InjecAgent.")
@click.option("--field", "fields", metavar="OURS=THEIRS", multiple=True, help="Read a field of a sample from that of another name, such as prompt=question; may be repeated.")  # fmt: skip  # noqa: E501
@click.option(
    "--scorer", metavar="ID", default="", help="How answers are scored, where the source does not say it, or instead."
)
@click.option("--private", is_flag=True, help="The text may not be kept whole.")
@click.option("--split", metavar="NAME", default="", help="Of a Hugging Face data set.")
@click.option("--hub", is_flag=True, help="SOURCE is a name on the Hugging Face hub: fetch it over the network.")
@click.option("--revision", metavar="COMMIT", default="", help="Of the data set on the hub.")
@allow_code_option
def import_(
    *,
    workspace: Path,
    kind: str,
    source: Path,
    id: str | None,
    setting: str,
    fields: tuple[str, ...],
    scorer: str,
    private: bool,
    split: str,
    hub: bool,
    revision: str,
    allow_code: bool,
) -> None:
    """Make a suite of SOURCE. All of it or nothing: what is wrong is told by line and field. Nothing is overwritten.

    `csv`, `jsonl`: a file, a sample a row. `promptfoo`: a configuration, or a file of tests. `inspect`: a data set of
    Inspect as JSON, JSON lines or CSV. `hf`: a folder that `save_to_disk` of Hugging Face's datasets made, or a name on
    the hub.

    `injecagent`: a clone of its repository. `agent-threat-bench`: the folder `inspect_evals/agent_threat_bench` of an
    installed inspect-evals. Beside such a suite stand the signatures of its tools, for `shipworthy policy draft`, and
    the scripts of `hijacked_agent`.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.workspace.imports.rows import named_fields, write_imported

    if not hub and not source.exists():
        raise UsageError(f"there is no {source}")
    if kind in BENCHMARKS:
        _benchmark(workspace, kind, source, setting, id, allow_code=allow_code)
        return
    found = _read(kind, source, named_fields(fields), scorer, split, hub=hub, revision=revision)
    named = id or "".join(c if c.isalnum() else "-" for c in source.stem.lower()).strip("-")
    made = write_imported(
        found,
        workspace,
        named,
        title=f"Imported from {source.name}",
        origin=f"{source.name} ({kind})",
        private=private,
        scorer=scorer,
    )
    click.echo(f"{made}: {len(found.samples):,} samples")
    for line in found.told:
        click.echo(line)
    click.echo(f"Next:  {Again(workspace, allow_code).line('check')}")


def _read(
    kind: str, source: Path, fields: dict[str, str], scorer: str, split: str, *, hub: bool, revision: str
) -> ImportedSuite:
    from shipworthy.workspace.imports.hugging_face import read_hugging_face_suite
    from shipworthy.workspace.imports.inspect_dataset import read_inspect_suite
    from shipworthy.workspace.imports.promptfoo import read_promptfoo_suite
    from shipworthy.workspace.imports.tables import read_csv_suite, read_json_lines_suite

    match kind:
        case "csv":
            return read_csv_suite(source, fields)
        case "jsonl":
            return read_json_lines_suite(source, fields)
        case "promptfoo":
            return read_promptfoo_suite(source, scorer=scorer)
        case "inspect":
            return read_inspect_suite(source, fields)
    return read_hugging_face_suite(source.as_posix(), fields, split=split, hub=hub, revision=revision)


def _benchmark(
    workspace: Path, benchmark: str, folder: Path, setting: str, id: str | None, *, allow_code: bool
) -> None:
    from shipworthy.agents.agent_threat import read_agent_threat
    from shipworthy.agents.injecagent import read_injecagent
    from shipworthy.core.errors import UsageError

    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    found = read_injecagent(folder, setting) if benchmark == "injecagent" else read_agent_threat(folder)
    named = f"{benchmark}-{setting}" if benchmark == "injecagent" else benchmark
    made = found.write(workspace, id or named)
    click.echo(f"{made}: {len(found.samples):,} samples, {len(found.tools)} tools, {len(found.goals)} attacks")
    click.echo(f"a scripted agent that obeys them: {{use: hijacked_agent, tasks: suites/{made.name}/script}}")
    click.echo(f"Next:  {Again(workspace, allow_code).line('check')}")
