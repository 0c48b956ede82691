"""What a plan will take before it is run: time, tokens and money, as ranges, from earlier runs of the same target.

Nothing is made up. Where no earlier run tells, and the target has a list price, tokens and money follow from stated
assumptions; time then is not known, and a target without a price has no estimate at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core.errors import ShipworthyError
from shipworthy.core.events import Usage
from shipworthy.core.price import KEY, Price
from shipworthy.core.registry import factory
from shipworthy.evals.plan import Plan, SuitePlan
from shipworthy.evals.subject import declaration
from shipworthy.evals.took import RECORDS, Between, Took
from shipworthy.exchange.channel import CONCURRENCY
from shipworthy.store.declare import read_manifest
from shipworthy.store.layout import Layout
from shipworthy.store.reading import RunReading

if TYPE_CHECKING:
    from shipworthy.core.records import Sample
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.use import Use

CHARACTERS = 3.0, 5.0
ANSWER = 20, 400
"""What is assumed where nothing was measured: characters a token, most first; tokens of an answer, fewest first."""


class Estimate(Struct, frozen=True):
    """What a plan will take, if the reply cache answers nothing.

    Attributes:
        seconds, tokens, usd: wall time, input and output tokens of all roles, money; None where it is not known.
        runs: that it rests on; none where it is assumed.
        attempts: of those runs that were looked at.
        concurrency: calls at one time that the time is worked out with.
        assumed: what it rests on where no run tells; empty otherwise.
        reported: whether any of the money is what providers reported, and not tokens times a list price.
        unpriced: whether some role's tokens have no price: they are not in `usd`.
    """

    seconds: Between | None = None
    tokens: Between | None = None
    usd: Between | None = None
    runs: tuple[str, ...] = ()
    attempts: int = 0
    concurrency: int = CONCURRENCY
    assumed: str = ""
    reported: bool = False
    unpriced: bool = False

    @property
    def known(self) -> bool:
        """Whether anything is."""
        return any(found is not None for found in (self.seconds, self.tokens, self.usd))

    def part(self, share: float) -> Estimate:
        """Return the estimate for this part of the plan, such as what is left of it."""
        seconds, tokens, usd = (found and found.times(share) for found in (self.seconds, self.tokens, self.usd))
        return replace(self, seconds=seconds, tokens=tokens, usd=usd)


def estimate(
    workspace: Workspace, plan: Plan, *, target: str | None = None, guards: bool = True, concurrency: int | None = None
) -> Estimate:
    """Return what a plan will take.

    Args:
        target: name of the target; the system under test if left out.
        guards: whether it stands behind guards. Runs that did alike are looked at, others only where there are none.
        concurrency: calls at one time; what the target says if left out.
    """
    use = workspace.target_named(target)
    at_once = concurrency or places(use)
    price = Price.read(use.params[KEY]) if KEY in use.params else _model_price(use)
    seen = Took(price)
    runs = seen.take(_alike(workspace, use, guards))
    if not seen.attempts:
        return _assumed(plan, price, use, at_once)
    tokens, usd, seconds = seen.expect(plan, at_once)
    return Estimate(
        seconds=seconds,
        tokens=tokens,
        usd=usd,
        runs=runs,
        attempts=seen.attempts,
        concurrency=at_once,
        reported=seen.reported,
        unpriced=seen.unpriced,
    )


def places(use: Use) -> int:
    """Return how many calls a target takes at one time as it is written; `CONCURRENCY` where it does not say."""
    written = use.params.get("concurrency")
    if isinstance(written, int) and not isinstance(written, bool) and written >= 1:
        return written
    if use.model is not None:
        return places(use.model)
    try:
        made = factory("target", use.use)
        kind = made if isinstance(made, type) else get_type_hints(made).get("return")
    except Exception:  # unknown, or annotated with what only a type checker can resolve
        return CONCURRENCY
    said = getattr(kind, "concurrency", None)
    return said if isinstance(said, int) and said >= 1 else CONCURRENCY


def turns(sample: Sample) -> int:
    """Return how many answers a sample's conversation asks for: scripted assistant turns are not asked for."""
    roles = [message.role for message in sample.messages]
    following = [*roles[1:], ""]
    return sum(role in ("user", "tool") and after != "assistant" for role, after in zip(roles, following, strict=True))


def calls(plan: Plan) -> int:
    """Return how many times a plan asks the target, if every attack asks as often as the sample has user turns."""
    return sum(map(calls_of, plan.suites))


def calls_of(part: SuitePlan) -> int:
    """Return the same of one suite's part. What an attack cannot change is not asked."""
    able = part.applicable
    whole = sum(map(turns, part.samples))
    less = (sum(turns(s) for s in part.samples if not able.can(name, s)) for name in able.why)
    return (whole * len(part.attacks) - sum(less)) * part.attempts


def _model_price(use: Use) -> Price | None:
    model = use.model
    return Price.read(model.params[KEY]) if model is not None and KEY in model.params else None


def _alike(workspace: Workspace, use: Use, guards: bool) -> Iterator[RunReading]:
    """Yield earlier runs of a target, newest first: those behind guards or not, as wanted; others if there are none."""
    layout = Layout(workspace.root)
    wanted = declaration(use, guards="")["target"]
    others: list[Path] = []
    alike = False
    for name in reversed(layout.run_ids()):
        directory = layout.runs / name
        try:
            manifest = read_manifest(directory)
            declared = manifest.subject.get("declared")
            if not isinstance(declared, Mapping) or declared.get("target") != wanted:
                continue
            if bool(manifest.guards) != guards:
                others.append(directory)
                continue
            reading = RunReading(directory)
        except ShipworthyError:
            continue  # A damaged run is no help here; the verbs that rely on it say what is wrong.
        alike = True
        yield reading
    if not alike:
        yield from map(RunReading, others)


def _assumed(plan: Plan, price: Price | None, use: Use, at_once: int) -> Estimate:
    if price is None:
        return Estimate(concurrency=at_once)
    asked = calls(plan)
    most = _limit(use)
    fewest, longest = min(ANSWER[0], most or ANSWER[0]), most or ANSWER[1]
    letters = sum(map(_letters, plan.suites))
    read = Between(letters / CHARACTERS[1], letters / CHARACTERS[0])
    wrote = Between(asked * fewest, asked * longest)
    usd = Between(
        price.cost(Usage(round(read.low), round(wrote.low))), price.cost(Usage(round(read.high), round(wrote.high)))
    )
    said = (
        f"{CHARACTERS[0]:g} to {CHARACTERS[1]:g} characters a token of the samples' own text, {fewest:,} to "
        f"{longest:,} tokens an answer; what the system adds to a prompt, and judges, are left out"
    )
    return Estimate(
        tokens=Between(read.low + wrote.low, read.high + wrote.high), usd=usd, concurrency=at_once, assumed=said
    )


def _limit(use: Use) -> int | None:
    written: Any = use.params.get("max_tokens")
    return written if isinstance(written, int) and not isinstance(written, bool) and written >= 1 else None


def _letters(part: SuitePlan) -> float:
    """Return how many characters a suite's prompts have in all; of many samples, every so many are looked at."""
    step = max(1, len(part.samples) // RECORDS)
    looked = range(0, len(part.samples), step)
    total = sum(_sent(part.samples[place]) for place in looked)
    return total / max(1, len(looked)) * len(part.samples) * len(part.attacks) * part.attempts


def _sent(sample: Sample) -> int:
    """Return the characters of all requests of a conversation: each turn sends again what came before it."""
    planted = sum(len(document.text) for document in sample.documents)
    sent = before = 0
    following = [*(message.role for message in sample.messages[1:]), ""]
    for message, after in zip(sample.messages, following, strict=True):
        before += len(message.text)
        if message.role in ("user", "tool") and after != "assistant":
            sent += before + planted
    return sent
