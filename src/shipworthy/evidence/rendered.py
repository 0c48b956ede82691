"""The report in a pack: rendered from the pack's own members, so that a verifier can render it again and compare.

It takes all of shipworthy. The stand-alone verifier, which has Python and `cryptography`, says that it did not compare.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

import shipworthy
from shipworthy.core.errors import IntegrityError, ShipworthyError
from shipworthy.core.records import Decision
from shipworthy.core.registry import create
from shipworthy.evals.results import Run
from shipworthy.evidence.bundle import VERIFIER, bundle
from shipworthy.evidence.certified import unchecked
from shipworthy.evidence.documents import document
from shipworthy.evidence.guide import GUIDE, VERIFY
from shipworthy.evidence.seen import Seen
from shipworthy.evidence.told import Told
from shipworthy.evidence.verification import Check
from shipworthy.evidence.verify import MANIFEST
from shipworthy.store.declare import parse_manifest

REPORT = "report.html"
_SOURCES = (
    "core", "stats", "detect", "store", "workspace", "evals", "reports", "release", "evidence", "conformance",
    "library/taxonomies", "library/crosswalks",
)  # fmt: skip
"""The packages, and the data, that a report and a dossier are made by."""

_decisions = msgspec.json.Decoder(Decision)


def render(members: Mapping[str, bytes]) -> bytes:
    """Return the report of a pack's decision, made from nothing but the pack's other members.

    Raises:
        IntegrityError: they do not hold what it needs.
    """
    try:
        decision = _decisions.decode(members["decision.json"])
    except (KeyError, msgspec.MsgspecError, RecursionError) as error:
        raise IntegrityError(f"decision.json: not a decision that this version can read: {error}") from None
    told = Told.of_pack(members)
    # A run of a pack is a run in a folder: the reader that the gate uses takes it as it is, and checks its chains.
    with TemporaryDirectory(prefix="shipworthy-") as folder:
        runs = {
            name: _load(Path(folder), name, members, marks=bool(decision.baseline_runs))
            for name in (*decision.runs, *decision.baseline_runs)
        }
        new, old = ([runs[name][0] for name in names] for names in (decision.runs, decision.baseline_runs))
        seen = {name: one for name, (_, one) in runs.items()}
        tree = document(told, decision, new, old, seen=seen, secrets=(), gateways=unchecked(members))
        html = create("report", "html").render(decision, tree)
    return str(html).encode()


def _load(folder: Path, run: str, members: Mapping[str, bytes], *, marks: bool) -> tuple[Run, Seen]:
    prefix = f"runs/{run}/"
    there = {name.removeprefix(prefix): data for name, data in members.items() if name.startswith(prefix)}
    if "manifest.json" not in there:
        raise IntegrityError(f"{prefix}manifest.json: missing")
    directory = folder / run
    directory.mkdir()
    for name, data in there.items():
        if name == "manifest.json" or name.startswith("attempts-"):
            (directory / name).write_bytes(data)
    seen = Seen(parse_manifest(there["manifest.json"], f"{prefix}manifest.json"))
    found = Run.load(directory, visit=seen.add, marks=marks)
    seen.finish()
    return found, seen


def check_report(members: Mapping[str, bytes]) -> Check:
    """Hold the report of a pack against what is rendered here from the pack's other members, byte by byte.

    Args:
        members: of a pack that holds together otherwise.

    Returns:
        The check; `compared` is False where another version rendered the report: it may then differ without being
        wrong, so nothing is said of it. A pack that does not say who rendered it is held to this version.
    """
    try:
        by, here = json.loads(members[MANIFEST]).get("rendered_by"), renderer()
        if by is not None and by != here:
            return Check("report", True, f"not compared: rendered by {by!r}, and this is {here!r}", compared=False)
        own = ((GUIDE, VERIFY.encode()), (REPORT, render(members)), (VERIFIER, bundle()))
        wrong = [name for name, data in own if members[name] != data]
    except ShipworthyError as error:
        return Check("report", False, f"{REPORT}: cannot be rendered from the pack: {error}")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError) as error:
        return Check("report", False, f"{REPORT}: cannot be rendered from the pack ({type(error).__name__}: {error})")
    if wrong:
        made = "puts into a pack" if wrong[0] == VERIFIER else "renders from the records and the decision inside"
        return Check("report", False, f"{wrong[0]}: not what {here} {made}")
    return Check("report", True, f"{REPORT} rendered again from the records inside: the same bytes")


@cache
def renderer() -> str:
    """Return what a pack says of who rendered its report: version, a digest of the sources, and what they count with.

    Between two releases the sources change and the version does not.
    """
    state, root = sha256(), Path(shipworthy.__file__).parent
    for path in sorted(
        path for name in _SOURCES for path in (root / name).rglob("*") if path.suffix in (".py", ".css", ".csv")
    ):
        state.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    counts = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    return f"shipworthy {shipworthy.__version__} ({state.hexdigest()[:12]}, {counts})"
