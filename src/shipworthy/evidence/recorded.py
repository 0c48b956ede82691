"""Whether records are what their run's manifest planned: each attempt once, with words and numbers that there are.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import IntegrityError
from shipworthy.core.finished import INAPPLICABLE, PLANNED
from shipworthy.core.terminal import shown
from shipworthy.evidence import recount, words
from shipworthy.evidence.shape import number, wrong

_ID = re.compile(r"AT-[0-9a-f]{16}(-(?:[2-9]|[1-9][0-9]+))?")


class RecordCheck:
    """Takes a run's records one by one and refuses the first that its manifest does not plan.

    Args:
        manifest: of the run, checked.
        where: of the manifest, for errors.
    """

    def __init__(self, manifest: Mapping[str, Any], where: str) -> None:
        self._where = where
        self._uses = {use["id"]: use for use in manifest["suites"]}
        self._measures = {id: recount.measures(manifest, id) for id in self._uses}
        self._attempts: dict[tuple[str, str, str, int], str] = {}
        self._clusters: dict[tuple[str, str], str] = {}
        self._applies: dict[tuple[str, str, str], bool] = {}

    def add(self, record: Mapping[str, Any], where: str) -> None:
        """Take in one record.

        Raises:
            IntegrityError: it is of no planned attempt, of one that another record already is of, or scores what no
                scorer of its suite declares.
        """
        words.record(record, where)
        id, suite = record["id"], record["suite"]
        if not _ID.fullmatch(id):
            raise wrong(f"{where}.id", "an attempt's id", id)
        use = self._uses.get(suite)
        if use is None or record["attack"] not in use.get("attacks", ()) or record["number"] > use["each"]:
            raise IntegrityError(f"{where}: an attempt that the run did not plan")
        key = (suite, record["sample"], record["attack"], record["number"])
        if self._attempts.setdefault(key, id[:PLANNED]) != id[:PLANNED]:
            raise IntegrityError(f"{where}: another attempt of the same sample, attack and number is there already")
        if self._clusters.setdefault((suite, record["sample"]), record["cluster"]) != record["cluster"]:
            raise IntegrityError(f"{where}: puts the sample {shown(record['sample'], 80)} into two clusters")
        self._applicable(record, where)
        self._scores(record.get("scores", ()), suite, where)

    def _applicable(self, record: Mapping[str, Any], where: str) -> None:
        """Whether an attack can change a sample hangs on nothing else, and where it cannot, nothing happens."""
        out = record["outcome"] == INAPPLICABLE
        if self._applies.setdefault((record["suite"], record["sample"], record["attack"]), not out) is out:
            raise IntegrityError(f"{where}: an attack that can change a sample in one attempt, and not in another")
        if out and (record["attack"] == "none" or record["id"] != record["id"][:PLANNED]):
            raise IntegrityError(f"{where}: left out as its attack cannot change the sample, which cannot be so")
        if out and (record.get("scores") or record.get("events") or not record.get("error")):
            raise IntegrityError(f"{where}: left out as its attack cannot change the sample, and something happened")

    def _scores(self, scores: Sequence[Mapping[str, Any]], suite: str, where: str) -> None:
        told = set()
        for score in scores:
            name = score["metric"]
            measure = self._measures[suite].get(name)
            if measure is None:
                raise IntegrityError(f"{where}: scores {shown(name, 80)}, which no scorer of the suite declares")
            if name in told:
                raise IntegrityError(f"{where}: scores {name} twice")
            told.add(name)
            hit, value = score.get("hit"), score.get("value")
            if (measure.value and hit is not None) or (not measure.value and value is not None):
                raise IntegrityError(f"{where}: scores {name} as what it is not, an event or a value")
            if value is not None:
                number(measure.low, measure.high)(value, f"{where}: {name}")

    def finish(self) -> None:
        """Check samples and clusters of what was measured whole.

        Raises:
            IntegrityError: there are more samples than were planned, or other clusters than the manifest says.
        """
        for id, use in self._uses.items():
            samples = [cluster for (suite, _), cluster in self._clusters.items() if suite == id]
            made = sum(suite == id for suite, *_ in self._attempts)
            clusters = len(set(samples))
            whole = made == use["attempts"]
            if len(samples) > use["samples"] or made > use["attempts"]:
                raise IntegrityError(f"{self._where}: the records are of more samples of {id} than it says")
            if clusters > use["clusters"] or (whole and (len(samples), clusters) != (use["samples"], use["clusters"])):
                raise IntegrityError(
                    f"{self._where}: says {use['samples']:,} samples in {use['clusters']:,} clusters of {id}; "
                    f"the records are of {len(samples):,} in {clusters:,}"
                )
