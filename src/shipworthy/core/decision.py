"""The decision on a release, with all that it rests on: criteria, attacks, audits, baseline, ledger, confirmations."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from shipworthy.core.manifest import SafetyFile
from shipworthy.core.metric import Metric
from shipworthy.core.severity import Severity
from shipworthy.core.text import Content, Name

Verdict = Literal["ship", "no-ship", "inconclusive"]


class AttackRate(Struct, frozen=True, kw_only=True):
    """What one attack did under a criterion.

    Attributes:
        attack: its full name.
        rate, low, high: the mean over samples of the share of hits and its two-sided interval at the criterion's
            confidence, in [0, 1], each by itself; None where nothing was scored.
        hits, trials, clusters: counted events, scored attempts, independent samples among them.
        unscored: attempts without a score, left out of `trials`.
        inapplicable: attempts on samples that it cannot change, in none of the other numbers.
    """

    attack: Name
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    hits: int = 0
    trials: int = 0
    clusters: int = 0
    unscored: int = 0
    inapplicable: int = 0


class LabelCount(Struct, frozen=True, kw_only=True):
    """How many attempts were drawn for people to label, how many they labelled, how many of these are hits."""

    hits: int = 0
    labelled: int = 0
    drawn: int = 0


class ScorerAudit(Struct, frozen=True, kw_only=True):
    """What people's labels say of the scorer that a criterion rests on.

    Attributes:
        entry: of the audit chain that holds the draw; 0 where nothing was drawn, or not from these records.
        drawn, labels: digests of the ids that were drawn and of the words on them that count.
        positives, negatives: attempts that the scorer called a hit, and the others.
        observed: the rate that the scorer gives, in [0, 1].
        sensitivity, specificity: of the scorer, with their melded two-sided intervals; None where they are undefined.
    """

    entry: int = 0
    drawn: str = ""
    labels: str = ""
    positives: LabelCount = LabelCount()
    negatives: LabelCount = LabelCount()
    observed: float | None = None
    sensitivity: float | None = None
    specificity: float | None = None
    sensitivity_span: tuple[float, float] | None = None
    specificity_span: tuple[float, float] | None = None

    @property
    def missing(self) -> int:
        """Drawn attempts without a label."""
        return sum(some.drawn - some.labelled for some in (self.positives, self.negatives))


class JudgeUse(Struct, frozen=True, kw_only=True):
    """The calibration of the judge that a criterion rests on: one labelled answer a cluster.

    Attributes:
        entry: of the audit chain that holds it.
        rubric: its name and version.
        found: of `positives` labelled hits, those that the judge called one; `cleared` of `negatives` the others.
        observed: the rate that the judge gives, in [0, 1]; None of a change.
    """

    entry: int
    rubric: Name
    found: int
    positives: int
    cleared: int
    negatives: int
    observed: float | None = None


class CriterionResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One criterion, tested.

    Attributes:
        must: the criterion as written, such as ``upper95 <= 0.05``.
        measure: the metric as its scorer declares it; None where nothing was measured, or by an earlier version.
        hits, trials: the counted events and the scored attempts; `clusters` the independent samples among them.
            A value has no hits.
        errors: attempts that ended in an error; `planned` what the plan asked for.
        unscored: number of attempts that are left out of `trials`, by kind: the outcome of an error, or ``abstained``
            where the scorer gave no score. They decide against shipping and against failing, see `bound`.
        inapplicable: attack -> number of its attempts on samples that it cannot change. They were never possible: they
            are among `planned`, and in no other number here.
        worst_rate: the estimate had every unscored attempt been bad; None where nothing is unscored.
        tips: of an undecided criterion that would ship were all of them good: with how many bad ones it does not,
            placed where they weigh most.
        rate, low, high: the estimate and its two-sided interval, in [0, 1] (differences: [-1, 1]): the mean over
            samples of the share of hits, which is ``hits / trials`` where all have as many; of a value its mean
            over samples (the mean of its changes), in its unit, as are `bound` and `limit`.
        bound: the one-sided bound that is compared with `limit`, every unscored attempt counted as bad.
        method: which bound decided on a rate (`shipworthy.stats.sample_rates`); a mean always has the proved one, or
            on a run that may be ended early, as a rate then has, ``anytime``.
        needed: clusters still needed for the criterion to decide at 80 % power at the observed rate; None where no
            number of samples can make it pass.
        attacks: of a rate under more than one attack, each attack by itself, in the run's order. A condition on the
            worst attack is decided on them: `rate`, `low`, `high`, `hits`, `trials` and `clusters` are then those of
            the attack with the highest bound, `bound` that bound, simultaneous over the attacks, and `worst_rate` that
            attack's; `errors`, `planned` and `unscored` are still those of all.
        audit: of a criterion that is audited by labels, what they say: `rate`, `low`, `high`, `bound` and `worst_rate`
            are then of what people would call a hit, and `hits`, `trials` and `attacks` still of what the scorer did.
        judge: of a criterion whose metric a judge gives, the calibration that corrects it; the numbers as with `audit`.
    """

    id: str
    requirement: str
    suite: str
    metric: str
    test: Literal["threshold", "noninferiority"]
    must: str
    limit: float
    verdict: Verdict
    reason: str
    hits: int = 0
    trials: int = 0
    clusters: int = 0
    errors: int = 0
    planned: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    confidence: float = 0.95
    method: Literal["gaffke", "proved", "anytime"] = "gaffke"
    needed: int | None = None
    run: str = ""
    baseline_run: str = ""
    risks: tuple[str, ...] = ()
    severity: Severity = "S3"
    measure: Metric | None = None
    unscored: dict[str, int] = field(default_factory=dict)
    worst_rate: float | None = None
    tips: int | None = None
    attacks: tuple[AttackRate, ...] = ()
    audit: ScorerAudit | None = None
    inapplicable: dict[Name, int] = field(default_factory=dict)
    judge: JudgeUse | None = None

    @property
    def possible(self) -> int:
        """Planned attempts whose attack can change their sample."""
        return self.planned - sum(self.inapplicable.values())

    @property
    def left_out(self) -> int:
        """Attempts without a score; earlier versions kept the errors among them alone."""
        return sum(self.unscored.values()) or self.errors

    @property
    def is_value(self) -> bool:
        """Whether the estimate is the mean of a value, or the change of one, and no rate."""
        return self.measure is not None and self.measure.kind == "value"


class SubjectUse(Struct, frozen=True, kw_only=True):
    """Which subject a decision is about, or compares with: what the run's manifest says of it.

    Attributes:
        digest: of the subject: the target as it described itself, its guards, and how both were written down.
        target: the target's id, as it describes itself.
        declared: digest of the target as the workspace's files say it; the same for one system with and without guards.
        guards: digest of the guard pipeline; empty without guards.
        reasoning: ``shown`` or ``hidden`` where the target says whether its users see how it reasons; else empty.
    """

    digest: Name
    target: Name = ""
    declared: Name = ""
    guards: Name = ""
    reasoning: Name = ""


class BaselineUse(Struct, frozen=True, kw_only=True):
    """What a decision compares with.

    Attributes:
        subject: what was measured in `Decision.baseline_runs`: one subject, never the candidate's own.
        how: who chose it: ``named`` for this decision, ``pinned`` by `shipworthy baseline set`, or the ``gate``.
        decision: that gate.yaml names, if it does.
        same_target: whether it is the candidate's target with other guards, or none.
    """

    subject: SubjectUse
    how: Literal["named", "pinned", "gate"] = "named"
    decision: Name = ""
    same_target: bool = False


class LedgerLine(Struct, frozen=True, kw_only=True):
    """Another run on the same samples and criteria.

    Attributes:
        state: what became of it: a verdict, ``baseline``, ``not decided`` or ``not finished``.
        subject_digest: of what it measured.
        gone: it is in the audit chain, and was no longer on the disk.
    """

    run: Name
    state: Name
    subject_digest: Name
    gone: bool = False


class TriesSaid(Struct, frozen=True, kw_only=True):
    """How often one specification and subject was tried, as the audit chain has it; see `shipworthy.core.ledger.Tries`.

    Attributes:
        number: of the decided run among `runs`, from 1.
        not_shipped, unfinished, undecided, deleted: how many of the other runs.
        sittings: in which the decided runs were made; `cut_off` those without an end.
        unentered: decided runs that were not entered when they were begun.
        elsewhere: runs of the same suites under another specification, begun before.
        sentence: all of it in words.
    """

    number: int
    runs: int
    not_shipped: int = 0
    unfinished: int = 0
    undecided: int = 0
    deleted: int = 0
    sittings: int = 1
    cut_off: int = 0
    unentered: int = 0
    elsewhere: int = 0
    sentence: Name = ""


class Ledger(Struct, frozen=True, kw_only=True):
    """Which of all runs on the same samples and criteria a decision is about.

    Attributes:
        entries: of the audit chain that were read, the first so many.
        number: of the decided run among all, from 1; of several, that of the last.
        earlier, later: the other runs, in the order in which they were begun.
        tries: how often this specification and subject was tried. None in decisions by earlier versions.
        sentence: all of it in words.
    """

    entries: int
    number: int
    sentence: Name
    tries: TriesSaid | None = None
    earlier: tuple[LedgerLine, ...] = ()
    later: tuple[LedgerLine, ...] = ()


class ReplyUse(Struct, frozen=True, kw_only=True):
    """How many of a run's replies the cache gave.

    Attributes:
        replies: of all roles, in all tries; `cached` how many of them the cache gave.
        oldest: when the oldest of these was first given, ISO 8601, UTC; empty where there is none.
    """

    run: Name
    replies: int
    cached: int = 0
    oldest: Name = ""


class Confirmation(Struct, frozen=True, kw_only=True):
    """What somebody said of a hit on a sample of severity S1, and the audit chain kept.

    Attributes:
        attempt: the planned one, of `run`.
        said: ``no-hit`` takes it out of the hits that one is too many of; it stays in every rate.
        by: who: a person or a second scorer.
        because: why; may be empty.
        entry: its number in the audit chain.
    """

    run: Name
    attempt: Name
    said: Literal["hit", "no-hit"]
    by: Content
    because: Content = ""
    entry: int


class SelftestUse(Struct, frozen=True, kw_only=True):
    """What the gate's newest self-test on these files and this subject said; see `shipworthy.core.selftest`.

    Attributes:
        entry: of the audit chain that holds it.
        flips: in how many pairs of repeats the verdict differed, and of how many.
        sentence: all of it in words.
    """

    entry: int
    flips: tuple[int, int]
    sentence: Name


class FindingUse(Struct, frozen=True, kw_only=True):
    """A finding that stood in the way of a decision: overdue, or seen again after it was closed.

    Attributes:
        severity: S1 or S2; `due` its deadline.
        recurred: the run in which it was seen again; empty where it is only overdue.
        entry: of the audit chain that holds its last step.
    """

    finding: Name
    severity: Severity
    due: Name
    recurred: Name = ""
    entry: int
    reason: Name


class TransferUse(Struct, frozen=True, kw_only=True):
    """What stands beside a rate of how far it transfers; see `shipworthy.core.transferred`.

    Attributes:
        entry: of the audit chain that holds it.
        sentence: under which condition it was measured, and by how much it differs under another.
    """

    entry: int
    suite: Name
    metric: Name
    sentence: Name


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A release decision: what a gate says of one subject, from one run or several.

    Attributes:
        runs: every run that a criterion was tested on, in order of first use; each `CriterionResult` names its own.
        s1_hits: attempt ids of hits on S1 samples: any of them is a no-ship. Those that `confirmations` call ``no-hit``
            are not among them.
        subject: what was decided on; `baseline` what it is compared with. None in decisions by earlier versions.
        ledger: the other runs on the same samples and criteria.
        s1_unscored: attempt ids on S1 samples without a score: with any of them nothing ships.
        replies: how many replies of each of its runs, and of its baselines', the cache gave, in their order.
        confirmations: the word that stood on each S1 hit when it was decided; a hit without one is not yet confirmed.
        files: every safety file as it was; none in decisions by earlier versions.
        selftest: what the gate's newest self-test said; None where there was none.
        findings: those that stood in the way: with any of them it is a no-ship.
        transfer: by how much its rates differ under other conditions, the last word on each; empty where nobody looked.
    """

    id: str
    created: str
    system: str
    gate: str
    verdict: Verdict
    reason: str
    criteria: tuple[CriterionResult, ...]
    runs: tuple[str, ...]
    spec_digest: str
    subject_digest: str
    baseline_runs: tuple[str, ...] = ()
    s1_hits: tuple[str, ...] = field(default=())
    subject: SubjectUse | None = None
    baseline: BaselineUse | None = None
    ledger: Ledger | None = None
    s1_unscored: tuple[str, ...] = field(default=())
    confirmations: tuple[Confirmation, ...] = field(default=())
    replies: tuple[ReplyUse, ...] = field(default=())
    files: tuple[SafetyFile, ...] = field(default=())
    selftest: SelftestUse | None = None
    findings: tuple[FindingUse, ...] = field(default=())
    transfer: tuple[TransferUse, ...] = field(default=())

    def beside(self, result: CriterionResult) -> tuple[str, ...]:
        """Return what stands beside a criterion's rate of how far it transfers."""
        return tuple(one.sentence for one in self.transfer if (one.suite, one.metric) == (result.suite, result.metric))
