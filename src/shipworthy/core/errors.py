"""Every error shipworthy raises on purpose.

ShipworthyError
├── UsageError            the user's input is wrong; exit code 2, no traceback
│   ├── WorkspaceError    one or more problems in the safety files, each with file:line
│   ├── PluginError       an unknown plug-in, two factories in one file, a wrong parameter
│   │   └── IdTaken       two claims to one id
│   ├── MissingExtra      an optional dependency is not installed
│   └── CredentialError   a credential reference does not resolve
├── IntegrityError        a log, pack or signature is not what it claims to be; exit code 4
├── StoreError            rows could not be made durable (disk full, no permission); exit code 4
├── TargetError           the system under test failed to answer (outcome ``target_error``)
│   ├── TargetTimeout     it did not answer in time (outcome ``timeout``)
│   ├── TargetFiltered    a provider's own filter refused to answer (outcome ``filtered``)
│   ├── InvalidOutput     its answer is not what it was bound to (outcome ``target_error``)
│   └── PolicyRefused     the tool policy stopped the attempt (outcome ``refused``)
├── CallRefused           a tool policy refused a call of an agent in another framework; says what its model is told
├── AttackError           an attack, or the model it asks, failed (outcome ``attack_error``)
├── ScorerError           a scorer, or its judge, could not score an answer (outcome ``scorer_error``)
├── GuardError            a guard failed; the pipeline turns it into its rule's failure action
└── LimitReached          a budget (requests, tokens, cost, time) is used up

A message says what was wrong, where, and what to do. It never carries a credential or evaluation text.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple


class ShipworthyError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        exit_code: what the command line exits with when the error reaches it.
    """

    exit_code = 4


class UsageError(ShipworthyError):
    """The input is wrong; the message says where and what to do. Printed without a traceback."""

    exit_code = 2


class Problem(NamedTuple):
    """One thing wrong in a file: where, what, and what to do about it."""

    file: Path
    line: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        return where + self.message + (f" ({self.hint})" if self.hint else "")


class WorkspaceError(UsageError):
    """All the problems found in the safety files, never only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PluginError(UsageError):
    """An unknown plug-in id, a file that is no plug-in, or a parameter it does not take."""


class IdTaken(PluginError):
    """Two files claim one plug-in id.

    Args:
        owner: the module that had it first; `module` wants it, too.
    """

    def __init__(self, kind: str, name: str, owner: str, module: str) -> None:
        self.kind, self.name, self.owner, self.module = kind, name, owner, module
        super().__init__(f"two {kind}s are named {name!r}: {owner} and {module}")


class MissingExtra(UsageError):
    """An optional dependency is missing.

    Args:
        package: the distribution that was not found.
        extra: the extra of shipworthy that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        wanted = " ".join(shlex.quote(one) for one in requirements_of(extra))
        super().__init__(f"{package} is not installed: pip install {wanted}   (the extra {extra!r} of shipworthy)")


def requirements_of(extra: str) -> list[str]:
    """Return what an extra of shipworthy installs, as pip takes it.

    These are named, and not ``shipworthy[extra]``: that would look for shipworthy itself in an index, and a clone or a
    wheel that was handed over did not come from there.

    >>> requirements_of("sql")[0].startswith("duckdb")
    True
    """
    from importlib.metadata import PackageNotFoundError, requires

    try:
        listed = requires("shipworthy") or []
    except PackageNotFoundError:  # run from a folder, and never installed
        listed = []
    mark = re.compile(rf"""extra\s*==\s*["']{re.escape(extra)}["']""")
    found = [line.partition(";")[0].strip() for line in listed if mark.search(line)]
    return found or [f"shipworthy[{extra}]"]


class CredentialError(UsageError):
    """A reference such as ``env:NAME`` does not resolve. Names the reference, never the value."""


class EmptyCredential(CredentialError):
    """A reference leads to nothing but space: looked for, it would be everywhere; sent, it would be no key."""


class IntegrityError(ShipworthyError):
    """A log, pack, chain or signature is not what it claims to be."""


class StoreError(ShipworthyError):
    """Rows could not be made durable. What was acknowledged before is kept."""


class TargetError(ShipworthyError):
    """The system under test failed to answer."""


class TargetTimeout(TargetError):
    """The system under test did not answer in time."""


class TargetFiltered(TargetError):
    """A provider's own content filter refused to answer: not the system's refusal, and not safe."""


class InvalidOutput(TargetError):
    """An answer is not as the schema that the target was bound to says: an error of the target, and never safe."""


class PolicyRefused(TargetError):
    """The tool policy stopped the attempt."""


class CallRefused(ShipworthyError):
    """A tool policy refused a call of an agent that is not ours. The message is what the agent's model is told."""


class AttackError(ShipworthyError):
    """An attack could not do what it set out to do: no fault of the system under test, and no sign that it is safe."""


class ScorerError(ShipworthyError):
    """A scorer could not score an answer."""


class GuardError(ShipworthyError):
    """A guard failed on a text."""


class LimitReached(ShipworthyError):
    """A budget is used up. What was finished is kept; `shipworthy eval --resume` goes on."""

    exit_code = 4


_MANY = 500


def did_you_mean(wrong: str, known: Sequence[str]) -> str:
    """Return ``"did you mean 'x'?"`` for the nearest known word, or the words there are.

    >>> did_you_mean("critera", ["criteria", "id"])
    "did you mean 'criteria'?"
    >>> did_you_mean("zzz", ["criteria", "id"])
    'known: criteria, id'
    """
    if len(known) > _MANY:  # comparing a word with very many takes longer than reading the file it stands in
        return f"known: {len(known):,} others"
    near = get_close_matches(wrong[:80], known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else "known: " + (", ".join(sorted(known)) or "none")
