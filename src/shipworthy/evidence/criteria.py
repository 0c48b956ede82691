"""The criteria of a decision, derived again from what was specified and from the records. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from shipworthy.core import condition
from shipworthy.core.condition import Condition
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finished import at_look
from shipworthy.evidence import audited, judged, recount
from shipworthy.evidence.derive import Ends, State, Test, near, together, verdicts
from shipworthy.evidence.recount import Measure, PackedRun, Record, Recounted
from shipworthy.evidence.specified import Specified, SpecifiedCriterion

_EMPTY = ("rate", "low", "high", "bound", "worst_rate", "tips", "needed")


UNDECIDABLE: Literal["undecidable"] = "undecidable"
"""A judge gives the metric, and nothing may be decided on its word."""


class TestedOn(NamedTuple):
    """What one criterion is tested on: its condition, the runs, how the run used the suite, and the metric.

    Attributes:
        use: None where no run measured it; `measure` None where no scorer declares the metric.
        attacks: full names of those that count.
        written: the metric as the run's manifest has it; `least` the independent samples that are asked for.
    """

    must: Condition
    attack: str | None
    run: str
    baseline: str
    use: Mapping[str, Any] | None
    attacks: Sequence[str]
    measure: Measure | None
    written: Mapping[str, Any] | None
    least: int
    labels: bool = False


class Trial(NamedTuple):
    """What a criterion that can be tested is tested on; fields as in `TestedOn`."""

    must: Condition
    attack: str | None
    run: str
    baseline: str
    use: Mapping[str, Any]
    attacks: Sequence[str]
    measure: Measure
    least: int


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
            if result["verdict"] != "inconclusive" or any(result.get(key) is not None for key in _EMPTY):
                raise IntegrityError(f"decision.json: the criterion {id} was decided and not specified")
            return False
        if stated.get("attack") != asked.written.get("attack"):
            raise IntegrityError(f"criteria.json: {id} is about another attack than was specified")
        about = self.about(result, asked)
        self.same(result, asked, about)
        trial = self.trial(about)
        if isinstance(trial, Trial):
            return self.test(result, asked, trial, stated)
        self.blank(result, stated, trial)
        self.numbers(result, Recounted({}, 0), Recounted({}, 0))
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

    def test(
        self, result: Mapping[str, Any], asked: SpecifiedCriterion, about: Trial, stated: Mapping[str, Any]
    ) -> bool:
        """Derive everything that a tested criterion says."""
        id, must = result["id"], about.must
        pooled = self.pooled(about)
        counts, worst = pooled.counts, pooled.worst
        each = self.by_attack(result, about)
        audit = self.audited(result, asked, about, counts)
        judge = self.calibrated(result, asked, about)
        if counts.unscored != result.get("unscored", {}):
            raise IntegrityError(f"decision.json: {id} lists other attempts without a score than the records hold")
        if not counts.trials:
            self.blank(result, stated, "nothing was scored")
        elif audit and audited.lacking(audit, counts.hits < counts.trials):
            self.blank(result, stated, "what was drawn is not labelled")
        elif judge == UNDECIDABLE:
            self.blank(result, stated, "nothing is decided on its judge's word")
        elif must.each and any(not (test.counts.trials or test.gaps) for test in self.possible(about, each).values()):
            self.blank(result, stated, "an attack was not tried")
        else:
            self.tables(result, stated, counts, worst, each)
            if must.each:
                self.hardest(result, about, self.possible(about, each), counts)
            elif audit:
                self.labelled(result, about, counts, worst, audit)
            elif isinstance(judge, judged.JudgeCounts) and must.test == "threshold":
                self.corrected(result, about, counts, worst, judge)
            elif isinstance(judge, judged.JudgeCounts):
                self.decided(result, about, judged.JudgedChange(pooled, judge))
            else:
                self.decided(result, about, pooled)
            return True
        self.numbers(result, counts, counts)
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

    def tables(
        self,
        result: Mapping[str, Any],
        stated: Mapping[str, Any],
        counts: Recounted,
        worst: Recounted,
        each: Mapping[str, Test],
    ) -> None:
        """Hold the counts by cluster that ``criteria.json`` lists against the records."""
        id = result["id"]
        if not _listed(counts, stated.get("counts", {})) or not _listed(worst, stated.get("worst", {})):
            raise IntegrityError(f"criteria.json: the counts of {id} are other ones than the records hold")
        rows = [row["attack"] for row in result.get("attacks", ())]
        if sorted(rows) != sorted(stated.get("by_attack", {})):
            raise IntegrityError(f"criteria.json: {id} has the counts of other attacks than the decision")
        for name in rows:
            said = stated["by_attack"][name]
            if not _listed(each[name].counts, said["counts"]) or not _listed(each[name].worst, said["worst"]):
                raise IntegrityError(f"criteria.json: the counts of {name} in {id} are not those in the records")

    # ---- what follows from it

    def blank(self, result: Mapping[str, Any], stated: Mapping[str, Any], why: str) -> None:
        """Check that a criterion says nothing of which nothing can be said."""
        id = result["id"]
        if result["verdict"] != "inconclusive":
            raise IntegrityError(f"decision.json: {id} is {result['verdict']}, and could not be tested: {why}")
        if any(result.get(key) is not None for key in _EMPTY):
            raise IntegrityError(f"decision.json: {id} has a rate or a bound, and could not be tested: {why}")
        if any(stated.get(key) for key in ("counts", "worst", "by_attack")):
            raise IntegrityError(f"criteria.json: {id} has counts, and could not be tested: {why}")

    def numbers(self, result: Mapping[str, Any], shown: Recounted, counts: Recounted) -> None:
        """Hold the four numbers of a result against the records: of the attack that decides, and all errors."""
        found = shown.hits, shown.trials, len(shown.clusters), counts.errors
        said = tuple(result.get(name, 0) for name in ("hits", "trials", "clusters", "errors"))
        if found != said:
            raise IntegrityError(
                f"decision.json: {result['id']} says {said} hits, trials, clusters and errors; the records hold {found}"
            )

    def estimates(self, result: Mapping[str, Any], measure: Measure, rate: float, worst: float | None) -> None:
        """Hold the estimate and its worst case against the right ones."""
        id, said = result["id"], result.get("worst_rate")
        if (said is None) is not (worst is None) or not near(measure, said or 0.0, worst or 0.0):
            raise IntegrityError(f"decision.json: the worst case of {id} is not that of its unscored attempts")
        if any(result.get(key) is None for key in ("rate", "low", "high", "bound")):
            raise IntegrityError(f"decision.json: {id} lacks its rate, interval or bound, and was tested")
        low, high = result["low"], result["high"]
        slack = 1e-9 * max(1.0, abs(measure.low), abs(measure.high))
        if not near(measure, result["rate"], rate) or not low - slack <= result["rate"] <= high + slack:
            raise IntegrityError(f"decision.json: the estimate or interval of {id} does not fit its counts")

    def decided(self, result: Mapping[str, Any], about: Trial, test: Test) -> None:
        """Derive a criterion on a pooled rate or mean, or on the change of one."""
        id, counts = result["id"], test.counts
        self.numbers(result, counts, counts)
        worst = test.estimate(test.worst) if test.gaps else None
        self.estimates(result, test.measure, test.estimate(counts), worst)
        _miss(id, "bound", test.bound_misses(result["bound"]))
        _miss(id, "interval", test.interval_misses(Ends(result["low"], result["high"]), about.must.confidence))
        states = test.states(result["bound"])
        tipped = test.tips(result.get("tips") or 0)
        self.verdict(result, about, states, counts, tips=tipped)

    def hardest(self, result: Mapping[str, Any], about: Trial, each: Mapping[str, Test], counts: Recounted) -> None:
        """Derive a criterion on each attack: shown is the one with the highest rate in the worst case."""
        id = result["id"]
        tried = {name: test for name, test in each.items() if test.counts.trials}
        shown = max(tried.values(), key=lambda t: (t.worst.rate, t.counts.rate, -len(t.counts.clusters)))
        self.numbers(result, shown.counts, counts)
        highest = max(test.worst.rate for test in each.values())
        self.estimates(result, shown.measure, shown.counts.rate, highest if counts.unscored else None)
        _miss(id, "bound", max_miss(test.bound_misses(result["bound"]) for test in each.values()))
        _miss(id, "interval", shown.interval_misses(Ends(result["low"], result["high"]), about.must.confidence))
        single = [test.states(result["bound"] if shown.met(result["bound"]) else None) for test in each.values()]
        tips = result.get("tips") or 0
        tipped = any(test.tips(tips) for test in each.values())
        if tipped and any(
            test.passes(min(tips - 1, test.gaps)) is False
            for test, s in zip(each.values(), single, strict=True)
            if s != {"ship"}
        ):
            tipped = False
        rows = (row["clusters"] for row in result.get("attacks", ()) if row["attack"] in each)
        fewest = min(rows, default=len(counts.clusters))
        self.verdict(result, about, together(single), counts, clusters=fewest, tips=tipped)

    def labelled(
        self, result: Mapping[str, Any], about: Trial, counts: Recounted, worst: Recounted, said: Mapping[str, Any]
    ) -> None:
        """Derive a criterion whose rate people's labels correct. Its limits are drawn again, so they are less exact."""
        id, must, measure = result["id"], about.must, about.measure
        lower, tail = must.side == "lower", 1 - must.confidence
        rows = audited.rows(counts.clusters, worst.clusters)
        rate = audited.estimate(rows, said)
        self.numbers(result, counts, counts)
        highest = audited.estimate(rows, said, float(not lower)) if counts.unscored else None
        self.estimates(result, measure, rate, highest)
        melded = audited.Melded(rows, said)
        _miss(id, "bound", melded.misses(result["bound"], tail, lower=lower))
        seen = audited.Melded(audited.rows(counts.clusters, counts.clusters), said)
        for end, down in (("low", True), ("high", False)):
            # An end that the estimate itself pushes out is as wide as it must be.
            miss = seen.misses(result[end], tail / 2, lower=down)
            _miss(id, "interval", 0 if miss > 0 and near(measure, result[end], rate) else miss)
        audited.accuracy(id, said, counts.rate, rate)
        met = result["bound"] >= must.limit if lower else result["bound"] <= must.limit
        fails = None if met else melded.beyond(must.limit, tail, lower=not lower)
        states: frozenset[State] = frozenset(
            {"ship"} if met else {"no-ship"} if fails else {"open"} if fails is False else {"no-ship", "open"}
        )
        self.verdict(result, about, states, counts, tips=False)

    def corrected(
        self,
        result: Mapping[str, Any],
        about: Trial,
        counts: Recounted,
        worst: Recounted,
        judge: judged.JudgeCounts,
    ) -> None:
        """Derive a criterion whose rate a judge's measured errors correct. Its limits are drawn again."""
        id, must = result["id"], about.must
        lower, tail = must.side == "lower", 1 - must.confidence
        rows = audited.rows(counts.clusters, worst.clusters)
        rate = judged.estimate(rows, judge)
        self.numbers(result, counts, counts)
        highest = judged.estimate(rows, judge, float(not lower)) if counts.unscored else None
        self.estimates(result, about.measure, rate, highest)
        judged.observed(id, result["judge"], counts.rate)
        melded = judged.MeldedJudge(rows, judge)
        _miss(id, "bound", melded.misses(result["bound"], tail, lower=lower))
        seen = judged.MeldedJudge(audited.rows(counts.clusters, counts.clusters), judge)
        for end, down in (("low", True), ("high", False)):
            # An end that the estimate itself pushes out is as wide as it must be.
            miss = seen.misses(result[end], tail / 2, lower=down)
            _miss(id, "interval", 0 if miss > 0 and near(about.measure, result[end], rate) else miss)
        met = result["bound"] >= must.limit if lower else result["bound"] <= must.limit
        fails = None if met else melded.beyond(must.limit, tail, lower=not lower)
        found: set[State] = {"ship"} if met else {"no-ship"} if fails else {"open"}
        if not met and fails is None:
            found = {"no-ship", "open"}
        if (unlike := melded.unlike(tail)) is not False:
            found = {"open"} if unlike else {*found, "open"}
        self.verdict(result, about, frozenset(found), counts, tips=False)

    def verdict(
        self,
        result: Mapping[str, Any],
        about: Trial,
        states: frozenset[State],
        counts: Recounted,
        *,
        tips: bool,
        clusters: int | None = None,
    ) -> None:
        """Hold a verdict against what was found, and against what keeps a criterion from deciding.

        Args:
            clusters: the fewest that any part of it rests on; those of `counts` if left out.
            tips: whether the stated tipping point is one.
        """
        id, use = result["id"], about.use
        if not ((tips and "tips" in states) or (result.get("tips") is None and states != {"tips"})):
            raise IntegrityError(f"decision.json: the tipping point of {id} is not that of its counts")
        found = verdicts(states)
        possible = result.get("planned", 0) - sum(result.get("inapplicable", {}).values())
        spoilt = sum(counts.unscored.values()) > use["max_error_rate"] * possible
        if why := self.unfit(about, counts, len(counts.clusters) if clusters is None else clusters):
            found = {"inconclusive"}
        elif spoilt:
            why = f"more unscored attempts than {use['id']} allows"
            found = {"no-ship" if one == "no-ship" else "inconclusive" for one in found}
        if result["verdict"] == "ship" and "ship" not in verdicts(states):
            raise IntegrityError(f"decision.json: {id} passed though its bound does not meet its limit")
        if result["verdict"] not in found:
            because = f": {why}" if why else ""
            raise IntegrityError(
                f"decision.json: the verdict {result['verdict']} of {id} does not follow from its counts{because}"
            )
        needed = result.get("needed")
        right = needed == 0 if result["verdict"] == "ship" else needed is None or needed > 0
        if not right or (result["verdict"] == "no-ship" and needed is not None):
            raise IntegrityError(f"decision.json: the samples that {id} still needs do not fit its verdict")

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


def _listed(counts: Recounted, said: Mapping[str, Any]) -> bool:
    return {name: list(row) for name, row in counts.clusters.items()} == said


def max_miss(misses: Any) -> int:
    """Return how the highest of several bounds is missed: better than one of them can be, or worse than all."""
    found = list(misses)
    return -1 if -1 in found else min(found)


def _miss(id: str, what: str, miss: int) -> None:
    words = {"bound": ("better", "worse"), "interval": ("narrower", "wider")}[what]
    if miss:
        raise IntegrityError(f"decision.json: the {what} of {id} is {words[miss > 0]} than its counts can give")
