"""Look after a tool policy: check, test and attack it, draft one, explain a call, compare two, try one on past calls.

Exit code 0 where all is well, 1 where a case fails or a verdict changes, 2 for problems in the files, 3 where past
calls could not be judged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._options import form_option
from shipworthy.cli._policy_import import import_command
from shipworthy.cli._policy_past import as_json, as_line, backtest_command, read, shadow_command
from shipworthy.cli._policy_picture import replay_command
from shipworthy.cli._search import search

if TYPE_CHECKING:
    from shipworthy.core.errors import Problem

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default="policy.yaml")
_TOOLS = "The tools' signatures: a JSON or YAML list, an MCP server's tools/list answer, or an OpenAPI file."
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Look after a tool policy (policy.yaml): what an agent may do with its tools."""


command.add_command(backtest_command)
command.add_command(import_command)
command.add_command(replay_command)
command.add_command(shadow_command)
command.add_command(search)


@command.command()
@_FILE
@click.option("--tools", type=_EXISTING, help=_TOOLS)
@form_option
def check(file: Path, tools: Path | None, form: str) -> int:
    """List everything that is wrong with a policy, with file and line.

    With --tools also what only the signatures tell: a rule for a tool or an argument that there is not, an argument
    that every call needs and the rule does not know, an amount that is a text, a recipient that is not checked. Every
    rule that can refuse a call needs a case that it allows and one that it refuses.
    """
    from shipworthy.core.errors import WorkspaceError
    from shipworthy.enforce.policy.check import problems_of, uncovered
    from shipworthy.enforce.policy.signatures import read_signatures
    from shipworthy.workspace.read import read_policy_source

    signatures = read_signatures(tools) if tools is not None else None
    missing: Sequence[str] = ()
    found: Sequence[Problem]
    try:
        policy, source = read_policy_source(file)
        found = sorted(problems_of(policy, source, signatures), key=lambda p: (p.line, p.message))
        missing = uncovered(policy, signatures) if signatures is not None else ()
    except WorkspaceError as error:
        found = error.problems
    if form == "json":
        told = [{"file": str(p.file), "line": p.line, "message": p.message, "hint": p.hint} for p in found]
        click.echo(json.dumps({"problems": told, "refused": list(missing)}, indent=2))
    else:
        for problem in found:
            click.echo(str(problem), err=True)
        if missing:
            click.echo(f"note: no rule names {', '.join(missing)}: every call of them is refused", err=True)
        if not found:
            click.echo(f"{file}: {len(policy.tools)} rules, {len(policy.cases)} cases, no problem")
    return 2 if found else 0


@command.command()
@_FILE
@form_option
def test(file: Path, form: str) -> int:
    """Ask the policy every case of its file, and say which it decides otherwise than expected."""
    from shipworthy.enforce.policy.cases import outcomes

    policy, source = read(file)
    done = list(outcomes(policy))
    failed = [one for one in done if not one.passed]
    if form == "json":
        told = [
            {"case": o.number, "tool": o.case.tool, "expected": o.case.expect, "word": o.decision.word,
             "why": o.decision.sentence, "passed": o.passed}
            for o in done
        ]  # fmt: skip
        click.echo(json.dumps({"cases": told, "failed": len(failed)}, indent=2))
    else:
        for one in failed:
            line = source.line(("cases", one.number))
            expected = f"expected {one.case.expect}, and it says {one.decision.word}"
            click.echo(f"{file}:{line}: {one.case.tool}: {expected}: {one.decision.sentence}", err=True)
        click.echo(f"{len(done) - len(failed)} of {len(done)} cases as expected")
    return 1 if failed else 0


@command.command()
@click.argument("tools", type=_EXISTING)
def draft(tools: Path) -> int:
    """Print a first policy for tools, from their signatures alone: careful, and marked for review."""
    from shipworthy.enforce.policy.draft import draft as drafted
    from shipworthy.enforce.policy.signatures import read_signatures

    click.echo(drafted(read_signatures(tools)), nl=False)
    return 0


@command.command()
@_FILE
@click.argument("call")
@click.option("--says", default="", help="The user's words.")
@click.option("--past", type=_EXISTING, help="Calls that were made before: a file as for backtest; its last line.")
@form_option
def explain(file: Path, call: str, says: str, past: Path | None, form: str) -> int:
    """Explain the word on one CALL, written as JSON: {"tool": "send", "args": {"to": "ada@example.org"}}."""
    from shipworthy.enforce.policy.past import read_past

    policy, _ = read(file)
    tool, args = _call(call)
    session = policy.session()
    before = read_past(past)[-1:] if past is not None else []
    session.hear([*(p.says for p in before), *([says] if says else [])])
    for made in (made for p in before for made in p.calls):
        session.ran_anyway(made.tool, made.args)
        session.returned(made.tool, made.args, made.gave)
    tree = session.explain(tool, args)
    if form == "json":
        click.echo(json.dumps({"word": tree.word, "why": tree.why, "tree": _as_json(tree)}, indent=2))
    else:
        click.echo("\n".join(tree.lines()))
    return 0


@command.command()
@click.argument("old", type=_EXISTING)
@click.argument("new", type=_EXISTING)
@click.option("--past", type=_EXISTING, help="Past calls, one conversation a line.")
@form_option
def diff(old: Path, new: Path, past: Path | None, form: str) -> int:
    """Say how two policies differ: rules, the cases of both files, and past calls that change verdict."""
    from shipworthy.enforce.policy.cases import opened
    from shipworthy.enforce.policy.decision import RANK
    from shipworthy.enforce.policy.past import read_past
    from shipworthy.enforce.policy.replayed import Changed, compare, rule_changes

    before, after = read(old)[0], read(new)[0]
    rules = [f"{tool}: {what}" for tool, what in rule_changes(before, after)]
    calls = [*compare(read_past(past), after, before).changed] if past is not None else []
    for name, policy in ((old, before), (new, after)):
        for number, case in enumerate(policy.file.cases, start=1):
            was, now = (opened(p, case).decide(case.tool, case.args) for p in (before, after))
            if was.word != now.word:
                where = f"{name.name} case"
                rule = max(was, now, key=lambda d: RANK[d.word]).rule
                calls.append(Changed(where, number, case.tool, was.word, now.word, rule, now.sentence))
    if form == "json":
        click.echo(json.dumps({"rules": rules, "calls": [as_json(c) for c in calls]}, indent=2))
    else:
        for line in (*rules, *map(as_line, calls)):
            click.echo(line)
        click.echo(f"{len(rules)} rules differ, {len(calls)} calls change verdict")
    return 1 if calls or rules else 0


def _call(text: str) -> tuple[str, dict[str, Any]]:
    from shipworthy.core.errors import UsageError

    try:
        call = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the call is no JSON: {error}") from None
    if not isinstance(call, dict):
        call = {}
    if not isinstance(call.get("tool"), str) or not isinstance(call.get("args", {}), dict):
        raise UsageError('a call is written {"tool": "name", "args": {...}}')
    return call["tool"], call.get("args", {})


def _as_json(node: Any) -> dict[str, Any]:
    return {"label": node.label, "word": node.word, "why": node.why, "below": [_as_json(n) for n in node.below]}
