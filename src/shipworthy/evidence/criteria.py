"""The criteria of a decision, derived again from what was specified and from the records. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from shipworthy.core import condition
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finished import at_look
from shipworthy.evidence import audited, judged, recount
from shipworthy.evidence.derive import Ends, Test, near
from shipworthy.evidence.recount import PackedRun, Record, Recounted
from shipworthy.evidence.specified import Specified, SpecifiedCriterion
from shipworthy.evidence.stated import EMPTY, StatedResult
from shipworthy.evidence.tested import TestedOn, Trial

UNDECIDABLE: Literal["undecidable"] = "undecidable"
"""A judge gives the metric, and nothing may be decided on its word."""


class Criteria:
    """What a pack says of each criterion is derived again; each method refuses what does not follow.

    Args:
        decision: ``decision.json``.
        runs: those of the pack, by id, their manifests held to the specification.
        entries: the audit log's, checked.
        specified: what was asked for.
    """

    def __init__(
        self,
        decision: Mapping[str, Any],
        runs: Mapping[str, PackedRun],
        entries: Sequence[Mapping[str, Any]],
        specified: Specified,
    ) -> None:
        self.decision, self.runs, self.entries, self.specified = decision, runs, entries, specified
        self.counted: dict[str, list[Record]] = {id: run.counted for id, run in runs.items()}
        self._parts: dict[tuple[str, str, str], list[Record]] = {}
        for id, records in self.counted.items():
            for record in records:
                self._parts.setdefault((id, record["suite"], record["attack"]), []).append(record)

    def check(self, result: Mapping[str, Any], stated: Mapping[str, Any]) -> bool:
        """Check one criterion; say whether it was counted.

        Args:
            stated: what ``criteria.json`` has of it.
        """
        id, asked = result["id"], self.specified.criteria.get(result["id"])
        odd = set(result) ^ (set(stated) - {"attack", "counts", "worst", "by_attack"})
        if odd or any(stated[key] != value for key, value in result.items()):
            raise IntegrityError(f"criteria.json: {id} differs from the decision")
        if asked is None:
            if result["verdict"] != "inconclusive" or any(result.get(key) is not None for key in EMPTY):
                raise IntegrityError(f"decision.json: the criterion {id} was decided and not specified")
            return False
        if stated.get("attack") != asked.written.get("attack"):
            raise IntegrityError(f"criteria.json: {id} is about another attack than was specified")
        about = self.about(result, asked)
        self.same(result, asked, about)
        trial, held = self.trial(about), StatedResult(result, stated, self.unfit)
        if isinstance(trial, Trial):
            return self.test(held, asked, trial)
        held.blank(trial)
        held.numbers(Recounted({}, 0), Recounted({}, 0))
        if result.get("audit") is not None or result.get("attacks") or result.get("unscored"):
            raise IntegrityError(f"decision.json: {id} says what was counted, and could not be tested: {trial}")
        return False

    # ---- what it is about

    def about(self, result: Mapping[str, Any], asked: SpecifiedCriterion) -> TestedOn:
        """Return what a criterion is tested on, by the rules of the gate: never what the result says."""
        must, attack = condition.parse(asked.written["must"]), asked.written.get("attack")
        suite = asked.written["suite"]
        decided, before = self.decision["runs"], self.decision.get("baseline_runs", ())
        measured = [name for name in decided if self.attacks(name, suite, attack)]
        if len(measured) > 1:
            raise IntegrityError(f"decision.json: {' and '.join(measured)} both measured what {result['id']} asks for")
        used = (name for name in decided if self.use(name, suite))
        run = measured[0] if measured else next(used, decided[0])
        old = next((name for name in before if self.attacks(name, suite, attack)), before[0] if before else "")
        use, names = self.use(run, suite), self.attacks(run, suite, attack)
        known = self.specified.suites.get(suite)
        metric = asked.written.get("metric") or (known["metric"] if known else result["metric"])
        written = next((m for m in use["metrics"] if m["name"] == metric), None) if use and names else None
        measure = recount.measures(self.runs[run].manifest, suite).get(metric) if written else None
        testable = measure is not None and measure.takes(must) and must.test == "noninferiority"
        testable = testable and not (use and use.get("looks"))
        labels = asked.written.get("audited_by") == "labels"
        return TestedOn(must, attack, run, old if testable else "", use, names, measure, written, asked.least, labels)

    def method(self, use: Mapping[str, Any] | None) -> str:
        """Return the bound that a rate is decided by: of a suite that may be ended early, the one for every look."""
        return "anytime" if use and use.get("looks") else self.specified.bound

    def use(self, run: str, suite: str) -> Mapping[str, Any] | None:
        """Return how a run used a suite."""
        return next((use for use in self.runs[run].manifest["suites"] if use["id"] == suite), None)

    def attacks(self, run: str, suite: str, attack: str | None) -> list[str]:
        """Return the attacks of a run on a suite that a criterion looks at."""
        return recount.attacks(self.runs[run].manifest, suite, attack)

    def same(self, result: Mapping[str, Any], asked: SpecifiedCriterion, about: TestedOn) -> None:
        """Hold what a result says of itself against what was specified and measured."""
        id, must, written = result["id"], about.must, asked.written
        known = self.specified.suites.get(written["suite"])
        metric = written.get("metric") or (known["metric"] if known else result["metric"])
        tested = about.use if about.measure and about.measure.takes(must) else None
        same = (
            result["must"] == must.text
            and (written["suite"], metric, asked.requirement)
            == (result["suite"], result["metric"], result["requirement"])
            and must.test == result["test"]
            and abs(must.limit - result["limit"]) < 1e-9
            and abs(must.confidence - result.get("confidence", 0.95)) < 1e-9
            and result.get("method", "gaffke") == self.method(tested)
            and (list(result.get("risks", ())), result.get("severity", "S3"))
            == (list(asked.risks), written.get("severity", "S3"))
        )
        if not same:
            raise IntegrityError(f"decision.json: the criterion {id} is not the one that was specified")
        if (result.get("run", ""), result.get("baseline_run", "")) != (about.run, about.baseline):
            raise IntegrityError(
                f"decision.json: the criterion {id} was tested on a run that the decision is not about, or that did "
                "not measure it"
            )
        if recount.whole(result.get("measure")) != recount.whole(about.written):
            raise IntegrityError(f"decision.json: {id} describes its metric in another way than was specified")
        planned = about.use["samples"] * len(about.attacks) * about.use["each"] if about.use and about.measure else 0
        if about.use and about.measure and about.use.get("looks"):
            planned = len(self.records(about.run, about.use["id"], about.attacks))
        names = about.attacks if about.measure else ()
        if dict(result.get("inapplicable", {})) != self.inapplicable(about, names):
            raise IntegrityError(f"decision.json: {id} leaves out other attempts than those that no attack can make")
        if result.get("planned", 0) != planned:
            raise IntegrityError(
                f"decision.json: {id} says {result.get('planned', 0):,} planned attempts, not {planned:,}"
            )

    def trial(self, about: TestedOn) -> Trial | str:
        """Return what can be tested; or why nothing can, whatever was measured."""
        must, use, measure = about.must, about.use, about.measure
        if use is None:
            return "no run measured its suite"
        if measure is None:
            return "its attack was not used, or its metric not declared"
        if not measure.takes(must):
            return "its metric does not take the condition"
        if use.get("looks") and (must.test != "threshold" or measure.judge or about.labels):
            return "the run may be ended early"
        if must.test == "noninferiority":
            if not about.baseline:
                return "there is no baseline"
            before = self.use(about.baseline, use["id"])
            if before is None or before["digest"] != use["digest"]:
                return "the baseline did not measure the suite as it is"
            if recount.measures(self.runs[about.baseline].manifest, use["id"]).get(measure.name) != measure:
                return "the baseline declares the metric otherwise"
        return Trial(must, about.attack, about.run, about.baseline, use, about.attacks, measure, about.least)

    # ---- what was counted

    def test(self, held: StatedResult, asked: SpecifiedCriterion, about: Trial) -> bool:
        """Derive everything that a tested criterion says; say whether it was counted."""
        id, result, must = held.result["id"], held.result, about.must
        pooled = self.pooled(about)
        counts, worst = pooled.counts, pooled.worst
        each = self.by_attack(result, about)
        audit = self.audited(result, asked, about, counts)
        judge = self.calibrated(result, asked, about)
        if counts.unscored != result.get("unscored", {}):
            raise IntegrityError(f"decision.json: {id} lists other attempts without a score than the records hold")
        if not counts.trials:
            held.blank("nothing was scored")
        elif audit and audited.lacking(audit, counts.hits < counts.trials):
            held.blank("what was drawn is not labelled")
        elif judge == UNDECIDABLE:
            held.blank("nothing is decided on its judge's word")
        elif must.each and any(not (test.counts.trials or test.gaps) for test in self.possible(about, each).values()):
            held.blank("an attack was not tried")
        else:
            held.tables(counts, worst, each)
            if must.each:
                held.hardest(about, self.possible(about, each), counts)
            elif audit:
                held.labelled(about, counts, worst, audit)
            elif isinstance(judge, judged.JudgeCounts) and must.test == "threshold":
                held.corrected(about, counts, worst, judge)
            elif isinstance(judge, judged.JudgeCounts):
                held.decided(about, judged.JudgedChange(pooled, judge))
            else:
                held.decided(about, pooled)
            return True
        held.numbers(counts, counts)
        return False

    def audited(
        self, result: Mapping[str, Any], asked: SpecifiedCriterion, about: Trial, counts: Recounted
    ) -> Mapping[str, Any] | None:
        """Hold an audit by labels against the specification, the records, and what the decision read of the log."""
        said: Mapping[str, Any] | None = result.get("audit")
        wanted = asked.written.get("audited_by") == "labels" and about.must.test == "threshold"
        wanted = wanted and not about.must.each and not about.measure.value and counts.trials > 0
        if wanted is not (said is not None):
            raise IntegrityError(
                f"decision.json: {result['id']} is {'not ' if wanted else ''}audited by labels, unlike specified"
            )
        if said is not None:
            # `ledger` checked that what was read is a part of the log, and ends before the decision.
            entries = self.entries[: self.decision["ledger"]["entries"]]
            audited.check(result, about.attack, self.counted[about.run], entries)
        return said

    def calibrated(
        self, result: Mapping[str, Any], asked: SpecifiedCriterion, about: Trial
    ) -> judged.JudgeCounts | Literal["undecidable"] | None:
        """Return what was measured of the judge that gives the metric; None where none does, or labels audit it."""
        measure, said = about.measure, result.get("judge")
        if not measure.judge or result.get("audit") is not None:
            if said is not None:
                raise IntegrityError(f"decision.json: {result['id']} names a judge, and no judge gives its metric")
            return None
        if measure.value or about.must.each or self.specified.bound != "gaffke":
            if said is not None:
                raise IntegrityError(f"decision.json: {result['id']} is decided on a judge's word, and cannot be")
            return UNDECIDABLE
        names = filter(None, (about.run, about.baseline))
        entries = self.entries[: self.decision["ledger"]["entries"]]
        found = judged.check(result, measure.judge, [self.runs[name].manifest for name in names], entries)
        return found or UNDECIDABLE

    def pooled(self, about: Trial) -> Test:
        """Return the test of all attacks together."""
        suite, measure, must = about.use["id"], about.measure, about.must
        bad: Literal["high", "low"] = "high" if must.side == "upper" else "low"
        new = self.records(about.run, suite, about.attacks)
        if must.test == "threshold":

            def at(number: int | None) -> Recounted:
                fill = "" if number is None else bad
                return recount.count(new, suite, measure, None, fill=fill, bad=number)

        else:
            old = self.records(about.baseline, suite, self.attacks(about.baseline, suite, about.attack))
            seeds = [self.runs[name].manifest["seed"] for name in (about.run, about.baseline)]

            def at(number: int | None) -> Recounted:
                fill = "" if number is None else bad
                return recount.count_paired(
                    new,
                    old,
                    suite,
                    measure,
                    None,
                    same_seed=seeds[0] == seeds[1],
                    fill=fill,
                    bad=number,
                )

        return Test(must, measure, self.method(about.use), at, sum(at(None).unscored.values()))

    def inapplicable(self, about: TestedOn | Trial, attacks: Sequence[str]) -> dict[str, int]:
        """Return by attack the attempts that were left out, as the attack cannot change their sample."""
        return recount.inapplicable(self.records(about.run, about.use["id"], attacks)) if about.use else {}

    def records(self, run: str, suite: str, attacks: Sequence[str]) -> list[Record]:
        """Return a run's records of some attacks on a suite."""
        return [record for attack in attacks for record in self._parts.get((run, suite, attack), ())]

    def by_attack(self, result: Mapping[str, Any], about: Trial) -> dict[str, Test]:
        """Return each attack's own test of a rate, at the confidence that all of them share; hold the rows to them."""
        id, must, measure = result["id"], about.must, about.measure
        rows = result.get("attacks", ())
        tests: dict[str, Test] = {}
        if must.test == "threshold" and not measure.value:
            level = must._replace(confidence=must.level(len(about.attacks)))
            for name in about.attacks:
                alone = self.pooled(about._replace(attacks=[name]))
                tests[name] = Test(level, measure, self.method(about.use), alone._at, alone.gaps)
        scored = any(test.counts.trials for test in tests.values())
        if [row["attack"] for row in rows] != (list(tests) if len(tests) > 1 and scored else []):
            raise IntegrityError(f"decision.json: the attacks of {id} are not those that its run used")
        for row in rows:
            self.row(result, row, tests[row["attack"]], must.confidence)
        return tests

    def possible(self, about: Trial, each: Mapping[str, Test]) -> dict[str, Test]:
        """Return the tests of the attacks that can change some sample: of the others no limit can hold or fail."""
        out = self.inapplicable(about, list(each))
        return {name: t for name, t in each.items() if t.counts.trials or t.gaps or not out.get(name)}

    def row(self, result: Mapping[str, Any], row: Mapping[str, Any], test: Test, two_sided: float) -> None:
        """Hold one attack's row to what was counted: numbers, rate and interval."""
        wrong = IntegrityError(f"decision.json: what {result['id']} says of the attack {row['attack']} is not so")
        counts = test.counts
        if not counts.trials:
            numbers, ends = (0, 0, 0, test.gaps), tuple(row.get(key) for key in ("rate", "low", "high"))
            if ends != (None, None, None):
                raise wrong
        else:
            numbers = counts.hits, counts.trials, len(counts.clusters), test.gaps
        if tuple(row[key] for key in ("hits", "trials", "clusters", "unscored")) != numbers:
            raise wrong
        if row.get("inapplicable", 0) != result.get("inapplicable", {}).get(row["attack"], 0):
            raise wrong
        if counts.trials:
            rate, low, high = (row.get(key) for key in ("rate", "low", "high"))
            if rate is None or low is None or high is None or not near(test.measure, rate, counts.rate):
                raise wrong
            if test.interval_misses(Ends(low, high), two_sided):
                raise wrong

    def unfit(self, about: Trial, counts: Recounted, clusters: int) -> str:
        """Return why these counts may not decide; else the empty string."""
        suite = about.use["id"]
        for name in filter(None, (about.run, about.baseline)):
            use = self.use(name, suite)
            mine = [record for record in self.counted[name] if record["suite"] == suite]
            if use is None or not at_look(use.get("looks", ()), use["attempts"], len(mine)):
                return f"the run {name} lacks attempts of {suite}"
            if len(mine) != len({record["sample"] for record in mine}) * len(use["attacks"]) * use["each"]:
                return f"the run {name} has samples of {suite} in part"
        if about.must.test == "noninferiority" and counts.apart:
            return "the runs are not on the same samples"
        return "fewer samples than it asks for" if clusters < about.least else ""
