"""Names of private samples, kept private: what stands in their place wherever anything is written or printed.

A suite of private content is read with the ids of its samples, their clusters and their tags replaced, so that nothing
behind the reader of files ever knows the real ones: no log, page, pack, table or error can show them. A pseudonym is
a keyed hash: the same for the same name in one workspace, so that runs can be compared and paired, and unguessable for
whoever lacks the key. The key lies under ``.shipworthy/``, beside the runs, and enters no pack.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace as changed

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.core.records import Sample
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.store.layout import Layout
from shipworthy.workspace.draft import Draft
from shipworthy.workspace.suite import Suite

FILE = "pseudonyms.key"
_KEY = re.compile(rb"[0-9a-f]{64}\n?")
_STRATUM = "stratum:"
_REMEMBERED = 4_096


class Pseudonyms:
    """Gives names their pseudonyms.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._tags: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}  # many samples have the same

    def of(self, suite: str, name: str) -> str:
        """Return what stands for a sample's id or cluster, or for a tag, of one suite: ``P-`` and 16 hex digits.

        >>> Pseudonyms(bytes(32)).of("s", "ward-7")
        'P-13f5bbd7cf1b79eb'
        """
        said = b"%s\0%s" % (suite.encode(), name.encode("utf-8", "surrogatepass"))
        return f"P-{hmac.digest(self._key, said, sha256).hex()[:16]}"

    def tag(self, suite: str, tag: str) -> str:
        """Return what stands for a tag: its stratum is hidden, that it is one is not."""
        if tag.startswith(_STRATUM):
            return _STRATUM + self.of(suite, tag)
        return self.of(suite, tag)

    def sample(self, suite: str, sample: Sample, private: Collection[str]) -> Sample:
        """Return a sample as all that follows may know it.

        Args:
            suite: that it belongs to.
            private: the ids of all private suites: a twin may be in another one.
        """
        other, slash, id = sample.twin.partition("/")
        twin = sample.twin
        if slash:
            twin = f"{other}/{self.of(other, id)}" if other in private else twin
        elif twin and suite in private:
            twin = self.of(suite, twin)
        if suite not in private:
            return sample if twin == sample.twin else changed(sample, twin=twin)
        name = self.of(suite, sample.id)
        return changed(
            sample,
            id=name,
            cluster=name if sample.cluster == sample.id else self.of(suite, sample.cluster),
            twin=twin,
            tags=self._all(suite, sample.tags),
        )

    def _all(self, suite: str, tags: tuple[str, ...]) -> tuple[str, ...]:
        if (known := self._tags.get((suite, tags))) is not None:
            return known
        made = tuple(self.tag(suite, tag) for tag in tags)
        if len(self._tags) < _REMEMBERED:
            self._tags[suite, tags] = made
        return made


def hide_names(draft: Draft, root: Path) -> None:
    """Replace the names in the private suites of a draft; a key that cannot be read is a problem of the draft."""
    suites = draft.entities["suite"]
    private = {id for id, placed in suites.items() if placed.entity.content == "private"}
    if not private:
        return
    try:
        names = Pseudonyms(read_key(root))
    except WorkspaceError as error:
        draft.problems += error.problems
        names = Pseudonyms(secrets.token_bytes(32))  # nothing is shown in any case
    for id, placed in suites.items():
        samples = list(placed.entity.samples)
        placed.entity = replace(placed.entity, samples=())
        for index, sample in enumerate(samples):  # in place: a million need not be there twice
            samples[index] = names.sample(id, sample, private)
        placed.entity = replace(placed.entity, samples=tuple(samples))


@dataclass(frozen=True)
class NamePlace:
    """Where a name of a private suite is written: as what (``sample``, ``cluster``, ``tag``), and in which lines."""

    suite: str
    what: str
    pseudonym: str
    file: Path
    lines: Sequence[int]


def look_up(root: Path, suites: Iterable[Suite], word: str) -> Iterator[NamePlace]:
    """Yield where a name is written in private suites.

    Args:
        word: a pseudonym, or the name itself.

    Raises:
        WorkspaceError: the workspace's key is none.
    """
    names = Pseudonyms(read_key(root))
    for suite in suites:
        if suite.content != "private" or suite.source is None:
            continue
        wanted = {word, names.of(suite.id, word), names.tag(suite.id, word)}
        found: dict[tuple[str, str], list[int]] = {}
        for sample, line in zip(suite.samples, suite.lines, strict=True):
            cluster = sample.cluster if sample.cluster != sample.id else ""
            for what, name in (("sample", sample.id), ("cluster", cluster), *(("tag", tag) for tag in sample.tags)):
                if name in wanted or name.removeprefix(_STRATUM) in wanted:
                    found.setdefault((what, name), []).append(line)
        for (what, name), lines in found.items():
            yield NamePlace(suite.id, what, name, suite.source, lines)


def read_key(root: Path) -> bytes:
    """Return a workspace's key; a new one where there is none yet.

    Where nothing can be written, the key lasts as long as the process: no run can be kept there either.

    Raises:
        WorkspaceError: the file is there and holds no key.
    """
    path = Layout(root).state / FILE
    if not path.exists() and not path.is_symlink():
        with suppress(FileExistsError):  # another process was first
            try:
                make_directory(path.parent)
                write_atomic(path, secrets.token_hex(32).encode() + b"\n", mode=0o600, replace=False)
            except FileExistsError:
                raise
            except OSError:
                return secrets.token_bytes(32)
    try:
        # A link could lead to another key of whoever runs this, and a pipe never ends.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            written = file.read(128) or b""
    except OSError as error:
        raise WorkspaceError([Problem(path, 0, f"cannot be read: {error.strerror}")]) from error
    if not _KEY.fullmatch(written):
        hint = "put the file back that was there: with another key, earlier runs cannot be resumed or compared"
        raise WorkspaceError([Problem(path, 0, "holds no key for the names of private samples", hint)])
    return bytes.fromhex(written.decode())
