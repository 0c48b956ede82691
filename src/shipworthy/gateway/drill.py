"""Drills for those who approve calls: made-up ones with a right answer, among those that really wait.

An approver who says yes to everything protects nobody, and shows it only when it matters. A drill puts calls into the
same queue, shown in the same way; nobody asked for them, and nothing makes them whatever the answer is. Which rows are
of a drill, and what is right, stands in a file of its own that listing and showing never read.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from shipworthy.core.errors import StoreError, UsageError
from shipworthy.core.events import PolicyEvent, Question
from shipworthy.core.foreign import kind_of
from shipworthy.core.messages import ToolCall
from shipworthy.core.text import Name
from shipworthy.gateway.approvals import MARGIN_S, ApprovalQueue, PendingCall, read_all
from shipworthy.gateway.policy_stage import PolicyAsker
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.workspace.nodes import read_yaml
from shipworthy.workspace.scalars import plain

FOLDER = "drills"
MOST = 500

Right = Literal["approve", "deny"]


class DrillItem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A made-up call as a person would be asked about it, and the right answer.

    Attributes:
        right: what somebody who looks would say.
        reason, rule, questions: as a policy would give them; see `PolicyEvent`.
        client, session: whose request it seems to be.
    """

    right: Right
    tool: str
    arguments: dict[str, Any]
    reason: str
    rule: str = ""
    questions: tuple[Question, ...] = ()
    client: str = ""
    session: str = ""


class _Drill(Struct, frozen=True):
    """What is kept of a drill: the right answer of each row, by the id of the request that it seems to be of."""

    id: Name
    right: dict[Name, Right]


class DrilledCall(NamedTuple):
    """One row of a drill, with what a person said of it, if anybody did."""

    row: PendingCall
    right: Right

    @property
    def said(self) -> Right | None:
        """What was said; None where nobody answered in time."""
        return {"approved": "approve", "denied": "deny"}.get(self.row.state)  # type: ignore[return-value]


def read_items(path: Path) -> list[DrillItem]:
    """Read the calls of a drill: YAML with ``items``.

    Raises:
        WorkspaceError: it is no YAML.
        UsageError: an item cannot be, with its file and line; or all have one right answer, which would teach it.
    """
    source = read_yaml(path)
    value = source.value
    written = value.get("items") if isinstance(value, dict) else None
    if not isinstance(written, list) or not written or (isinstance(value, dict) and set(value) != {"items"}):
        raise UsageError(f"{path}: write `items:` with a list of calls, and nothing else")
    if len(written) > MOST:
        raise UsageError(f"{path}: {len(written):,} calls are more than {MOST}")
    items = []
    for number, one in enumerate(written):
        try:
            items.append(msgspec.convert(plain(one), DrillItem))
        except (msgspec.ValidationError, TypeError) as error:
            raise UsageError(str(source.problem(("items", number), f"this is no call of a drill: {error}"))) from None
    if len({item.right for item in items}) < 2:
        raise UsageError(f"{path}: all calls have the same right answer: whoever always says {items[0].right} passes")
    return items


async def drill(
    state: Path,
    items: Sequence[DrillItem],
    *,
    every_s: float,
    wait_s: float,
    seed: int,
    tell: Callable[[str], None],
) -> list[DrilledCall]:
    """Put calls into a gateway's queue, one after the other in an order of their own, and wait for their answers.

    Args:
        state: the gateway's folder.
        every_s: seconds between two of them on average: each pause is drawn between half of it and one and a half.
        wait_s: seconds that each one waits for an answer; as long as the gateway's own do, or the drill shows.
        seed: of order and pauses.
        tell: is told what a gateway's worker would tell, for each.

    Raises:
        StoreError: it cannot be written down.
    """
    chance = random.Random(seed)
    mixed = list(items)
    chance.shuffle(mixed)
    made = _Drill(f"DR-{secrets.token_hex(6)}", {f"GR-{secrets.token_hex(16)}": item.right for item in mixed})
    _keep(state, made)
    queue = ApprovalQueue(state, tell, lambda: ())
    loop = asyncio.get_running_loop()

    async def ask(request: str, item: DrillItem) -> None:
        call = ToolCall(f"call_{secrets.token_hex(8)}", item.tool, item.arguments)
        asked = PolicyEvent(0, call.id, "ask", item.rule, item.reason, item.questions)
        asker = PolicyAsker(item.client, item.session, request, loop.time() + wait_s + 2 * MARGIN_S)
        await queue.ask(call, asked, asker, wait_s)

    waiting: list[asyncio.Task[None]] = []
    try:
        for request, item in zip(made.right, mixed, strict=True):
            if waiting:
                await asyncio.sleep(every_s * chance.uniform(0.5, 1.5))
            waiting.append(asyncio.create_task(ask(request, item)))
        await asyncio.gather(*waiting)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await queue.close()
    return [one for one in drilled(state) if one.row.request in made.right]


def drilled(state: Path) -> Iterator[DrilledCall]:
    """Yield every row of every drill with its right answer, oldest first.

    Raises:
        StoreError: a file is damaged.
    """
    right: dict[str, Right] = {}
    for path in sorted((state / FOLDER).glob("DR-*.json")):
        try:
            right |= msgspec.json.decode(path.read_bytes(), type=_Drill).right
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StoreError(f"{path} cannot be read ({kind_of(error)})") from None
    for row in read_all(state):
        if row.request in right:
            yield DrilledCall(row, right[row.request])


def _keep(state: Path, made: _Drill) -> None:
    folder = state / FOLDER
    try:
        make_directory(folder, mode=0o700)
        write_atomic(folder / f"{made.id}.json", msgspec.json.encode(made), mode=0o600)
    except OSError as error:
        raise StoreError(f"a drill cannot be written down in {folder} ({error.strerror or error})") from None
