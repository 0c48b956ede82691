"""Make, export, compare and review suites, and tell what they cover."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, form_option, workspace_option


@click.command()
@workspace_option
@click.argument("id")
@click.option("--recipe", metavar="FILE", type=click.Path(exists=True, path_type=Path), help="A recipe.yaml with its table of seeds, or their folder; a small one to begin with is written if left out.")  # fmt: skip  # noqa: E501
@click.option("--seed", metavar="N", type=click.IntRange(min=0), help="Of all that is drawn, instead of the recipe's.")
def new(*, workspace: Path, id: str, recipe: Path | None, seed: int | None) -> None:
    """Make the suite ID of a recipe: authored seeds, slots and languages give samples, the same from the same seed.

    Nothing is overwritten. The recipe's twin suite, where it has one, is made beside it under ID-benign.
    """
    from shipworthy.workspace.new_suite import new_suite

    for made in new_suite(workspace, id, recipe, seed):
        held = f" ({made.sealed:,} of them sealed)" if made.sealed else ""
        click.echo(f"{made.folder}: {made.samples:,} samples{held}, {made.left_out:,} near-duplicates left out")
    again = Again(workspace)
    click.echo(f"Next:  {again.line('suites', 'review', id)}   # every sample is a draft until somebody has read it")


@click.command()
@workspace_option
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--as", "form", type=click.Choice(["jsonl", "csv", "inspect", "promptfoo"]), default="jsonl", show_default=True
)
@allow_code_option
def export(*, workspace: Path, name: str, file: Path, form: str, allow_code: bool) -> None:
    """Write the samples of the suite NAME to FILE, for another tool. Nothing is overwritten.

    `jsonl` is our own form, which Hugging Face's datasets load as json. Samples that a format cannot carry are refused
    by name. Of a suite with a sealed part only the part that it measures is written.
    """
    from shipworthy.cli._suites_found import one_suite
    from shipworthy.core.errors import UsageError
    from shipworthy.workspace.exports import exported

    _, suite = one_suite(workspace, allow_code, name)
    text = exported(suite, form)
    try:
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except FileExistsError:
        raise UsageError(f"{file} is there already: nothing was written") from None
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
    click.echo(f"{file}: {len(suite.samples):,} samples of {suite.id} {suite.version}")


@click.command()
@workspace_option
@click.argument("name")
@click.argument("form", type=click.Choice(["picture", "speech"]))
@click.option("--as", "id", metavar="ID", help="The new suite's id; NAME-FORM if left out.")
@allow_code_option
def render(*, workspace: Path, name: str, form: Any, id: str | None, allow_code: bool) -> None:
    """Make a suite of NAME whose last question stands in a picture, or is spoken: for targets that take them.

    Pictures need the extra `picture`, speech the program espeak-ng. `check` refuses a target that takes neither.
    """
    from shipworthy.cli._suites_found import one_suite, written_of
    from shipworthy.workspace.rendered import render_suite

    file, suite = one_suite(workspace, allow_code, name)
    written = written_of(workspace, allow_code, file, name)
    made = render_suite(suite, written, workspace, form, id or f"{name}-{form}")
    click.echo(f"{made}: {len(suite.samples):,} samples")
    click.echo(f"Next:  {Again(workspace, allow_code).line('check')}")


@click.command()
@workspace_option
@click.argument("old")
@click.argument("new")
@form_option
@allow_code_option
def diff(*, workspace: Path, old: str, new: str, form: str, allow_code: bool) -> None:
    """Tell what is different between two suites, or two versions of one: OLD and NEW are names, folders or files."""
    from shipworthy.cli._suites_found import one_suite
    from shipworthy.evals.suite_diff import suite_difference

    (_, one), (_, other) = one_suite(workspace, allow_code, old), one_suite(workspace, allow_code, new)
    found = suite_difference(one, other)
    if form == "json":
        sides = {"old": f"{one.id} {one.version}", "new": f"{other.id} {other.version}"}
        click.echo(
            json.dumps({**sides, **found._asdict(), "comparable": found.comparable}, indent=2, ensure_ascii=False)
        )
        return
    click.echo(f"{one.id} {one.version} -> {other.id} {other.version}")
    for key, (before, after) in found.settings.items():
        click.echo(f"  {key}: {before} -> {after}")
    sizes = {"added": len(found.added), "removed": len(found.removed), "changed": len(found.changed)}
    click.echo(f"  samples: {found.same:,} the same, " + ", ".join(f"{n:,} {word}" for word, n in sizes.items()))
    if any(found.sealed):
        before, after = found.sealed
        click.echo(f"  sealed: {before:,} -> {after:,}, held back and not compared")
    for sign, ids in (("+", found.added), ("-", found.removed)):
        for id in ids[:10]:
            click.echo(f"  {sign} {id}")
        if len(ids) > 10:
            click.echo(f"  {sign} and {len(ids) - 10:,} more")
    for id, fields in list(found.changed.items())[:10]:
        click.echo(f"  ~ {id}: {', '.join(fields)}")
    click.echo(found.comparable)


@click.command()
@workspace_option
@click.option("--suite", "names", metavar="ID", multiple=True, help="Only this suite; may be repeated.")
@form_option
@allow_code_option
def coverage(*, workspace: Path, names: tuple[str, ...], form: str, allow_code: bool) -> None:
    """Tell which taxonomy ids and languages the suites cover: by number of samples, and what so many can show.

    In a workspace its own suites, outside of one the library's. `upper` bounds the rate where no cluster shows a hit;
    `power` is the chance that "at most 5 %" passes where 1 % is true.
    """
    from shipworthy.cli._suites_found import all_suites
    from shipworthy.cli._tables import table
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.suite_coverage import covered_by

    found = all_suites(workspace, allow_code)
    own = [row for row in found if row[0]] or found
    chosen = {
        suite.id: (suite, language)
        for _, suite, language in reversed(found if names else own)
        if not names or suite.id in names
    }
    if unknown := sorted(set(names) - set(chosen)):
        raise UsageError(f"there is no suite {unknown[0]!r}")
    refs, languages = covered_by(chosen.values())
    if form == "json":
        told: dict[str, Any] = {"suites": sorted(chosen), "refs": [r._asdict() for r in refs]}
        told["languages"] = [r._asdict() for r in languages]
        click.echo(json.dumps(told, indent=2))
        return
    for what, rows in (("id", refs), ("language", languages)):
        cells = [(r.of, r.title, f"{r.samples:,}", f"{r.clusters:,}", f"{r.upper:.1%}", f"{r.power:.0%}") for r in rows]
        click.echo(table((what, "title", "samples", "clusters", "upper", "power"), cells, right=(2, 3, 4, 5)) + "\n")
    click.echo(f"{len(chosen):,} suites. `upper`: of the rate, one-sided 95 %, if no cluster shows a hit")


LOOK_FOR = (
    "Accept a sample whose text a person could have written, whose label is right, and that asks one thing:",
    "  a harmful one is harmful and a harmless one harmless, an order is one, an expected answer is right,",
    "  the language is natural, no real person is named, and no instructions for harm are in it.",
    "Reject one that is none of this, and say why (c). A rejected sample leaves the suite.",
)


@click.command()
@workspace_option
@click.argument("name")
@click.option("--by", metavar="NAME", required=True, help="Who reviews.")
@click.option("--status", type=click.Choice(["draft", "reviewed", "rejected"]), default="draft", show_default=True, help="Walk the samples that are this now.")  # fmt: skip  # noqa: E501
@allow_code_option
def review(*, workspace: Path, name: str, by: str, status: Any, allow_code: bool) -> None:
    """Walk the drafts of the workspace's suite NAME, one sample after the other: accept, reject, skip, undo.

    A word is on the disk before the next sample is shown (review.jsonl beside the suite); quit when you like, and begin
    again where you were. To review a suite of the library, name it in a file `suites/NAME.yaml`: `use: library:NAME`.
    """
    from shipworthy.cli._label_loop import REVIEW, walk
    from shipworthy.evals.reviewing import ReviewDesk
    from shipworthy.workspace.reviewed import all_samples, own_suite_file

    if not by.strip():
        raise click.BadParameter("say who reviews", param_hint="--by")
    file = own_suite_file(workspace, name, allow_code=allow_code)
    found = all_samples(file)
    desk = ReviewDesk(
        found.samples, found.written, found.review, found.words, by=by.strip(), status=status, private=found.private
    )
    through = walk(desk, LOOK_FOR, "Is this sample fit for the suite?", REVIEW, sys.stdin)
    counts = desk.counts()
    click.echo("")
    click.echo(", ".join(f"{count:,} {word}" for word, count in counts.items()))
    if not through:
        click.echo("It goes on where you were")
