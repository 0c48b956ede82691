"""A template of a workspace, read before it is rendered: what it may say ends soon and makes little of little.

Jinja's sandbox keeps a template from reaching Python. It does not keep it from running for a year or from filling all
memory: ``{{ 'x' * 10**10 }}``, two loops of 99,999. So the little that places documents is let through, no more.
"""

from __future__ import annotations

from typing import Any

MOST = 10_000
"""Characters of a template."""
DEEPEST = 2
"""Loops inside each other: each goes over the documents of one sample."""
_SHORT = 16

_FILTERS = frozenset(
    {
        "capitalize", "count", "d", "default", "e", "escape", "first", "int", "last", "length", "list", "lower",
        "reverse", "safe", "string", "striptags", "title", "tojson", "trim", "truncate", "upper",
    }
)  # fmt: skip
_NODES = frozenset(
    {
        "Template", "Output", "TemplateData", "For", "If", "Name", "Getattr", "Getitem", "Const", "Compare", "Operand",
        "And", "Or", "Not", "CondExpr", "Filter", "Concat", "Keyword", "Tuple", "Slice", "Test", "Add", "Sub", "Neg",
    }
)  # fmt: skip


def check(environment: Any, source: str) -> None:
    """Refuse a template that says more than placing documents takes.

    Args:
        environment: Jinja's, that will render it.

    Raises:
        ValueError: says what is not let through; Jinja's own errors pass.
    """
    from jinja2 import nodes

    if len(source) > MOST:
        raise ValueError(f"it is longer than {MOST:,} characters")
    _walk(environment.parse(source), nodes, 0)


def _walk(node: Any, nodes: Any, depth: int) -> None:
    kind = type(node).__name__
    if kind not in _NODES:
        raise ValueError(
            f"it may not use {kind.lower()}: loops over documents, conditions and plain filters are enough"
        )
    if isinstance(node, nodes.For):
        depth += 1
        over = node.iter
        if depth > DEEPEST or node.recursive:
            raise ValueError(f"its loops are nested deeper than {DEEPEST}")
        while isinstance(over, nodes.Filter):
            over = over.node
        if not isinstance(over, nodes.Name) or over.name != "documents":
            raise ValueError("its loops go over documents, and nothing else")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise ValueError(f"it may not ask for {node.attr!r}")
    if isinstance(node, nodes.Filter):
        _filter(node, nodes)
    for inner in node.iter_child_nodes():
        _walk(inner, nodes, depth)


def _filter(node: Any, nodes: Any) -> None:
    given = [argument.value if isinstance(argument, nodes.Const) else None for argument in node.args]
    short = all(isinstance(value, str) and len(value) <= _SHORT for value in given)
    keys = {keyword.key for keyword in node.kwargs}
    allowed = (
        (node.name in _FILTERS and not keys - {"length", "default_value", "boolean", "killwords", "end"})
        or (node.name == "join" and short and keys <= {"attribute"})
        or (node.name == "map" and not given and keys == {"attribute"})
        or (node.name == "replace" and len(given) == 2 and short and given[0] and not keys)
        or (node.name == "indent" and all(type(v) is int and 0 <= v <= _SHORT for v in given) and not keys)
    )
    if not allowed or node.dyn_args is not None or node.dyn_kwargs is not None:
        raise ValueError(f"it may not use the filter {node.name!r} in this way")
