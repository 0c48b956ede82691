"""Plug-ins: one file and one decorated factory each. Nothing is imported until it is asked for.

A plug-in's id is its file's name, or the entry point's name where it is installed. Two factories in one file are
refused, and so are two claims to one id.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any, TypeVar, get_type_hints

import msgspec

from shipworthy.core.attack_chain import is_chain, join, steps_of
from shipworthy.core.errors import IdTaken, PluginError, ShipworthyError, did_you_mean

KINDS = ("target", "attack", "scorer", "guard", "report", "world")

F = TypeVar("F", bound=Callable[..., Any])
_made: dict[tuple[str, str], Callable[..., Any]] = {}
_files: dict[str, Callable[..., Any]] = {}
"""The one factory of each module."""


def plugin(kind: str) -> Callable[[F], F]:
    """Return the decorator that registers a factory under its file's name, or its entry point's.

    Args:
        kind: one of `KINDS`.

    Raises:
        PluginError: its file has another factory.
        IdTaken: another file claims its id.
    """

    def register(factory: F) -> F:
        module = factory.__module__
        if _files.setdefault(module, factory) is not factory:
            others = f"{_files[module].__qualname__} and {factory.__qualname__}"
            raise PluginError(f"{module} decorates two factories, {others}: a plug-in is a file of its own")
        found = known(kind)
        ids = [name for name, home in found.items() if home == module] or [module.rpartition(".")[2]]
        for name in ids:
            claimed = _made.get((kind, name))
            owner = claimed.__module__ if claimed is not None else found.get(name, module)
            if owner != module:
                raise IdTaken(kind, name, owner, module)
            _made[kind, name] = factory
        return factory

    return register


OPERATIONAL = "__shipworthy_operational__"
"""The attribute of a factory that holds the names of its operational settings."""


def operational(*settings: str) -> Callable[[F], F]:
    """Return the decorator that declares which of a factory's parameters are operational settings.

    Such a setting says how patiently, how often or how many at a time something is asked: timeouts, retries,
    concurrency, rate limits. It changes no answer, so it is no part of what was measured: evidence stays valid and a
    run can go on where only such settings changed. What may change an answer (a prompt, a limit on the answer's length,
    an address) must not be declared. A setting that is not declared is part of what was measured.

    It stands below the decorator that registers the factory::

        @target
        @operational("timeout", "retries")
        def my_service(*, url: str, timeout: float = 60.0, retries: int = 4) -> MyService: ...

    Args:
        settings: names of parameters.

    Raises:
        PluginError: the factory has no such parameter.
    """
    return _declare(OPERATIONAL, "declares the operational setting", settings)


def _declare(mark: str, said: str, settings: tuple[str, ...]) -> Callable[[F], F]:
    def declare(factory: F) -> F:
        accepted = inspect.signature(factory).parameters
        for name in settings:
            if name not in accepted:
                raise PluginError(
                    f"{factory.__module__}: {factory.__qualname__} {said} {name!r} and has no such parameter: "
                    f"{did_you_mean(name, list(accepted))}"
                )
        setattr(factory, mark, frozenset(settings))
        return factory

    return declare


TOLD = "__shipworthy_told__"
"""The attribute of a factory that holds which facts of the product its settings take, and what is given instead."""


def told(setting: str, fact: str, *, instead: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Return the decorator that declares that a guard's setting takes a fact of the product where it is left out.

    The facts stand once, under ``facts`` in ``system.yaml``. It stands below the decorator that registers the
    factory, as `operational` does::

        @guard
        @told("canaries", "secrets")
        class MyGuard: ...

    Args:
        setting: name of a parameter that takes a list of texts.
        fact: ``secrets`` (canaries, and references to real values) or ``may_say``.
        instead: parameters that, if given, stand in its place: the fact is then not taken.

    Raises:
        PluginError: the factory has no such parameter.
    """

    def declare(factory: F) -> F:
        before = getattr(factory, TOLD, {})
        made = _declare(TOLD, "is told of the product in", (setting, *instead))(factory)
        setattr(factory, TOLD, {**before, setting: (fact, instead)})
        return made

    return declare


def told_settings(kind: str, name: str) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Return the settings of a plug-in that take a fact of the product: which one, and what is given instead.

    Raises:
        PluginError: there is no such plug-in.
    """
    declared: Mapping[str, tuple[str, tuple[str, ...]]] = getattr(factory(kind, name), TOLD, {})
    return declared


IMPORTED = "__shipworthy_imported__"
"""The attribute of a factory that holds the names of the settings that name code."""


def imports(*settings: str) -> Callable[[F], F]:
    """Return the decorator that declares which of a factory's parameters name code to import, ``module:function``.

    A workspace's word is no leave to run it: its user allows it, with `--allow-code` or by name (`core.grants`). It
    stands below the decorator that registers the factory, as `operational` does.

    Args:
        settings: names of parameters.

    Raises:
        PluginError: the factory has no such parameter.
    """
    return _declare(IMPORTED, "names code in the setting", settings)


def imported_settings(kind: str, name: str) -> frozenset[str]:
    """Return the names of a plug-in's settings that name code to import.

    Raises:
        PluginError: there is no such plug-in.
    """
    declared: frozenset[str] = getattr(factory(kind, name), IMPORTED, frozenset())
    return declared


def operational_settings(kind: str, name: str) -> frozenset[str]:
    """Return the names of a plug-in's operational settings, as its factory declares them.

    Raises:
        PluginError: there is no such plug-in.
    """
    declared: frozenset[str] = getattr(factory(kind, name), OPERATIONAL, frozenset())
    return declared


target = plugin("target")
attack = plugin("attack")
scorer = plugin("scorer")
guard = plugin("guard")
report = plugin("report")
world = plugin("world")


@cache
def built_in(kind: str) -> Mapping[str, str]:
    """Return id -> module of every plug-in of a kind that comes with shipworthy, by file name."""
    try:
        package = import_module(f"shipworthy.{kind}s")
    except ModuleNotFoundError:
        return {}
    found = (m.name for m in iter_modules(package.__path__) if m.name[0] != "_")
    return {name: f"{package.__name__}.{name}" for name in sorted(found)}


@cache
def known(kind: str) -> Mapping[str, str]:
    """Return id -> module of every plug-in of a kind: built-in ones, and installed ones by entry point.

    Raises:
        IdTaken: two distributions claim one id.
    """
    found = dict(built_in(kind))
    for entry in entry_points(group=f"shipworthy.{kind}s"):
        if found.setdefault(entry.name, entry.module) != entry.module:
            raise IdTaken(kind, entry.name, found[entry.name], entry.module)
    return dict(sorted(found.items()))


def factory(kind: str, name: str) -> Callable[..., Any]:
    """Return the factory of one plug-in, importing its file.

    Raises:
        PluginError: there is no such plug-in (the nearest name is given), or an installed one cannot be imported.
    """
    if (kind, name) not in _made:
        modules = known(kind)
        if name not in modules:
            raise PluginError(f"unknown {kind} {name!r}: {did_you_mean(name, names(kind))}")
        _load(kind, name, modules[name])
        if (kind, name) not in _made:
            raise PluginError(f"{modules[name]} registers no {kind}: decorate its factory with @{kind}")
    return _made[kind, name]


def _load(kind: str, name: str, module: str) -> None:
    try:
        import_module(module)
    except Exception as error:
        withdraw(module)  # the next import runs the file again
        if isinstance(error, ShipworthyError) or name in built_in(kind):
            raise  # of a built-in one it is a fault of shipworthy: whoever mends it needs the traceback
        raise PluginError(
            f"the {kind} {name!r} cannot be loaded from {module}: {type(error).__name__}: {error}"
        ) from error


def names(kind: str) -> tuple[str, ...]:
    """Return the sorted ids of a kind: what can be found, and what was registered from a workspace's own files."""
    return tuple(sorted({*known(kind), *(name for made, name in _made if made == kind)}))


def made_by(kind: str, name: str) -> str:
    """Return the module whose factory is registered under an id, or the empty string."""
    made = _made.get((kind, name))
    return made.__module__ if made is not None else ""


def withdraw(module: str) -> None:
    """Forget the factory of a module: of a workspace's own file that was refused."""
    _files.pop(module, None)
    for key in [key for key, made in _made.items() if made.__module__ == module]:
        del _made[key]


_signature = cache(inspect.signature)


def check_params(kind: str, name: str, params: Mapping[str, Any], /, *injected: str) -> None:
    """Check parameters against the factory's signature without running it.

    Args:
        injected: names the caller will provide, if the factory takes them.

    Raises:
        PluginError: unknown id, a parameter it does not take, or of another type than a built-in one takes, or one it
            needs and did not get.
    """
    if kind == "attack" and is_chain(name):
        if params:
            raise PluginError(
                f"attack {name!r} has no parameter {next(iter(params))!r}: write it in the chain, such as "
                "role_play(persona=any) + base64"
            )
        for step in steps_of(name):
            check_params(kind, step.id, step.params, *injected)
        return
    accepted = _signature(factory(kind, name)).parameters
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
    if kind == "target" and name in built_in(kind):  # scorers, attacks and guards look at their own, and say more
        _check_types(kind, name, params)


def _check_types(kind: str, name: str, params: Mapping[str, Any]) -> None:
    """Hold parameters against what our own factories are annotated with: theirs is whatever was written in YAML."""
    try:
        hints = get_type_hints(factory(kind, name))
    except (NameError, TypeError):  # a name that only a type checker can resolve
        return
    for key, value in params.items():
        if key not in hints:
            continue
        try:
            msgspec.convert(value, hints[key], strict=True)
        except msgspec.ValidationError as error:
            raise PluginError(f"{kind} {name!r}: {key} {_wanted(error)}") from None
        except UnicodeError:
            raise PluginError(f"{kind} {name!r}: {key} holds half a character (a lone surrogate)") from None
        except (TypeError, RecursionError):  # a type that is no JSON's, such as another plug-in's
            continue


def _wanted(error: msgspec.ValidationError) -> str:
    """Say what was wanted and found, in the words of a YAML file."""
    text = str(error).replace("`", "").replace("Expected ", "must be ", 1)
    for theirs, ours in (("object", "a mapping"), ("array", "a list"), ("str", "text"), ("null", "null")):
        text = re.sub(rf"\b{theirs}\b", ours, text)
    return text


def takes(kind: str, name: str, parameter: str) -> bool:
    """Say whether a plug-in's factory names a parameter in its signature."""
    return parameter in _signature(factory(kind, name)).parameters


def create(kind: str, name: str, params: Mapping[str, Any] | None = None, /, **injected: Any) -> Any:
    """Build one plug-in.

    Args:
        kind: one of `KINDS`.
        name: its id; of attacks also a chain, such as ``role_play(persona=any) + base64``.
        params: what the user wrote; an unknown or missing parameter is an error that names the nearest.
        injected: what the caller provides (``model=``); passed only if the factory takes it.

    Raises:
        PluginError: unknown id or parameter.
    """
    params = dict(params or {})
    check_params(kind, name, params, *injected)
    if kind == "attack" and is_chain(name):
        return join(name, [create(kind, step.id, step.params, **injected) for step in steps_of(name)])
    make = factory(kind, name)
    accepted = _signature(make).parameters
    return make(**params | {key: value for key, value in injected.items() if key in accepted})
