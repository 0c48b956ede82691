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
            raise PluginError(f"unknown {kind} {name!r}: {did_you_mean(name, names(kind))}")
        import_module(modules[name])
        if (kind, name) not in _made:
            raise PluginError(f"{modules[name]} registers no {kind}: decorate its factory with @{kind}")
    return _made[kind, name]


def names(kind: str) -> tuple[str, ...]:
    """Return the sorted ids of a kind: what can be found, and what was registered from a workspace's own files."""
    return tuple(sorted({*known(kind), *(name for made, name in _made if made == kind)}))


def made_by(kind: str, name: str) -> str:
    """Return the module whose factory is registered under an id, or the empty string."""
    made = _made.get((kind, name))
    return made.__module__ if made is not None else ""


def withdraw(module: str) -> None:
    """Forget every factory of a module: of a workspace's own file that was refused."""
    for key in [key for key, made in _made.items() if made.__module__ == module]:
        del _made[key]


def check_params(kind: str, name: str, params: Mapping[str, Any], /, *injected: str) -> None:
    """Check parameters against the factory's signature without running it.

    Args:
        injected: names the caller will provide, if the factory takes them.

    Raises:
        PluginError: unknown id, a parameter it does not take, or one it needs and did not get.
    """
    accepted = inspect.signature(factory(kind, name)).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        for key in params:
            if key not in accepted:
                offered = [n for n in accepted if n not in injected]
                near = did_you_mean(key, offered) if offered else "it takes none"
                raise PluginError(f"{kind} {name!r} has no parameter {key!r}: {near}")
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    for key, parameter in accepted.items():
        if parameter.default is parameter.empty and parameter.kind not in variadic and key not in (*params, *injected):
            raise PluginError(f"{kind} {name!r} needs the parameter {key!r}")


def takes(kind: str, name: str, parameter: str) -> bool:
    """Say whether a plug-in's factory names a parameter in its signature."""
    return parameter in inspect.signature(factory(kind, name)).parameters


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
    params = dict(params or {})
    check_params(kind, name, params, *injected)
    make = factory(kind, name)
    accepted = inspect.signature(make).parameters
    return make(**params | {key: value for key, value in injected.items() if key in accepted})
