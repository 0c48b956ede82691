"""Make the documents of a system: dossier, cards, assessments, letters, from what is known and what people wrote.

Every sentence of fact names what it comes from. They organise evidence and certify nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evidence.dossier.paper import View
    from shipworthy.evidence.dossier.source import DossierSource
    from shipworthy.evidence.dossier.written import WrittenPaper
    from shipworthy.workspace.load import Workspace

_VIEWS = ("internal", "customer", "regulator")
_FORMS = ("markdown", "html", "pdf")

view_option = click.option(
    "--view",
    type=click.Choice(_VIEWS),
    help="For whom. Left out: internal, or the first that the document is made for.",
)
decision_option = click.option(
    "--decision", default="latest", show_default=True, help="Which decision it is about: an id, or `none`."
)


@click.group(no_args_is_help=True)
def command() -> None:
    """Make the documents of a system: dossier, cards, assessments, letters."""


@command.command("list")
@click.option("--sections", is_flag=True, help="List the sections of the dossier.")
@form_option
def list_(sections: bool, form: str) -> None:
    """List the documents that there are, for whom, and which sections stand in each."""
    import json

    from shipworthy.cli._tables import table
    from shipworthy.evidence.dossier.paper import papers
    from shipworthy.evidence.dossier.section import sections as all_sections

    if sections:
        rows = [(f"SEC-{one.number:02}", one.title) for one in all_sections()]
        columns: tuple[str, ...] = ("section", "title")
    else:
        columns = ("document", "what", "views", "sections")
        rows = [
            (one.id, one.what, ", ".join(one.views), " ".join(f"{n:02}" for n in one.sections) or "-")  # type: ignore[misc]
            for one in papers().values()
        ]
    if form == "json":
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2))
    else:
        click.echo(table(columns, rows))


@command.command()
@workspace_option
@click.argument("documents", nargs=-1, metavar="[DOCUMENT]...")
@view_option
@decision_option
@click.option("--format", "forms", type=click.Choice(_FORMS), multiple=True, default=("markdown",), show_default=True, help="May be repeated; `pdf` needs the extra of that name.")  # fmt: skip  # noqa: E501
@click.option(
    "--aside", is_flag=True, help="Keep a document that was changed outside of its blocks beside the new one."
)
@allow_code_option
def build(
    *,
    workspace: Path,
    documents: tuple[str, ...],
    view: View | None,
    decision: str,
    forms: tuple[str, ...],
    aside: bool,
    allow_code: bool,
) -> None:
    """Write each DOCUMENT (all, if none is named) under `documents/VIEW` of the workspace.

    What people write between the marks of the Markdown stays, and stands in all forms. A document that was changed
    elsewhere is not written over: that is said, with exit code 4.
    """
    from shipworthy.evidence.dossier.paper import papers
    from shipworthy.evidence.dossier.written import write_paper
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    source = _source(loaded, decision)
    chosen = documents or [id for id, one in papers().items() if view is None or view in one.views]
    for id in chosen:
        for path in write_paper(workspace, _made(loaded, source, id, view), forms, aside=aside):
            click.echo(str(path))


@command.command()
@workspace_option
@click.argument("document")
@view_option
@decision_option
@click.option("--format", "form", type=click.Choice(("markdown", "html")), default="markdown", show_default=True)
@allow_code_option
def show(*, workspace: Path, document: str, view: View | None, decision: str, form: str, allow_code: bool) -> None:
    """Print DOCUMENT as it would be made now, without what people wrote into it; nothing is written."""
    from shipworthy.evidence.dossier.render import page_html, page_markdown, tree
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    made = _made(loaded, _source(loaded, decision), document, view)
    page = tree(made.title, made.subtitle, made.parts, made.verdict)
    text = page_html(page) if form == "html" else page_markdown(page, made.parts, {}, made.basis, made.front)
    click.echo(text, nl=False)


def _source(workspace: Workspace, decision: str) -> DossierSource:
    """Return what the documents are made of: what a pack of the decision holds; without one, the workspace alone."""
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.evidence.dossier.gather import SOURCE, gather
    from shipworthy.evidence.dossier.source import DossierSource
    from shipworthy.evidence.pack import collect
    from shipworthy.store.layout import Layout

    layout = Layout(workspace.root)
    if decision == "none" or (decision == "latest" and not layout.decision_ids()):
        return DossierSource({SOURCE: gather(workspace, known_secrets(workspace), {})})
    return DossierSource(collect(workspace, layout.load_decision(decision)).files)


def _made(workspace: Workspace, source: DossierSource, id: str, view: View | None) -> WrittenPaper:
    from shipworthy.evidence.dossier.kept_back import check_customer_parts
    from shipworthy.evidence.dossier.packed import subtitle, verdict
    from shipworthy.evidence.dossier.paper import contents, paper_named
    from shipworthy.evidence.dossier.written import WrittenPaper

    paper = paper_named(id)
    chosen: View = view or paper.views[0]
    parts = contents(source, paper, chosen)
    if chosen == "customer":
        check_customer_parts(parts, workspace, source.members)
    basis = source.decision.id if source.decision is not None else source.system.id
    front = paper.front(source) if paper.front is not None else ""
    title = f"{paper.title}: {source.system['title']}"
    return WrittenPaper(paper, chosen, title, subtitle(source, chosen), parts, verdict(source), basis, front)
