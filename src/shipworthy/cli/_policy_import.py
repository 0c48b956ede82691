"""`shipworthy policy import`: a policy of another language, as far as it maps."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._policy_past import EXISTING

SUFFIXES = {".cedar": "cedar", ".yaml": "agt", ".yml": "agt", ".json": "agt"}


@click.command("import")
@click.argument("file", type=EXISTING)
@click.option(
    "--from",
    "language",
    type=click.Choice(["cedar", "agt"]),
    help="Its language; told from the file's name if left out.",
)
@click.option("--tools", type=EXISTING, help="The tools' signatures, as for `check`: their names and arguments.")
@click.option(
    "--at", metavar="PATH", default="", help="Cedar: where in the context the arguments are, such as `input`."
)
@click.option("--flat-actions", is_flag=True, help="Cedar: no action is a group of others.")
def import_command(file: Path, language: str | None, tools: Path | None, at: str, flat_actions: bool) -> int:
    """Print a Cedar policy, or one of Microsoft's Agent Governance Toolkit, in our language.

    A call is allowed only where the source allows it. What does not map is said with its line, marked REVIEW in the
    file, and fails closed: what would permit lets nothing pass, and where something would refuse, a person is asked.

    Exit code 0: all of it maps. 1: something does not, or means more here. 2: it is no such policy.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.enforce.policy.from_agt import from_agt
    from shipworthy.enforce.policy.from_cedar import from_cedar
    from shipworthy.enforce.policy.imported import note_line
    from shipworthy.enforce.policy.signatures import read_signatures

    language = language or SUFFIXES.get(file.suffix.lower())
    if language is None:
        raise UsageError(f"{file}: name its language with --from cedar or --from agt")
    if language == "agt" and (at or flat_actions):
        raise UsageError("--at and --flat-actions are for Cedar")
    signatures = read_signatures(tools) if tools is not None else {}
    names = sorted(signatures)
    if language == "cedar":
        path = tuple(part for part in at.removeprefix("context.").split(".") if part)
        found = from_cedar(file, names, at=path, flat=flat_actions)
    else:
        found = from_agt(file, names)
    arguments = {name: frozenset(one.arguments) for name, one in signatures.items()}
    click.echo(found.text(file, arguments), nl=False)
    for note in found.notes:
        about = f" ({', '.join(note.tools)})" if note.tools else ""
        click.echo(note_line(file, note) + about, err=True)
    return 1 if found.notes else 0
