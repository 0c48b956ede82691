"""Kinds of outputs, by the names of their files."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.telemetry import outputs
from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage

DATAGRAMS = frozenset({"syslog", "dogstatsd"})
"""Kinds that lead to ``udp://`` or ``tcp://``; all others to http."""
_SHARED = frozenset({"common", "registry"})


@cache
def output_kinds() -> tuple[str, ...]:
    """Return the kinds there are."""
    return tuple(sorted(module.name for module in iter_modules(outputs.__path__) if module.name not in _SHARED))


def make_message(kind: str, event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message by which an output of some kind tells what happened.

    Raises:
        UsageError: there is no such kind.
    """
    if kind not in output_kinds():
        raise UsageError(f"there is no output {kind!r}: {did_you_mean(kind, output_kinds())}")
    made: OutputMessage = import_module(f"{outputs.__name__}.{kind}").message(event, to)
    return made
