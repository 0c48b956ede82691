"""shipworthy: decide, with evidence that holds up, whether an AI feature is safe enough to ship.

The whole loop from Python is four names:

>>> from shipworthy import Workspace, evaluate, decide  # doctest: +SKIP
>>> workspace = Workspace.load("shipworthy-demo")  # doctest: +SKIP
>>> run = evaluate(workspace, plan="demo")  # doctest: +SKIP
>>> decide(workspace, run).verdict  # doctest: +SKIP
'no-ship'

Names are imported when first used, so that ``import shipworthy`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from shipworthy.evals.api import evaluate, evaluate_async
    from shipworthy.evals.results import Run
    from shipworthy.release.decide import decide
    from shipworthy.workspace.load import Workspace

_HOMES = {
    "Workspace": "shipworthy.workspace.load",
    "Run": "shipworthy.evals.results",
    "evaluate": "shipworthy.evals.api",
    "evaluate_async": "shipworthy.evals.api",
    "decide": "shipworthy.release.decide",
}

__all__ = ["Run", "Workspace", "__version__", "decide", "evaluate", "evaluate_async"]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if home := _HOMES.get(name):
        from shipworthy.core.platforms import refuse_windows

        refuse_windows()
        return getattr(import_module(home), name)
    raise AttributeError(f"module 'shipworthy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
