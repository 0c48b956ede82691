"""Documents as files of a workspace: written anew, with what people wrote in them kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shipworthy.core import notes
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.core.notes import Reread, WrittenNote
from shipworthy.evidence.dossier.fact import DossierPart
from shipworthy.evidence.dossier.paper import DOSSIER, Paper, View
from shipworthy.evidence.dossier.pdf import page_pdf
from shipworthy.evidence.dossier.render import page_html, page_markdown, tree, with_words
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.workspace.inside import read_inside

FOLDER = "documents"
FORMS = ("markdown", "html", "pdf")
_ENDINGS = {"markdown": "md", "html": "html", "pdf": "pdf"}
_LARGEST = 1 << 24


class WrittenPaper(NamedTuple):
    """A document as it is to be written.

    Attributes:
        front: stands before everything in Markdown; empty where it has none.
        basis: what it was made from: the decision's id, or the system's.
    """

    paper: Paper
    view: View
    title: str
    subtitle: str
    parts: Sequence[DossierPart]
    verdict: str
    basis: str
    front: str = ""


def place(root: Path, view: str, paper: str, form: str) -> Path:
    """Return where a document stands in a workspace."""
    return root / FOLDER / view / f"{paper}.{_ENDINGS[form]}"


def look(root: Path, path: Path) -> Reread | None:
    """Return what people did to a document that was made before; None where there is none.

    Raises:
        UsageError: it cannot be read.
    """
    if not path.exists():
        return None
    try:
        return notes.reread(read_inside(path, root, _LARGEST).decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read, so what people wrote in it is not known: {error}") from error


def notes_of(root: Path, view: str) -> dict[str, WrittenNote]:
    """Return what people wrote into the dossier of a view, by the section's name.

    Raises:
        IntegrityError: its marks are broken, so where a person's words end is not known.
    """
    path = place(root, view, DOSSIER, "markdown")
    there = look(root, path)
    if there is None:
        return {}
    file = path.relative_to(root).as_posix()
    if there.broken:
        raise IntegrityError(f"{file}:{there.broken[0]}: {_BROKEN}")
    return {name: WrittenNote(file, text, notes.digest_of(text)) for name, text in there.blocks.items()}


_BROKEN = (
    "a block that is not closed, or is there twice: each begins with `<!-- write here: … -->` and ends with "
    "`<!-- written -->`"
)


def write_paper(root: Path, made: WrittenPaper, forms: Sequence[str], *, aside: bool = False) -> list[Path]:
    """Write a document in some forms; what people wrote into its Markdown stands in all of them.

    Args:
        aside: keep an edited document beside the new one, and do not refuse to write it.

    Returns:
        The files that were written, the one that was set aside among them.

    Raises:
        IntegrityError: somebody changed it outside of the blocks; or a mark is broken. Nothing was written.
        MissingExtra: for PDF.
        StoreError: it cannot be written.
    """
    path = place(root, made.view, made.paper.id, "markdown")
    there, written = look(root, path), []
    file = path.relative_to(root).as_posix()
    blocks: Mapping[str, str] = {} if there is None else there.blocks
    if there is not None and (there.broken or there.changed):
        why = f"{file}:{there.broken[0]}: {_BROKEN}" if there.broken else f"{file}: changed outside of its blocks"
        if not aside:
            raise IntegrityError(
                f"{why}\nNothing was written. Move what you wrote between the marks, or take it away; `--aside` keeps "
                "the file as it is beside the new one"
            )
    document = tree(made.title, made.subtitle, made.parts, made.verdict)
    data: dict[str, bytes] = {}
    for form in forms:
        if form == "markdown":
            data[form] = page_markdown(document, made.parts, blocks, made.basis, made.front).encode()
        else:
            page = page_html(tree(made.title, made.subtitle, with_words(made.parts, blocks, file), made.verdict))
            data[form] = page.encode() if form == "html" else page_pdf(page)
    try:
        make_directory(path.parent)
        if there is not None and (there.broken or there.changed) and "markdown" in forms:
            number = next(n for n in range(1, 10_000) if not path.with_suffix(f".edited-{n}.md").exists())
            written.append(kept := path.with_suffix(f".edited-{number}.md"))
            write_atomic(kept, path.read_bytes(), replace=False)
        for form, content in data.items():
            write_atomic(place(root, made.view, made.paper.id, form), content)
            written.append(place(root, made.view, made.paper.id, form))
    except OSError as error:
        raise StoreError(f"cannot write {path.parent}: {error.strerror}") from error
    return written
