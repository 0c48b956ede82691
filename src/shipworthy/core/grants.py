"""What a user lets workspaces do: kept in a file of the user's own, never in a workspace.

A workspace comes from elsewhere: a pull request, a download. Naming code or a credential in it is a wish, not leave.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from msgspec import Struct

from shipworthy.core.errors import UsageError

PLAIN = "plain_http:"
"""Before a place that a key may be sent to unencrypted, so that whoever is on the way can read it."""
TRUSTING = "ca_file:"
"""Before a place whose certificate may be signed by an authority that the workspace names."""
FACTS = "facts"
"""The place of a value that is only looked for in answers, on this machine."""

OWN_HOSTS: Mapping[str, tuple[str, ...]] = {
    "env:ANTHROPIC_API_KEY": ("api.anthropic.com", "anthropic"),
    "env:CO_API_KEY": ("api.cohere.com", "cohere"),
    "env:DEEPSEEK_API_KEY": ("api.deepseek.com", "deepseek"),
    "env:GEMINI_API_KEY": ("generativelanguage.googleapis.com", "google"),
    "env:GOOGLE_API_KEY": ("generativelanguage.googleapis.com", "google"),
    "env:GROQ_API_KEY": ("api.groq.com", "groq"),
    "env:MISTRAL_API_KEY": ("api.mistral.ai", "mistral"),
    "env:OPENAI_API_KEY": ("api.openai.com", "openai"),
    "env:OPENROUTER_API_KEY": ("openrouter.ai", "openrouter"),
    "env:XAI_API_KEY": ("api.x.ai", "xai"),
}
"""Variables that belong to one provider by their name, and where that provider is: such a key may go there and nowhere
else, without being asked."""

_IN = "$ "
"""Between a folder and a command line."""

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_CODE = re.compile(rf"{_NAME}(?::{_NAME})?")


class Grants(Struct, frozen=True):
    """What was allowed.

    Attributes:
        code: ``module:function``, or a module, which stands for all that is in it.
        keys: credential reference -> places it may be sent to: hosts (``api.example.com``, or with a port; with `PLAIN`
            or `TRUSTING` before it, each leave of its own), providers of the target `providers`, or `FACTS`.
        commands: ``FOLDER$ LINE``: command lines that may be started in a folder, with the references of their
            variables before them. Of a line in another folder this says nothing: other files lie there.
    """

    code: frozenset[str] = frozenset()
    keys: Mapping[str, frozenset[str]] = {}
    commands: frozenset[str] = frozenset()

    def allow_code(self, call: str) -> bool:
        """Say whether ``module:function`` may be imported because a workspace names it."""
        module = call.partition(":")[0]
        parents = {module.rsplit(".", n)[0] for n in range(module.count(".") + 1)}
        return call in self.code or not parents.isdisjoint(self.code)

    def allow_key(self, reference: str, place: str) -> bool:
        """Say whether a credential may be sent to a place because a workspace says so."""
        allowed = {*self.keys.get(reference, ()), *OWN_HOSTS.get(reference, ())}
        host, _, port = place.rpartition(":")
        return place in allowed or (port.isdigit() and host in allowed)

    def allow_command(self, folder: Path, line: str) -> bool:
        """Say whether a command line may be started in a folder because a file there says so."""
        return _command(folder, line) in self.commands

    @staticmethod
    def how_to_allow(folder: Path, line: str) -> str:
        """Return the command with which a user allows a command line."""
        return f"shipworthy allow command --in {shlex.quote(str(folder))} -- {line}"

    def and_command(self, folder: Path, line: str) -> Grants:
        """Return these and one more command line.

        Raises:
            UsageError: it is empty, or cannot be shown on one line.
        """
        whole = _command(folder, line)
        if not line or not whole.isprintable():
            raise UsageError("a command is allowed as one line that can be shown, with a program in it")
        return Grants(self.code, self.keys, self.commands | {whole})

    def and_code(self, call: str) -> Grants:
        """Return these and one more piece of code.

        Raises:
            UsageError: it names no module.
        """
        if not _CODE.fullmatch(call):
            raise UsageError(f"code is allowed as 'module:function', or as the 'module' that holds it, not {call!r}")
        return Grants(self.code | {call}, self.keys, self.commands)

    def and_key(self, reference: str, place: str) -> Grants:
        """Return these and one more place for a credential.

        Raises:
            UsageError: the reference is none, or the place is an address and not a host.
        """
        if not reference.startswith(("env:", "file:")) or not reference.partition(":")[2]:
            # It may be a pasted secret: it is not repeated.
            raise UsageError("a credential is named by reference, 'env:NAME' or 'file:PATH', never by its value")
        host = place.removeprefix(TRUSTING).removeprefix(PLAIN)
        if host.startswith((TRUSTING, PLAIN)):
            host = ""
        if not host or any(c in host for c in "/@ *?") or not host.isprintable():
            raise UsageError(
                f"a place is a host such as api.example.com (plain_http:api.example.com where a key may be sent "
                f"unencrypted), or 'facts', not {place!r}"
            )
        places = self.keys.get(reference, frozenset()) | {place.casefold()}
        return Grants(self.code, {**self.keys, reference: places}, self.commands)

    def without(self, what: str) -> Grants:
        """Return these without a piece of code or a credential.

        Raises:
            UsageError: it was not allowed.
        """
        if what not in self.code and what not in self.keys and what not in self.commands:
            raise UsageError(f"{what!r} is not among what you allowed: `shipworthy allow list` shows it")
        keys = {key: places for key, places in self.keys.items() if key != what}
        return Grants(self.code - {what}, keys, self.commands - {what})

    @classmethod
    def load(cls, file: Path) -> Grants:
        """Read a user's grants; none where there is no file.

        Raises:
            UsageError: the file cannot be read, or holds something else: nothing is allowed then.
        """
        try:
            return _read(json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once))
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise UsageError(f"cannot read what you allowed, {file}: {error.strerror}") from error
        except (UsageError, ValueError, TypeError, AttributeError, RecursionError) as error:
            hint = 'it must be {"code": ["module:function"], "keys": {"env:NAME": ["host"]}, "commands": ["folder$ a"]}'
            raise UsageError(f"{file} does not say what you allowed: {hint}") from error

    def save(self, file: Path) -> None:
        """Write them, whole or not at all, readable by the user alone.

        Raises:
            UsageError: the file cannot be written.
        """
        value = {"code": sorted(self.code), "keys": {key: sorted(self.keys[key]) for key in sorted(self.keys)}}
        if self.commands:
            value["commands"] = sorted(self.commands)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as written:
                written.write(json.dumps(value, indent=2) + "\n")
            Path(written.name).replace(file)
        except OSError as error:
            raise UsageError(f"cannot write {file}: {error.strerror}") from error


def _read(value: Any) -> Grants:
    made = Grants()
    if set(value) - {"code", "keys", "commands"}:
        raise ValueError("an unknown key")
    for call in _texts(value.get("code", [])):
        made = made.and_code(call)
    for reference, places in value.get("keys", {}).items():
        for place in _texts(places):
            made = made.and_key(reference, place)
    for whole in _texts(value.get("commands", [])):
        folder, mark, line = whole.partition(_IN)
        if not mark:
            raise ValueError("a command without its folder")
        made = made.and_command(Path(folder), line)
    return made


def _command(folder: Path, line: str) -> str:
    return f"{folder}{_IN}{line}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: JSON takes the last one, and whoever reads the file may see the first."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name that stands there twice")
    return dict(pairs)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("not a list of texts")
    return value
