"""Look through texts before a model reads or learns them.

Exit code 0 where nothing is found, 1 where something is, 2 for a path that cannot be read.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.detect.overlap import OverlapIndex
    from shipworthy.workspace.suite import Suite

_SAID = {
    "secret": ("error", "A credential stands in a text that a model will read or learn."),
    "personal_data": ("warning", "Personal data stands in a text that a model will read or learn."),
    "instruction": ("error", "The text holds a known wording of an order to a model."),
    "hidden": ("warning", "The text holds characters that are not seen, or encoded text."),
    "overlap": ("error", "The text holds words of a sample that the system is measured by."),
}


class _Hit(NamedTuple):
    file: Path
    line: int
    column: int
    sort: str
    kind: str
    read: str


@click.group()
def command() -> None:
    """Look through texts before a model reads or learns them."""


@command.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True)
@click.option("--ignore", multiple=True, metavar="SORT", help="Leave out a sort of finding; may be repeated.")
@click.option("--against", multiple=True, metavar="SUITE", help="Find words of this suite's samples, too: one of the workspace or the library, or `all`. May be repeated.")  # fmt: skip  # noqa: E501
@workspace_option
@allow_code_option
def scan(
    *, paths: tuple[Path, ...], form: str, ignore: tuple[str, ...], against: tuple[str, ...], workspace: Path,
    allow_code: bool,
) -> int:  # fmt: skip
    """Find credentials, personal data, planted instructions and hidden text in documents and training data.

    PATHS: files and folders: pages for retrieval, rows for fine-tuning, SKILL.md, AGENTS.md, manifests of MCP servers.
    Every file of UTF-8 text is read, whatever its name; others, and what lies behind links, are counted as not read.
    What is found is named by place and kind, and never printed. An overlap is thirteen words in a row of a sample that
    `--against` names, or all of one that has fewer.
    """
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.detect.overlap import OverlapIndex

    for sort in ignore:
        if sort not in _SAID:
            raise UsageError(f"--ignore {sort}: {did_you_mean(sort, list(_SAID))}")
    samples = OverlapIndex()
    for suite in _suites(workspace, allow_code, against):
        for sample in suite.samples:
            texts = [message.text for message in sample.messages] + [document.text for document in sample.documents]
            for said in texts:
                samples.add(said, suite.id)
    read, unread, hits = 0, [], []
    for file in _files(paths):
        text = _text(file)
        if text is None:
            unread.append(file)
            continue
        read += 1
        hits += [hit for hit in _hits(file, text, samples) if hit.sort not in ignore]
    if form == "sarif":
        click.echo(json.dumps(_sarif(hits), indent=2))
    elif form == "json":
        found = [{**hit._asdict(), "file": str(hit.file)} for hit in hits]
        click.echo(json.dumps({"read": read, "not_read": [str(f) for f in unread], "found": found}, indent=2))
    else:
        for hit in hits:
            how = f", read as {hit.read}" if hit.read else ""
            click.echo(f"{hit.file}:{hit.line}:{hit.column}: {hit.sort}: {hit.kind}{how}")
        sums = ", ".join(f"{n} {sort}" for sort, n in sorted(Counter(hit.sort for hit in hits).items()))
        click.echo(f"{read} files read, {len(unread)} not read: {sums or 'nothing found'}")
    return 1 if hits else 0


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = (file for file in sorted(path.rglob("*")) if ".git" not in file.relative_to(path).parts)
            yield from (file for file in inside if file.is_file() or file.is_symlink())
        else:
            yield path


def _text(file: Path) -> str | None:
    """Return what a file says; None where that is no text.

    Raises:
        UsageError: it cannot be read.
    """
    from shipworthy.core.errors import UsageError

    if file.is_symlink() or not file.is_file():
        return None
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from None
    try:
        return None if b"\0" in data else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _suites(workspace: Path, allow_code: bool, names: Sequence[str]) -> list[Suite]:
    from shipworthy.cli._suites_found import all_suites, one_suite

    every = [suite for _, suite, _ in all_suites(workspace, allow_code)] if "all" in names else []
    return [*every, *(one_suite(workspace, allow_code, name)[1] for name in names if name != "all")]


def _hits(file: Path, text: str, samples: OverlapIndex) -> Iterator[_Hit]:
    from shipworthy.detect.scan import Found
    from shipworthy.detect.scan import scan as found_in

    begins = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]
    overlaps = [Found(span.start, span.end, "overlap", span.kind) for span in samples.find(text)]
    for found in sorted([*found_in(text), *overlaps]):
        line = bisect_right(begins, found.start)
        yield _Hit(file, line, found.start - begins[line - 1] + 1, found.sort, found.kind, found.read)


def _sarif(hits: Sequence[_Hit]) -> dict[str, Any]:
    from shipworthy import __version__
    from shipworthy.reports.sarif import SCHEMA

    rules = [
        {"id": f"data/{sort}", "shortDescription": {"text": said}, "defaultConfiguration": {"level": level}}
        for sort, (level, said) in _SAID.items()
    ]
    order = list(_SAID)
    results = [
        {
            "ruleId": f"data/{hit.sort}",
            "ruleIndex": order.index(hit.sort),
            "level": _SAID[hit.sort][0],
            "message": {"text": f"{hit.sort}: {hit.kind}" + (f", read as {hit.read}" if hit.read else "")},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": hit.file.as_posix()},
                        "region": {"startLine": hit.line, "startColumn": hit.column},
                    }
                }
            ],
        }
        for hit in hits
    ]
    driver = {"name": "shipworthy", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
