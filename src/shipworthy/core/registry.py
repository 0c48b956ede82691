"""Plug-ins: one file whose name is its id, plus one decorator. Nothing is imported until it is asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any, TypeVar

from shipworthy.core.errors import PluginError, did_you_mean

KINDS = ("target", "attack", "scorer", "guard", "report")

F = TypeVar("F", bound=Callable[..., Any])
_made: dict[tuple[str, str], Callable[..., Any]] = {}


def plugin(kind: str) -> Callable[[F], F]:
    """Return the decorator that registers a factory under its file's name.

    Args:
        kind: one of `KINDS`.

    Raises:
        PluginError: two factories claim one id.
    """

    def register(factory: F) -> F:
        key = kind, factory.__module__.rpartition(".")[2]
        claimed = _made.setdefault(key, factory)
        if claimed is not factory and claimed.__module__ != factory.__module__:
            raise PluginError(f"two {kind}s are named {key[1]!r}: {claimed.__module__} and {factory.__module__}")
        return factory

    return register


target = plugin("target")
attack = plugin("attack")
scorer = plugin("scorer")
guard = plugin("guard")
report = plugin("report")


@cache
def known(kind: str) -> Mapping[str, str]:
    """Return id -> module of every plug-in of a kind: built-ins by file name, others by entry point.

    Raises:
        PluginError: two distributions claim one id.
    """
    try:
        package = import_module(f"shipworthy.{kind}s")
    except ModuleNotFoundError:
        return {}
    found = {m.name: f"{package.__name__}.{m.name}" for m in iter_modules(package.__path__) if m.name[0] != "_"}
    for entry in entry_points(group=f"shipworthy.{kind}s"):
        if found.setdefault(entry.name, entry.module) != entry.module:
            raise PluginError(f"two {kind}s are named {entry.name!r}: {found[entry.name]} and {entry.module}")
    return dict(sorted(found.items()))


def factory(kind: str, name: str) -> Callable[..., Any]:
    """Return the factory of one plug-in, importing its file.

    Raises:
        PluginError: there is no such plug-in; the nearest name is given.
    """
    if (kind, name) not in _made:
        modules = known(kind)
        if name not in modules:
            raise PluginError(f"unknown {kind} {name!r}: {did_you_mean(name, list(modules))}")
        import_module(modules[name])
        if (kind, name) not in _made:
            raise PluginError(f"{modules[name]} registers no {kind}: decorate its factory with @{kind}")
    return _made[kind, name]


def create(kind: str, name: str, params: Mapping[str, Any] | None = None, /, **injected: Any) -> Any:
    """Build one plug-in.

    Args:
        kind: one of `KINDS`.
        name: its id.
        params: what the user wrote; an unknown or missing parameter is an error that names the nearest.
        injected: what the caller provides (``model=``); passed only if the factory takes it.

    Raises:
        PluginError: unknown id or parameter.
    """
    make = factory(kind, name)
    params = dict(params or {})
    accepted = inspect.signature(make).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    if not open_ended:
        for key in params:
            if key not in accepted:
                names = [n for n in accepted if n not in injected]
                raise PluginError(f"{kind} {name!r} has no parameter {key!r}: {did_you_mean(key, names)}")
    params |= {key: value for key, value in injected.items() if key in accepted}
    missing = [
        n for n, p in accepted.items() if n not in params and p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    if missing:
        raise PluginError(f"{kind} {name!r} needs the parameter {missing[0]!r}")
    return make(**params)
