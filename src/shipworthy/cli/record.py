"""Enter what happened outside of shipworthy, such as a merge, a deployment, an answer in a survey."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.core.occurrence import Occurrence


@click.command("record")
@click.argument("kind", required=False)
@click.argument("about", required=False)
@click.option("--set", "fields", metavar="NAME=TEXT", multiple=True, help="A field; `--kinds` lists them. May be given again.")  # fmt: skip  # noqa: E501
@click.option("--at", "when", metavar="TIME", help="When it happened, 2026-12-31 or 2026-12-31T09:30Z; now if left out.")  # fmt: skip  # noqa: E501
@click.option("--source", default="person", show_default=True, metavar="NAME", help="Who says so, such as the pipeline.")  # fmt: skip  # noqa: E501
@click.option("--from-git", "commits", metavar="RANGE", help="Instead: every commit of a range of git's, such as v1.2..main, as change.merged.")  # fmt: skip  # noqa: E501
@click.option("--import", "file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Instead: JSON lines with kind, about, when and fields; all or none.")  # fmt: skip  # noqa: E501
@click.option("--kinds", is_flag=True, help="List the kinds with their fields, and stop.")
@workspace_option
@form_option
def command(
    *, kind: str | None, about: str | None, fields: tuple[str, ...], when: str | None, source: str,
    commits: str | None, file: Path | None, kinds: bool, workspace: Path, form: str,
) -> None:  # fmt: skip
    """Enter in the audit log that KIND happened, about ABOUT. What is there already is not entered again.

    For pipelines: a deployment job says `shipworthy record deploy.ga v1.4 --set tier=high --set decision=DEC-…`. An
    entry stays for ever, so people are named by codes, never by their names.
    """
    import json

    from shipworthy.cli._put_back import not_put_back
    from shipworthy.cli._tables import table
    from shipworthy.core.errors import UsageError
    from shipworthy.core.occurrence import FIELDS, WHAT, Occurrence
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.occurrences import add_occurrences
    from shipworthy.workspace.system_id import system_id

    if kinds:
        rows = [(k, WHAT[k], ", ".join([*must, *(f"[{name}]" for name in may)])) for k, (must, may) in FIELDS.items()]
        click.echo(table(("kind", "what", "fields, [may be left out]"), rows))
        return
    if sum((kind is not None, commits is not None, file is not None)) != 1:
        raise UsageError("say what happened: `shipworthy record KIND ABOUT`, --from-git RANGE, or --import FILE")
    system = system_id(workspace)
    said: list[Occurrence]
    if commits is not None:
        said = _of_git(workspace, commits, system)
    elif file is not None:
        said = _of_file(file, system, source)
    else:
        now = datetime.now(UTC).isoformat()
        said = [Occurrence(system, kind or "", about or "", when or now, dict(map(_field, fields)), source)]
    with not_put_back(workspace), AuditLog(Layout(workspace).control_url) as audit:
        new = add_occurrences(audit, said)
    if form == "json":
        click.echo(json.dumps([one._asdict() for one in new], indent=2))
        return
    known = f", {len(said) - len(new):,} were there" if len(new) < len(said) else ""
    place = f": entry {new[0].entry} of the audit log" if len(new) == 1 else ""
    click.echo(f"{len(new):,} entered{known}{place}")


def _field(text: str) -> tuple[str, str]:
    from shipworthy.core.errors import UsageError

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {text[:80]}: write a name, an equals sign and a text, such as tier=high")
    return name, value


def _of_file(file: Path, system: str, source: str) -> list[Occurrence]:
    from shipworthy.core import strict_json
    from shipworthy.core.errors import UsageError
    from shipworthy.core.occurrence import Occurrence, checked

    found = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = strict_json.loads(line)
            if not isinstance(value, dict) or set(value) - {"kind", "about", "when", "fields"}:
                raise ValueError("an object with kind, about, when and fields, and nothing else, was expected")
            given = value.get("fields", {})
            texts = [value.get("kind"), value.get("about"), value.get("when")]
            if not isinstance(given, dict) or any(not isinstance(text, str) for text in (*texts, *given.values())):
                raise ValueError("kind, about, when and every field must be texts")
            kind, about, when = (str(text) for text in texts)
            found.append(checked(Occurrence(system, kind, about, when, given, source)))
        except ValueError as error:
            raise UsageError(f"{file}:{number}: {error}; nothing was entered") from None
    if not found:
        raise UsageError(f"{file} holds no occurrence")
    return found


def _of_git(workspace: Path, commits: str, system: str) -> list[Occurrence]:
    """Return the commits of a range, on the first line of parents: what was merged, when it was."""
    from shipworthy.cli._base import git
    from shipworthy.core.errors import UsageError
    from shipworthy.core.occurrence import Occurrence

    if commits.startswith("-"):
        raise UsageError(f"--from-git {commits}: no range is called so")
    printed = git(workspace, "log", "--first-parent", "--format=%H %cI", "--end-of-options", commits, "--")
    found = []
    for line in printed.splitlines():
        commit, _, when = line.partition(" ")
        found.append(Occurrence(system, "change.merged", commit, when, {}, "git"))
    if not found:
        raise UsageError(f"--from-git {commits}: there is no commit in it")
    return found
