"""The criteria of a decision, held to what was specified and to the records of its runs. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from shipworthy.core import condition
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import audited, bounds, recount
from shipworthy.evidence.recount import Counts, Measure, PackedRun


class Criteria:
    """What a pack says of each criterion is derived again; each method refuses what does not follow.

    Args:
        decision: ``decision.json``.
        runs: those of the pack, by id.
        entries: the audit log's, checked.
    """

    def __init__(
        self, decision: Mapping[str, Any], runs: Mapping[str, PackedRun], entries: Sequence[Mapping[str, Any]]
    ) -> None:
        self.decision, self.runs, self.entries = decision, runs, entries

    def unreached(self, result: Mapping[str, Any]) -> None:
        """Check that a criterion which the specification does not hold decided nothing."""
        if result["verdict"] != "inconclusive" or result.get("rate") is not None:
            raise IntegrityError(f"decision.json: the criterion {result['id']} was decided and not specified")

    def specified(self, result: Mapping[str, Any], criterion: Mapping[str, Any], method: str, main: str) -> None:
        """Hold a result against the criterion that was specified, and against the runs of the decision.

        Args:
            method: of the bound, as the gate says; `main` the suite's main metric, for a criterion that names none.
        """
        id, must = result["id"], condition.parse(result["must"])
        metric = criterion.get("metric") or main
        same = (
            " ".join(str(criterion["must"]).split()) == result["must"]
            and (criterion["suite"], metric) == (result["suite"], result["metric"])
            and must.test == result["test"]
            and abs(must.limit - result["limit"]) < 1e-9
            and abs(must.confidence - result.get("confidence", 0.95)) < 1e-9
            and result.get("method", "gaffke") == method
        )
        if not same:
            raise IntegrityError(f"decision.json: the criterion {id} is not the one that was specified")
        if result.get("run") not in self.decision["runs"] or (
            result.get("baseline_run") and result["baseline_run"] not in self.decision.get("baseline_runs", ())
        ):
            raise IntegrityError(
                f"decision.json: the criterion {id} was tested on a run that the decision is not about"
            )

    def audited(self, result: Mapping[str, Any], criterion: Mapping[str, Any]) -> None:
        """Hold an audit by labels against the specification, the records, and what the decision read of the log."""
        id, asked, said = result["id"], criterion.get("audited_by") == "labels", result.get("audit")
        if said is None and (not asked or result.get("rate") is None):
            return
        if said is None or not asked:
            raise IntegrityError(f"decision.json: {id} is {'not ' if asked else ''}audited by labels, unlike specified")
        # `ledger` checked that what was read is a part of the log, and ends before the decision.
        entries = self.entries[: self.decision["ledger"]["entries"]]
        audited.check(result, criterion.get("attack"), self.runs[result["run"]].counted, entries)

    def fit(self, result: Mapping[str, Any], criterion: Mapping[str, Any]) -> None:
        """Check that a criterion which passed was allowed to decide: whole runs, few errors, enough samples."""
        id, suite = result["id"], result["suite"]
        for name in filter(None, (result["run"], result.get("baseline_run"))):
            use = next((u for u in self.runs[name].manifest["suites"] if u["id"] == suite), None)
            made = sum(record["suite"] == suite for record in self.runs[name].counted)
            if use is None or made < use["attempts"]:
                raise IntegrityError(f"decision.json: {id} passed on the run {name}, which lacks attempts of {suite}")
        use = next(u for u in self.runs[result["run"]].manifest["suites"] if u["id"] == suite)
        if sum(result.get("unscored", {}).values()) > use["max_error_rate"] * result.get("planned", 0):
            raise IntegrityError(f"decision.json: {id} passed with more unscored attempts than {suite} allows")
        clusters = [result.get("clusters", 0)]
        if condition.parse(result["must"]).each:
            clusters += [row["clusters"] for row in result.get("attacks", ())]
        if min(clusters) < criterion.get("min_clusters", 1):
            raise IntegrityError(f"decision.json: {id} passed on fewer samples than it asks for")

    def errors(self, limit: float) -> None:
        """Check the gate's own limit on attempts without a score."""
        for name in self.decision["runs"]:
            run = self.runs[name]
            if recount.unscored(run.counted, run.manifest) > limit * run.manifest["planned"]:
                raise IntegrityError(
                    f"decision.json: it ships with more attempts without a score in {name} than the gate allows"
                )

    def recount(self, result: Mapping[str, Any], attack: str | None, stated: Mapping[str, Any]) -> int:
        """Count one criterion again; returns 1, or 0 where it counted nothing (and so may not pass)."""
        id, verdict = result["id"], result["verdict"]
        if result.get("rate") is None:
            if verdict == "ship":
                raise IntegrityError(f"decision.json: {id} passed without a rate")
            if result.get("attacks"):
                self.attacks(result, attack, stated)
            return 0
        new, old = self.runs[result["run"]], None
        measure = self.measure(result)
        what = result["suite"], measure, attack
        must = condition.parse(result["must"])
        bad: Literal["high", "low"] = "high" if must.side == "upper" else "low"
        if result["test"] == "threshold":
            counts = recount.count(new.counted, *what)
            worst = recount.count(new.counted, *what, fill=bad)
        else:
            old = self.runs[result["baseline_run"]]
            same_seed = new.manifest["seed"] == old.manifest["seed"]
            counts = recount.count_paired(new.counted, old.counted, *what, same_seed=same_seed)
            worst = recount.count_paired(new.counted, old.counted, *what, same_seed=same_seed, fill=bad)
        each = self.attacks(result, attack, stated)
        labels = result.get("audit", {})
        rows = audited.rows(counts.clusters, worst.clusters) if labels else ()
        shown, highest = counts, audited.estimate(rows, labels, float(bad == "high")) if labels else worst.rate
        if must.each:
            shown = max(
                (pair for pair in each if pair[0].trials),
                key=lambda pair: (pair[1].rate, pair[0].rate, -len(pair[0].clusters)),
            )[0]
            highest = max(filled.rate for _, filled in each)
        found = shown.hits, shown.trials, len(shown.clusters), counts.errors
        said = tuple(result.get(name, 0) for name in ("hits", "trials", "clusters", "errors"))
        tables = ((counts, stated["counts"]), (worst, stated["worst"]))
        if found != said or any({k: list(v) for k, v in c.clusters.items()} != t for c, t in tables):
            raise IntegrityError(
                f"decision.json: {id} says {said} hits, trials, clusters and errors; the records hold {found}"
            )
        if counts.unscored != result.get("unscored", {}):
            raise IntegrityError(f"decision.json: {id} lists other attempts without a score than the records hold")
        near = 1e-9 * max(1.0, abs(measure.low), abs(measure.high))
        stated_worst = result.get("worst_rate")
        if (stated_worst is None) is bool(counts.unscored) or (
            stated_worst is not None and abs(highest - stated_worst) > near
        ):
            raise IntegrityError(f"decision.json: the worst case of {id} is not that of its unscored attempts")
        rate = audited.estimate(rows, labels) if labels else shown.rate
        if abs(rate - result["rate"]) > near or not result["low"] - near <= result["rate"] <= result["high"] + near:
            raise IntegrityError(f"decision.json: the estimate or interval of {id} does not fit its counts")
        threshold = must.test == "threshold"
        met = result["bound"] >= must.limit if threshold and must.side == "lower" else result["bound"] <= must.limit
        if verdict == "ship" and not met:
            raise IntegrityError(f"decision.json: {id} passed though its bound does not meet its limit")
        judged = [filled for _, filled in each] if must.each else [worst]
        level = must._replace(confidence=must.level(len(judged)))
        if (
            audited.too_good(rows, labels, result["bound"], must)
            if labels
            else any(self.too_good(result, filled, measure, level) for filled in judged)
        ):
            raise IntegrityError(f"decision.json: the bound of {id} is better than its counts can give")
        self.spans(result, counts, measure, must)
        return 1

    def spans(self, result: Mapping[str, Any], counts: Counts, measure: Measure, must: condition.Condition) -> None:
        """Check that a rate's two-sided interval is as wide as what was scored asks for.

        Of a condition on each attack it is the interval of the attack that decides, whose row was held to its counts.
        The intervals of a change, of a mean and of an audited rate are made in other ways, and are not checked here.
        """
        if must.test != "threshold" or measure.value or result.get("audit"):
            return
        ends = result["low"], result["high"]
        rows = [(row["low"], row["high"]) for row in result.get("attacks", ()) if row["rate"] == result["rate"]]
        if must.each and rows:
            wide = ends in rows
        else:
            two_sided = must._replace(confidence=1 - (1 - must.confidence) / 2)
            sides: tuple[tuple[Literal["lower", "upper"], float], ...] = (("lower", ends[0]), ("upper", ends[1]))
            ends_too_good = (
                self.too_good({**result, "bound": end}, counts, measure, two_sided._replace(side=side))
                for side, end in sides
            )
            wide = not any(ends_too_good)
        if not wide:
            raise IntegrityError(f"decision.json: the interval of {result['id']} is narrower than its counts can give")

    def attacks(
        self, result: Mapping[str, Any], attack: str | None, stated: Mapping[str, Any]
    ) -> list[tuple[Counts, Counts]]:
        """Count each attack of a rate again and hold its row to it.

        Returns:
            Of each attack, its counts, and those with every attempt without a score a hit; none of what has no rows.
        """
        id, measure, must = result["id"], self.measure(result), condition.parse(result["must"])
        rows = {row["attack"]: row for row in result.get("attacks", ())}
        if must.test != "threshold" or measure.value:
            if rows:
                raise IntegrityError(f"decision.json: {id} has rows of attacks, and is on no rate")
            return []
        run = self.runs[result["run"]]
        bad: Literal["high", "low"] = "high" if must.side == "upper" else "low"
        names = recount.attacks(run.manifest, result["suite"], attack)
        if list(rows) != (names if len(names) > 1 else []) or len(rows) != len(result.get("attacks", ())):
            raise IntegrityError(f"decision.json: the attacks of {id} are not those that its run used")
        if sorted(rows) != sorted(stated["by_attack"]):
            raise IntegrityError(f"criteria.json: {id} has the counts of other attacks than the decision")
        found = []
        for name in names:
            what = recount.of_attack(run.counted, name), result["suite"], measure, None
            counts, worst = recount.count(*what), recount.count(*what, fill=bad)
            found.append((counts, worst))
            if row := rows.get(name):
                tables = ((counts, "counts"), (worst, "worst"))
                said = stated["by_attack"][name]
                if any({k: list(v) for k, v in c.clusters.items()} != said[key] for c, key in tables):
                    raise IntegrityError(f"criteria.json: the counts of {name} in {id} are not those in the records")
                self.attack_row(result, row, counts, measure, must)
        return found

    def attack_row(
        self,
        result: Mapping[str, Any],
        row: Mapping[str, Any],
        counts: Counts,
        measure: Measure,
        must: condition.Condition,
    ) -> None:
        """Hold one attack's row to what was counted: numbers, rate, and an interval no narrower than they allow."""
        wrong = IntegrityError(f"decision.json: what {result['id']} says of the attack {row['attack']} is not so")
        numbers = counts.hits, counts.trials, len(counts.clusters), sum(counts.unscored.values())
        if tuple(row[key] for key in ("hits", "trials", "clusters", "unscored")) != numbers:
            raise wrong
        rate, low, high = (row[key] for key in ("rate", "low", "high"))
        if not counts.trials:
            if (rate, low, high) != (None, None, None):
                raise wrong
            return
        if None in (rate, low, high) or abs(rate - counts.rate) > 1e-9 or not low - 1e-9 <= rate <= high + 1e-9:
            raise wrong
        two_sided = must._replace(confidence=1 - (1 - must.confidence) / 2)
        for side, end in (("upper", high), ("lower", low)):
            one = two_sided._replace(side=side)  # type: ignore[arg-type]
            if self.too_good({**result, "bound": end}, counts, measure, one):
                raise wrong

    def measure(self, result: Mapping[str, Any]) -> Measure:
        """Return a result's metric as the manifests of its runs declare it, and hold result and condition to it."""
        id, suite, metric = result["id"], result["suite"], result["metric"]
        declared = [
            recount.measures(self.runs[name].manifest, suite).get(metric)
            for name in filter(None, (result["run"], result.get("baseline_run")))
        ]
        if declared[0] is None or declared[-1] != declared[0]:
            raise IntegrityError(f"decision.json: {id} is about a metric that its runs do not declare, or not alike")
        uses = self.runs[result["run"]].manifest["suites"]
        written = next(m for use in uses if use["id"] == suite for m in use["metrics"] if m["name"] == metric)
        if result.get("measure") != written:
            raise IntegrityError(f"decision.json: {id} describes the metric {metric} in another way than its run")
        if not declared[0].takes(condition.parse(result["must"])):
            raise IntegrityError(f"decision.json: {id} asks {result['must']!r}, which {metric} does not take")
        return declared[0]

    @staticmethod
    def too_good(
        result: Mapping[str, Any],
        counts: Counts,
        measure: Measure,
        must: condition.Condition,
    ) -> bool:
        """Say whether a bound is better than what was counted can give."""
        bound, threshold = result["bound"], must.test == "threshold"
        if measure.value or result.get("method") == "proved":
            # Of a change the decision keeps the amount of worsening: a loss lies on the negative side.
            width = measure.high - measure.low
            low, high = (measure.low, measure.high) if threshold else (-width, width)
            signed = -bound if must.side == "lower" and not threshold else bound
            return recount.mean_too_good(counts.means, signed, must, low, high)
        return bounds.too_good(counts.means, bound, must)
