"""Hugging Face data sets: from a folder on the disk, or from the hub where the user says so. Extra `hf`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shipworthy.core.errors import Problem, UsageError, did_you_mean
from shipworthy.core.extras import require
from shipworthy.workspace.imports.rows import ForeignRow, ImportedSuite, finished, samples_of

MOST = 1_000_000
"""Rows of one split."""


def read_hugging_face_suite(
    name: str, fields: Mapping[str, str], *, split: str = "", hub: bool = False, revision: str = ""
) -> ImportedSuite:
    """Read one split of a data set.

    Args:
        name: a folder that `save_to_disk` made; with `hub` the name on the hub, such as ``org/name``.
        split: such as ``test``; may be left out where there is one.
        hub: fetch it over the network, at `revision` (a commit, so that it is the same tomorrow).

    Raises:
        MissingExtra: `datasets` is not installed.
        UsageError: there is no such data set or split; the hub is asked without a revision.
        WorkspaceError: every problem, with row and field; then nothing is taken.
    """
    datasets = require("datasets", extra="hf")
    if hub and not revision:
        raise UsageError("--hub needs --revision COMMIT: a name alone is another data set tomorrow")
    try:
        found = datasets.load_dataset(name, revision=revision) if hub else datasets.load_from_disk(name)
    except Exception as error:  # the library has no base of its own for what can go wrong
        where = "on the hub" if hub else "as a folder that `save_to_disk` made"
        raise UsageError(f"cannot read the data set {name!r} {where}: {str(error).splitlines()[0][:200]}") from error
    rows = _split(found, split, name)
    problems: list[Problem] = []
    place = Path(name)
    listed = [ForeignRow(number, dict(row)) for number, row in enumerate(rows, start=1) if number <= MOST]
    told = [f"Data set {name}" + (f" at {revision}" if revision else "") + (f", split {split}" if split else "") + "."]
    told.append(f"Licence as it states it: {getattr(getattr(rows, 'info', None), 'license', '') or 'none said'}.")
    samples = finished(samples_of(listed, place, problems, fields, place.name), problems)
    return ImportedSuite(samples, told=told)


def _split(found: Any, split: str, name: str) -> Any:
    if not isinstance(found, dict):
        if split:
            raise UsageError(f"the data set {name!r} is one split already: leave --split out")
        return found
    known = sorted(found)
    if not split and len(known) == 1:
        return found[known[0]]
    if split not in known:
        raise UsageError(
            f"the data set {name!r} has no split {split!r}: {did_you_mean(split, known)}; it has {', '.join(known)}"
        )
    return found[split]
