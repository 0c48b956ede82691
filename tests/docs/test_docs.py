"""The documentation is held to the program: command lines parse, the help page is current, plug-ins have rows."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from shipworthy.cli import root
from shipworthy.core import registry

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.M | re.S)
MAKE_TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.M))


def fences(page, *languages):
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        if match[1] in languages:
            line = page.read_text(encoding="utf-8")[: match.start()].count("\n") + 2
            yield line, match[2]


def command_lines(block):
    """Shell lines of a block, continuation lines joined, prompts and comments dropped."""
    for raw in block.replace("\\\n", " ").splitlines():
        line = raw.strip().removeprefix("$ ")
        if line and not line.startswith("#"):
            yield line


def simple_commands(line):
    """The commands of one shell line, split at ; && || and |, redirections dropped."""
    words = list(shlex.shlex(line, posix=True, punctuation_chars=";&|<>"))
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
    lexer.whitespace_split = True
    words, command, skip = list(lexer), [], False
    for word in words:
        if set(word) <= set(";&|"):
            if command:
                yield command
            command = []
        elif set(word) <= set("<>"):
            skip = True
        elif skip:
            skip = False
        else:
            command.append(word)
    if command:
        yield command


def found(page):
    for line, block in fences(page, "sh", "bash", "console", "shell"):
        for text in command_lines(block):
            for words in simple_commands(text):
                yield pytest.param(words, id=f"{page.relative_to(REPOSITORY)}:{line}:{' '.join(words)[:60]}")


@pytest.mark.parametrize("words", [w for page in PAGES for w in found(page)])
def test_every_printed_command_line_is_valid(words):
    words = [w for w in words if not re.fullmatch(r"[A-Z_]+=.*", w)]
    if not words:
        return
    name = words[0].rpartition("/")[2]
    if name == "make":
        assert {w for w in words[1:] if "=" not in w} <= MAKE_TARGETS
    elif name == "shipworthy" or words[1:3] == ["-m", "shipworthy"]:
        parse(root, words[1:] if name == "shipworthy" else words[3:], "shipworthy")
    elif name.startswith("python") and len(words) > 1 and words[1].endswith(".py") and "/" in words[1]:
        assert (REPOSITORY / words[1]).is_file(), f"{words[1]} does not exist"


def parse(command, args, path):
    """Parse as click would, without running anything or asking whether files exist."""
    if hasattr(command, "decide") and args[:1] not in [[name] for name in command.commands]:
        command = command.decide
    try:
        with click.Context(command, info_name=path, resilient_parsing=True) as ctx:
            rest = (
                command.make_parser(ctx).parse_args(args=list(args))[1]
                if not isinstance(command, click.Group)
                else list(args)
            )
    except click.UsageError as error:
        pytest.fail(f"{path} {' '.join(args)}: {error.format_message()}")
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        inner = command.get_command(click.Context(command, info_name=path), rest[0])
        assert inner is not None, f"{path} has no {rest[0]!r}"
        parse(inner, rest[1:], f"{path} {rest[0]}")


def test_the_help_page_is_current():
    done = subprocess.run([sys.executable, REPOSITORY / "docs/generate.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_plugin_has_its_row(kind):
    page = (REPOSITORY / "docs" / "reference" / f"{kind}s.md").read_text(encoding="utf-8")
    missing = [name for name in registry.built_in(kind) if f"`{name}`" not in page]
    assert registry.built_in(kind) and not missing


def links(page):
    """Where a page leads, but to the web and to itself."""
    return re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))


def name_of(page):
    return str(page.relative_to(REPOSITORY))


@pytest.mark.parametrize("page", [page for page in PAGES if links(page)], ids=name_of)
def test_links_between_pages_lead_somewhere(page):
    for target in links(page):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


@pytest.mark.parametrize("page", [page for page in PAGES if any(fences(page, "python"))], ids=name_of)
def test_python_blocks_compile(page):
    for line, block in fences(page, "python"):
        code = "\n".join(s[4:] if s[:3] in (">>>", "...") else "" if ">>>" in block else s for s in block.splitlines())
        compile(code, f"{page.name}:{line}", "exec", flags=0x2000)  # top-level await, as in a notebook


def test_every_setting_is_documented():
    page = (REPOSITORY / "docs/reference/settings.md").read_text(encoding="utf-8")
    source = (REPOSITORY / "src/shipworthy/core/settings.py").read_text(encoding="utf-8")
    for name in set(re.findall(r"SHIPWORTHY_[A-Z_]+", source)):
        assert f"`{name}`" in page
