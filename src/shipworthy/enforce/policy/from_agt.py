"""Policy documents of Microsoft's Agent Governance Toolkit in our language.

After its policy engine specification 1.0: rules with one condition each, the highest priority first, the first that
matches decides, else ``defaults.action``; a condition that breaks refuses the call. A person is asked about every call
of a tool that comes as far as a rule that does not map: whether it allows or refuses, it might break.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.enforce.policy.imported import (
    BREAKS,
    Imported,
    ImportNote,
    ToolDraft,
    both,
    bounded,
    quoted,
    read_source,
)
from shipworthy.workspace.nodes import YamlFile, parse_yaml

_ALLOWS = {"allow": True, "audit": True, "deny": False, "block": False}
_TOOL = ("tool_name", "tool")
_ARGUMENTS = ("arguments", "args", "tool_args", "parameters")
_ORDERS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_KEYS = {"name", "condition", "action", "priority", "message"}
_SILENT = {"version", "name", "description", "rules", "defaults", "tool_allowlist"}
_HARMLESS = {"inherit": "policies of the folders above are not read", "scope": "it holds everywhere",
             "network_allowlist": "it is left out: it is no matter of calls"}  # fmt: skip
_MOST_CALLS = 10
_PLAIN = re.compile(r"(?!.*\(\?)(?:[A-Za-z0-9 _@/:,|^.*+?()\[\]-]|\\\.)*", re.ASCII)
"""Regular expressions that mean the same to Python, RE2 and Rust."""
_MOST_RULES = 2_000


class _Unmapped(Exception):
    pass


class _Rule(NamedTuple):
    line: int
    name: str
    field: str
    operator: str
    value: Any
    allows: bool
    priority: float
    missing: str


def from_agt(file: Path, tools: Sequence[str] = ()) -> Imported:
    """Import one policy document.

    Args:
        tools: besides those that its rules name.

    Raises:
        WorkspaceError: it cannot be read, or is no such document; with the line.
    """
    source = parse_yaml(read_source(file), file)
    document = source.value
    if not isinstance(document, dict) or not isinstance(document.get("rules", []), list):
        raise WorkspaceError([Problem(file, 1, "is no policy document: it has no list of 'rules'")])
    if not document.keys() & {"rules", "defaults"}:
        hint = "documents of the Agent Control Specification name Rego or Cedar files: import those"
        raise WorkspaceError([Problem(file, 1, "is no policy document: it has neither 'rules' nor 'defaults'", hint)])
    if len(document.get("rules", [])) > _MOST_RULES:
        raise WorkspaceError([Problem(file, 1, f"has more than {_MOST_RULES:,} rules")])
    notes: list[ImportNote] = []
    rules = sorted(_rules(source), key=lambda rule: -rule.priority)  # rules of one priority keep their order
    default = _default(source, notes)
    listed = _listed(source)
    names = sorted({*tools, *_named(rules), *(listed or ())})
    if not names:
        notes.append(ImportNote(1, "no rule names a tool", "name the tools with --tools"))
    calls = _calls(source, names, notes)
    drafts = {name: _draft(name, rules, default, calls, notes) for name in names}
    if any(key not in _HARMLESS for key in map(str, document.keys() - _SILENT)):
        drafts = {name: draft._replace(ask=True) for name, draft in drafts.items()}
    if listed is not None:
        drafts = {name: drafts[name] if name in listed else ToolDraft("false", ask=False) for name in names}
    return Imported(drafts, _joined(notes))


def _listed(source: YamlFile) -> frozenset[str] | None:
    """Return the only tools that may be called; None where there is no such list."""
    given = source.value.get("tool_allowlist") or None
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(name, str) and name for name in given):
        line = source.line(("tool_allowlist",))
        raise WorkspaceError([Problem(source.file, line, "'tool_allowlist' is a list of names")])
    return frozenset(given)


def _rules(source: YamlFile) -> Iterator[_Rule]:
    for number, written in enumerate(source.value.get("rules", [])):
        line = source.line(("rules", number))
        if not isinstance(written, dict) or not isinstance(written.get("condition"), dict):
            raise WorkspaceError([Problem(source.file, line, "a rule has a name, one condition and an action")])
        condition, action = written["condition"], written.get("action")
        missing = ""
        if unknown := sorted(map(str, written.keys() - _KEYS)):
            missing = f"the key {unknown[0]!r}"
        if set(condition) != {"field", "operator", "value"}:
            missing = "a condition that is not one of field, operator and value"
        if action not in _ALLOWS:
            missing = f"the action {str(action)[:40]!r}"
        priority = written.get("priority", 0)
        if isinstance(priority, bool) or not isinstance(priority, int):
            raise WorkspaceError([Problem(source.file, line, "the priority of a rule is a whole number")])
        yield _Rule(
            line, str(written.get("name", ""))[:80], str(condition.get("field")), str(condition.get("operator")),
            condition.get("value"), _ALLOWS.get(action, False) if isinstance(action, str) else False, priority, missing,
        )  # fmt: skip


def _default(source: YamlFile, notes: list[ImportNote]) -> bool:
    document = source.value
    given = document.get("defaults")
    defaults = given if isinstance(given, dict) else {}
    line = source.line(("defaults",)) if given is not None else 1
    action = defaults.get("action", "allow")
    allows = _ALLOWS.get(action, False) if isinstance(action, str) else False
    if allows:
        notes.append(
            ImportNote(line, "what no rule names is allowed there", "tools that are not named here are refused")
        )
    aside = sorted(map(str, defaults.keys() - {"action", "max_tool_calls"}))
    notes += [ImportNote(line, f"{key!r} is not about calls of tools", "it is left out") for key in aside]
    for key in sorted(map(str, document.keys() - _SILENT)):
        became = _HARMLESS.get(key, "a person is asked every time")
        notes.append(ImportNote(source.line((key,)), f"{key!r} does not map", became))
    return allows


def _calls(source: YamlFile, names: Sequence[str], notes: list[ImportNote]) -> str:
    """Return the condition that bounds the calls of all tools together."""
    given = source.value.get("defaults")
    most = given.get("max_tool_calls", _MOST_CALLS) if isinstance(given, dict) else _MOST_CALLS
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        line = source.line(("defaults",))
        raise WorkspaceError([Problem(source.file, line, "'max_tool_calls' is a whole number, 0 or more")])
    line = source.line(("defaults",)) if isinstance(given, dict) else 1
    notes.append(ImportNote(line, f"at most {most} calls a request", "it is at most as many a session"))
    total = " + ".join(f"calls[{quoted(name)}]" for name in names) or "0"
    return f"({total} < {most})"


def _named(rules: Sequence[_Rule]) -> Iterator[str]:
    for rule in rules:
        if rule.field in _TOOL and not rule.missing:
            values = rule.value if isinstance(rule.value, list) else [rule.value]
            if rule.operator in ("eq", "in"):
                yield from (value for value in values if isinstance(value, str) and value)


def _draft(name: str, rules: Sequence[_Rule], default: bool, calls: str, notes: list[ImportNote]) -> ToolDraft:
    """Go through the rules as the source does, with the tool's name known."""
    steps: list[tuple[str, bool]] = []
    names: set[str] = set()
    ask, last = False, default
    for rule in rules:
        try:
            condition = _condition(rule, name, names)
        except _Unmapped as wrong:
            ask = True
            what = f"the rule {rule.name!r}: {wrong} does not map"
            notes.append(ImportNote(rule.line, what, "a person is asked", (name,)))
            continue
        if condition is True:
            last = rule.allows
            break
        if condition is not False:
            steps.append((condition, rule.allows))
    when = "true" if last else "false"
    if steps:
        # All conditions are asked, and the first that holds decides: CEL reads only so many choices inside one another.
        pairs = [f"[{condition}, {'true' if allows else 'false'}]" for condition, allows in steps]
        when = f"[{', '.join(pairs)}, [true, {when}]].filter(v, v[0])[0][1]"
    return ToolDraft(bounded(both([calls, when]), name), ask, frozenset(names))


def _condition(rule: _Rule, tool: str, names: set[str]) -> str | bool:
    """Return a rule's condition for a tool: known, or in CEL.

    Raises:
        _Unmapped: it has no equal.
    """
    if rule.missing:
        raise _Unmapped(rule.missing)
    if rule.field in _TOOL:
        return _of_tool(rule, tool)
    first, _, path = rule.field.partition(".")
    if first not in _ARGUMENTS or not path:
        raise _Unmapped(f"the field {rule.field[:60]!r}")
    names.add(path.partition(".")[0])
    keys = path.split(".")
    there = []
    place = "args"
    if len(keys) > 8:
        raise _Unmapped("a field as deep as this")
    for key in keys:
        there.append(f"({quoted(key)} in (type({place}) == map ? {place} : {{}}))")
        place += f"[{quoted(key)}]"
    there.append(f"({place} != null)")
    return both([*there, _test(rule, place)])


def _of_tool(rule: _Rule, tool: str) -> bool:
    value = rule.value
    if rule.operator == "eq":
        return bool(value == tool)
    if rule.operator == "ne":
        return bool(value != tool)
    if rule.operator in ("in", "not_in") and isinstance(value, list):
        return (tool in value) == (rule.operator == "in")
    if rule.operator == "contains" and isinstance(value, str):
        return value in tool
    if rule.operator == "matches":
        import re2

        return re2.compile(_plain(value)).search(tool) is not None
    raise _Unmapped(f"{rule.operator[:40]!r} of a tool's name")


def _test(rule: _Rule, place: str) -> str:
    value, operator = rule.value, rule.operator
    if operator in _ORDERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Unmapped(f"{operator!r} of what is no number")
        number = f"((type({place}) == int || type({place}) == double) ? {place} : {BREAKS})"
        return f"({number} {_ORDERS[operator]} {_scalar(value)})"
    if operator in ("eq", "ne"):
        return f"({_unlike(place, [value])} {'==' if operator == 'eq' else '!='} {_scalar(value)})"
    if operator in ("in", "not_in") and isinstance(value, list):
        found = f"({_unlike(place, value)} in [{', '.join(map(_scalar, value))}])"
        return found if operator == "in" else f"!({found})"
    if operator == "contains" and isinstance(value, str):
        one = _scalar(value)
        return f"(type({place}) == string ? {place}.contains({one}) : ({one} in {place}))"
    if operator == "matches":
        pattern = _plain(value)
        # Other types are written in another way there.
        text = f"(type({place}) == string ? {place} : (type({place}) == int ? string({place}) : string({BREAKS})))"
        return f"{text}.matches({quoted(pattern)})"
    raise _Unmapped(f"the operator {operator[:40]!r} with this value")


def _unlike(place: str, values: Sequence[Any]) -> str:
    """Return a value that breaks where it is a truth and is compared with numbers, or the other way round.

    In Python 1 is true, and in CEL it is not.
    """
    truths = any(isinstance(value, bool) for value in values)
    numbers = any(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    kinds = [f"type({place}) == bool"] if numbers else []
    kinds += [f"type({place}) == int", f"type({place}) == double"] if truths else []
    return f"(({' || '.join(kinds)}) ? {BREAKS} : {place})" if kinds else place


def _scalar(value: Any) -> str:
    if isinstance(value, bool | str):
        return quoted(value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    raise _Unmapped("a value that is no text, number or truth")


def _plain(pattern: Any) -> str:
    import re2

    if not isinstance(pattern, str) or len(pattern) > 1_000 or not _PLAIN.fullmatch(pattern):
        raise _Unmapped("a regular expression beyond letters, groups and repetition")
    quiet = re2.Options()
    quiet.log_errors = False
    try:
        re2.compile(pattern, quiet)
    except re2.error:
        raise _Unmapped("a regular expression that is none") from None
    return pattern


def _joined(notes: Sequence[ImportNote]) -> list[ImportNote]:
    """Return the notes, those that differ in nothing but the tool made one."""
    found: dict[tuple[int, str, str], tuple[str, ...]] = {}
    for note in notes:
        key = (note.line, note.what, note.became)
        found[key] = (*found.get(key, ()), *note.tools)
    return [ImportNote(*key, tools) for key, tools in found.items()]
