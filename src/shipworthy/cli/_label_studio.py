"""`shipworthy labels studio`: a person's part of a queue as a project of Label Studio, and its export back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.labelling import QueueDesk

by_option = click.option("--by", required=True, metavar="NAME", help="Who you are.")


@contextmanager
def opened(queue: str, by: str, workspace: Path, *, allow_code: bool, closed_too: bool = False) -> Iterator[QueueDesk]:
    """Open what a queue dealt to somebody: nobody else can meanwhile.

    Args:
        closed_too: whether one may be opened to which nobody may add.

    Raises:
        UsageError: there is no such queue or person, it is open already, or its rubric or known answers changed.
        IntegrityError: the queue, the words or the run are not what was written.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.label_showing import Showing, known_answers
    from shipworthy.evals.labelling import QueueDesk
    from shipworthy.evals.results import Run
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.queues import load_queue, open_words, refuse_reviewed
    from shipworthy.workspace.load import Workspace

    files, layout = Workspace.load(workspace, allow_code=allow_code), Layout(workspace)
    dealt = load_queue(layout, queue)
    reader = dealt.reader(by)
    run = Run.load(layout.run_directory(dealt.run))
    known = known_answers(dealt, workspace)
    showing = Showing(files, run, dealt.suite, dealt.metric, secrets=known_secrets(files), known=known)
    if (showing.rubric.digest if showing.rubric else "") != dealt.rubric_digest:
        raise UsageError(
            f"the rubric is another one than when {dealt.id} was dealt ({dealt.rubric or 'none'}): put it back, or "
            "deal a new queue with `shipworthy labels queue`"
        )
    with AuditLog(layout.control_url) as audit, open_words(layout, dealt, reader) as words:
        if not closed_too:
            refuse_reviewed(audit, dealt)
        yield QueueDesk(dealt, reader, words, showing, audit)


@click.group(no_args_is_help=True)
def studio() -> None:
    """Label in Label Studio instead of the terminal: write a project's form and tasks, read its export."""


@studio.command()
@click.argument("queue", default="latest")
@by_option
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write to.")
@workspace_option
@allow_code_option
def export(*, queue: str, by: str, output: Path, workspace: Path, allow_code: bool) -> None:
    """Write what QUEUE dealt to you and you have not labelled, for a project of your own.

    `form.xml` is the labelling interface, `tasks.json` the tasks. They hold what is shown of the answers: mind who can
    see the server. Several people need a project each, or they see each other's words.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.label_studio import form, tasks

    with opened(queue, by, workspace, allow_code=allow_code) as desk:
        done, of = desk.standing()
        written = {"form.xml": form(desk.queue.metric, desk.showing.rubric), "tasks.json": tasks(desk)}
        try:
            output.mkdir(parents=True, exist_ok=True)
            for name, text in written.items():
                (output / name).write_text(text, "utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {output}: {error.strerror}") from error
        click.echo(f"{of - done:,} tasks of {desk.queue.id} for {by} in {output}")
        again = Again(workspace, allow_code)
        click.echo("Import them into a project with form.xml, label, export JSON, then:")
        click.echo(f"  {again.line('labels', 'studio', 'import', 'FILE', desk.queue.id, '--by', by)}")


@studio.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("queue", default="latest")
@by_option
@workspace_option
@allow_code_option
def import_(*, file: Path, queue: str, by: str, workspace: Path, allow_code: bool) -> None:
    """Give the words of FILE, Label Studio's export as JSON, to your part of QUEUE, or none if a task is wrong.

    What you said already is passed over. The times are Label Studio's own; comments are redacted.
    """
    from shipworthy.evals.label_studio import bring, read_export

    with opened(queue, by, workspace, allow_code=allow_code) as desk:
        words = read_export(file, desk.queue, desk.reader)
        new = bring(desk, words)
        done, of = desk.standing()
    there = f", {len(words) - new:,} were there already" if new < len(words) else ""
    click.echo(f"{new:,} words kept{there}; {done:,} of {of:,} answers have one")


@studio.command()
@click.argument("queue", default="latest")
@by_option
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write to.")
@workspace_option
@allow_code_option
def review(*, queue: str, by: str, output: Path, workspace: Path, allow_code: bool) -> None:
    """Write what everybody said of QUEUE beside what the scorer said, for a project in which one reads it.

    `review.json` has the tasks with people's words as annotations and the scorer's as predictions. Only once everybody
    has labelled all that was dealt to them: a word that was said with the scorer's in sight measures who agrees. The
    queue is closed by it, which is entered in the audit log.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.label_studio import form, review_tasks
    from shipworthy.store.queues import close_for_review

    with opened(queue, by, workspace, allow_code=allow_code, closed_too=True) as desk:
        written = {
            "form.xml": form(desk.queue.metric, desk.showing.rubric),
            "review.json": review_tasks(desk, workspace),
        }
        close_for_review(desk.audit, desk.queue, by)
        try:
            output.mkdir(parents=True, exist_ok=True)
            for name, text in written.items():
                (output / name).write_text(text, "utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {output}: {error.strerror}") from error
        click.echo(f"{desk.queue.id} is closed; what was said of it stands in {output}")
