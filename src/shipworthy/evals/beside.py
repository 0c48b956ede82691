"""A run's tool calls and answers for another policy, and what a candidate beside the run's own policy said of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from shipworthy.core.events import PolicyEvent
from shipworthy.enforce.policy.decision import RANK, Word
from shipworthy.enforce.policy.engine import VERSION, Policy
from shipworthy.enforce.policy.past import Past
from shipworthy.enforce.policy.recorded import past_of
from shipworthy.enforce.policy.replayed import ANSWER, Changed, Compared, CompareTally, hard
from shipworthy.workspace.policies import PolicyFile

if TYPE_CHECKING:
    from shipworthy.core.records import Attempt, RunManifest
    from shipworthy.evals.results import Run


def calls_of(run: Run) -> Iterator[Past]:
    """Yield the attempts of a run in which a policy had a word to say, as conversations."""
    for attempt in run.attempts():
        past = past_of(attempt)
        if past.calls or past.answers:
            yield past


def policy_of(manifest: RunManifest) -> Policy | None:
    """Return the policy that decided in a run; None where none did, or this engine would decide in another way."""
    written = manifest.subject.get("policy")
    if not isinstance(written, dict) or written.get("engine") != VERSION:
        return None
    try:
        return Policy(PolicyFile.model_validate(written.get("policy")), shadow=bool(written.get("shadow")))
    except ValidationError:
        return None


def beside(attempts: Iterable[Attempt]) -> Compared:
    """Compare the words of a run's own policy with those that its candidate said beside it."""
    tally = CompareTally()
    for attempt in attempts:
        said = [e for e in attempt.events if isinstance(e, PolicyEvent) and e.candidate]
        if not said:
            continue
        made = defaultdict(list)
        past = past_of(attempt)
        for call in past.calls:
            made[call.turn, call.id].append(call)
        answers = {answer.turn: answer for answer in past.answers}
        for number, event in enumerate(said, start=1):
            own = made[event.turn, event.call].pop(0) if made[event.turn, event.call] else None
            tool = own.tool if own is not None else event.rule.partition(".")[0]
            before: Word = hard(own.verdict) if own is not None else "deny"
            was = own.rule if own is not None else ""
            if not event.call:  # on the answer of a turn
                tool, was = ANSWER, "answer"
                before = hard(answers[event.turn].verdict) if event.turn in answers else "deny"
            after = hard(event.verdict)
            rule = was if was and RANK[after] < RANK[before] else event.rule
            why = event.reason or f"{tool} may run: every check of its rule holds."
            tally.add(Changed(attempt.id, number, tool, before, after, rule or tool, why))
    return tally.compared
