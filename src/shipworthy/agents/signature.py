"""A Python function as a tool: the JSON schema of its arguments from its type hints, and the way back."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

import msgspec

from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError
from shipworthy.core.records import ToolSpec

_ARGUMENT = re.compile(r"^ {4,}(\w+(?:, \w+)*): (.*)$")


class ToolProblem(Exception):
    """What a tool raises to say that a call cannot be carried out: its message is the call's error result.

    Nothing of the call is kept: the state is what it was before.
    """


class Signature:
    """One tool.

    Args:
        name: under which it is offered.
        function: with a type hint for every parameter, a docstring whose first paragraph says what it is for, and under
            ``Args:`` what each argument is. Parameters may be anything that JSON carries and msgspec converts.

    Raises:
        PluginError: a parameter has no type hint, or one that no JSON schema can be made of; or nothing says what the
            tool is for.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.function = function
        self.pinned = ""
        where = f"{getattr(function, '__module__', '?')}: the tool {name!r}"
        purpose, told = _explained(function)
        if not purpose:
            raise PluginError(f"{where} has no docstring: a model could not know what it is for")
        try:
            hints = get_type_hints(function, include_extras=True)
        except (NameError, TypeError) as error:
            raise PluginError(f"{where}: a type hint cannot be read ({error})") from None
        fields: list[Any] = []
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name == "self":
                continue
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or parameter.name not in hints:
                raise PluginError(f"{where}: the parameter {parameter.name!r} needs a name and a type hint")
            kind: Any = hints[parameter.name]
            if about := told.get(parameter.name):
                kind = Annotated[kind, msgspec.Meta(description=about)]
            given = () if parameter.default is parameter.empty else (parameter.default,)
            fields.append((parameter.name, kind, *given))
        try:
            self._struct = msgspec.defstruct("Arguments", fields, kw_only=True, forbid_unknown_fields=True)
            schema = msgspec.json.schema(self._struct)
        except TypeError as error:
            raise PluginError(f"{where}: no JSON schema can be made of its type hints ({error})") from None
        self.spec = ToolSpec(name, purpose, _plain(schema))
        self.pinned = self.digest

    @property
    def digest(self) -> str:
        """``sha256:…`` of name, description and schema as they are now; `pinned` is what it was when it was made."""
        return digest(msgspec.to_builtins(self.spec))

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments as the function takes them.

        Numbers that are written as text are read, as models write them; an argument that the tool does not have is an
        error and not left out.

        Raises:
            ToolProblem: they do not fit the schema; it says which.
        """
        try:
            made = msgspec.convert(dict(arguments), self._struct, strict=False)
        except (msgspec.ValidationError, RecursionError, ValueError, OverflowError) as error:
            raise ToolProblem(f"The arguments of {self.spec.name} are wrong: {error}.") from None
        return {name: getattr(made, name) for name in self._struct.__struct_fields__}


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the one object, without the reference that msgspec wraps it in."""
    found = dict(schema)
    inner = dict(found.pop("$defs", {}))
    made = dict(inner.pop("Arguments"))
    made.pop("title", None)
    made["required"] = made.get("required", [])
    made["additionalProperties"] = False
    return {**made, "$defs": inner} if inner else made


def _explained(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Return what a docstring says a function is for, and of each argument, as written under ``Args:``."""
    lines = (inspect.getdoc(function) or "").splitlines()
    purpose = " ".join(" ".join(lines).partition("Args:")[0].partition("Raises:")[0].split())
    told: dict[str, str] = {}
    names: list[str] = []
    inside = False
    for line in lines:
        if line.strip() in ("Args:", "Raises:", "Returns:"):
            inside, names = line.strip() == "Args:", []
        elif inside and (match := _ARGUMENT.match(line)) and not line.startswith(" " * 8):
            names = match[1].split(", ")
            told |= dict.fromkeys(names, match[2].strip())
        elif inside and names and line.strip():
            told |= {name: f"{told[name]} {line.strip()}" for name in names}
    return purpose, told
