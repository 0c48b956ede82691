"""What `shipworthy check` finds once every file has been read: links, references, plug-ins, and what a kind adds."""

from __future__ import annotations

from collections.abc import Collection

from shipworthy.core.errors import Problem, did_you_mean
from shipworthy.workspace.builder import MAX_PROBLEMS
from shipworthy.workspace.check_plugins import check_guards, check_suite, check_use
from shipworthy.workspace.draft import Draft
from shipworthy.workspace.graph import Edge, Graph
from shipworthy.workspace.kind import kinds


def check_draft(draft: Draft, *, allow_code: bool, local: Collection[str] = ()) -> None:
    """Append every problem to the draft's problems, and what is probably not meant to its warnings.

    Args:
        allow_code: whether the workspace's own plug-ins were loaded; if not, their names are explained.
        local: the ids of the workspace's own plug-ins.
    """
    blocked = () if allow_code else local
    for target in draft.entities["target"].values():
        check_use(draft, "target", target, blocked)
    for name, suite in draft.entities["suite"].items():
        draft.metrics[name] = check_suite(draft, suite, blocked)
    for guards in (*draft.entities["pipeline"].values(), *draft.candidates):
        check_guards(draft, guards, blocked)
    graph = Graph(draft.all())
    for kind, _, placed in draft.all():
        if kind.written != "file":  # a suite's references are checked where its files are read, alone or not
            draft.problems += placed.taxonomy_problems()
        if kind.check:
            kind.check(placed, draft, graph)
    for number, edge in enumerate(graph.dangling()):
        if number == MAX_PROBLEMS:
            said = f"more than {MAX_PROBLEMS} links lead nowhere: those from here on are not listed"
            draft.problems.append(Problem(edge.file, edge.line, said))
            break
        _report(edge, draft)
    for guards in draft.candidates:
        # Each stands for guards.yaml and may use its ids, so each has a graph of its own.
        for edge in Graph([(kinds()["pipeline"], guards.source.file.stem, guards)]).edges:
            if edge.target not in graph.nodes:
                _report(edge, draft)


def _report(edge: Edge, draft: Draft) -> None:
    kind, name = edge.target
    known = draft.named[kind]
    if name in known:
        return  # it is broken, which is reported
    if draft.lost(kind):
        return  # it may be what could not be read, which is reported
    if unread := draft.hidden_in(kind):
        said = f"links to a {kind} were not all checked: {', '.join(path.name for path in unread)} cannot be read"
        draft.warnings.append(Problem(unread[0], 0, said))
        return
    missing = kinds()[kind].missing
    hint = missing(name) if missing else ""
    hint = hint or (did_you_mean(name, list(known)) if known else f"there is no {kind}")
    draft.problems.append(Problem(edge.file, edge.line, f"unknown {kind} {name!r}", hint))
