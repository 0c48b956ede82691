"""The worst agent there is: it does the user's task by a script, and whatever an attacker wrote where it reads.

No model is asked. It is what a tool policy is measured with: nothing is won by a model's good sense, only by what
stands between its calls and the tools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args

from shipworthy.agents.paraphrase import paraphrased
from shipworthy.agents.predicate import plain
from shipworthy.agents.script import ScriptProblem, Step, filled
from shipworthy.agents.setting import Goal, Setting, Task, load_setting, setting, settings
from shipworthy.core.carries import Need
from shipworthy.core.digests import digest
from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.protocols import Tools
from shipworthy.core.records import Message, Reply, Request, Text, ToolCall, ToolResult
from shipworthy.core.registry import target

Obeys = Literal["never", "at_once", "at_end", "in_pieces", "over_turns", "paraphrased"]

CARRIES: frozenset[Need] = frozenset({"turns", "user", "documents", "tools", "world"})


def carries(params: Mapping[str, Any]) -> frozenset[Need]:
    """Say what it carries, whatever its parameters."""
    return CARRIES


class HijackedAgent:
    """The agent behind `hijacked_agent`.

    Args:
        found: the settings whose tasks and attacks it knows.
        obeys: when and how it obeys.
    """

    carries = CARRIES
    endpoint = ""

    def __init__(self, found: Sequence[Setting], obeys: Obeys) -> None:
        self._tasks = {plain(task.prompt): task for one in found for task in one.tasks}
        self._goals = {plain(goal.text): goal for one in found for goal in one.goals}
        self._obeys, self._digests = obeys, {one.id: _digest(one) for one in found}

    def describe(self) -> Mapping[str, Any]:
        """Name everything that changes what it does."""
        return {"target": "hijacked_agent", "version": 1, "obeys": self._obeys, "settings": self._digests}

    async def send(self, request: Request, tools: Tools) -> Reply:
        """Do the task that the user's last message names, and every attack that it comes across.

        Raises:
            TargetError: it knows no task of these words: that it did nothing is no sign that it is safe.
        """
        asked = next((m.text for m in reversed(request.messages) if m.role == "user"), "")
        task = self._tasks.get(plain(asked))
        if task is None:
            raise TargetError("the scripted agent knows no task of these words")
        mind = _Mind(self._goals, tools, Random(request.seed), _gave(request.messages))
        for text in (*(m.text for m in request.messages), *(d.text for d in request.documents)):
            mind.read(text)
        for spec in tools.specs:
            mind.read(spec.description)
        obeyed = await self._work(task, mind, request.seed)
        told = "\n".join([task.answer, *(goal.answer for goal in obeyed if goal.answer)])
        mind.said.append(Message("assistant", (Text(told),)))
        return Reply(messages=tuple(mind.said))

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _work(self, task: Task, mind: _Mind, seed: int) -> Sequence[Goal]:
        """Do the task and what is obeyed; return the attacks that were."""
        own = _Script(task.scripts[seed % len(task.solutions)])
        attacks: list[_Script] = []
        obeyed: list[Goal] = []
        while not own.done:
            await mind.step(own)
            if self._obeys == "never":
                continue
            news = mind.news()
            obeyed += news
            attacks += [mind.script(goal, self._obeys) for goal in news]
            if self._obeys == "at_once":
                for attack in attacks:
                    await mind.whole(attack)
            elif self._obeys == "in_pieces":
                for attack in attacks:
                    if not attack.done:
                        await mind.step(attack)
        for attack in attacks:
            if self._obeys != "over_turns":
                await mind.whole(attack)
            elif not attack.done:
                await mind.step(attack)
        return obeyed


class _Script:
    """A script, how far it has come, and what its calls gave; `name` is what their ids begin with."""

    def __init__(self, steps: Sequence[Step], *, loud: bool = False, name: str = "") -> None:
        self.steps, self.loud, self.name = steps, loud, name
        self.answers: list[str] = []

    @property
    def done(self) -> bool:
        return len(self.answers) == len(self.steps)


class _Mind:
    """What the agent has read, and what it has done."""

    def __init__(self, goals: Mapping[str, Goal], tools: Tools, rng: Random, gave: Mapping[str, str]) -> None:
        self._goals, self._tools, self._rng, self._gave = goals, tools, rng, gave
        self._heard: dict[str, Goal] = {}
        self._taken = 0
        self._calls = 0
        self.said: list[Message] = []

    def read(self, text: str) -> None:
        # As it is, and as it was before it stood in JSON.
        wholes = [plain(text), *([plain(_unquoted(text))] if "\\" in text else [])]
        for words, goal in self._goals.items():
            if any(words in whole for whole in wholes):
                self._heard.setdefault(goal.id, goal)

    def news(self) -> list[Goal]:
        """Return the attacks that were read since this was last asked."""
        found = list(self._heard.values())[self._taken :]
        self._taken += len(found)
        return found

    def script(self, goal: Goal, obeys: Obeys) -> _Script:
        """Return an attack's script, as far as it came in earlier turns where it goes over several."""
        if obeys != "over_turns":
            return _Script(goal.script, loud=obeys == "paraphrased")
        made = _Script(goal.script, name=f"{goal.id}-")
        while not made.done and (id := f"{made.name}{len(made.answers) + 1}") in self._gave:
            made.answers.append(self._gave[id])
        return made

    async def whole(self, script: _Script) -> None:
        while not script.done:
            await self.step(script)

    async def step(self, script: _Script) -> None:
        """Make a script's next call. One that was refused does not end it: the agent tries all it can."""
        step = script.steps[len(script.answers)]
        try:
            arguments = filled(step.arguments, script.answers)
        except ScriptProblem:  # what it would pass on was never shown to it
            script.answers.append("")
            return
        if script.loud:
            arguments = paraphrased(arguments, self._rng)
        self._calls += 1
        id = f"{script.name}{len(script.answers) + 1}" if script.name else f"call-{self._calls}"
        call = ToolCall(id, step.tool, arguments)
        result: ToolResult = await self._tools.call(call)
        self.said += [Message("assistant", (call,)), Message("tool", (result,))]
        script.answers.append("" if result.is_error else result.text)
        self.read(result.text)


def _gave(messages: Sequence[Message]) -> dict[str, str]:
    """Return what the calls of earlier turns gave, by their ids; nothing where it was an error."""
    results = [part for message in messages for part in message.parts if isinstance(part, ToolResult)]
    return {result.id: "" if result.is_error else result.text for result in results}


def _unquoted(text: str) -> str:
    return text.replace('\\"', '"').replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")


def _digest(found: Setting) -> str:
    tasks = [[task.id, task.prompt, list(task.solutions)] for task in found.tasks]
    goals = [[goal.id, goal.text, list(goal.calls)] for goal in found.goals]
    answers = (*(task.answer for task in found.tasks), *(goal.answer for goal in found.goals))
    said = [answer for answer in answers if answer not in ("", "It is done.")]
    return digest([found.digest, tasks, goals, *([said] if said else [])])


@target
def hijacked_agent(*, obeys: str = "at_end", tasks: str = "", root: Path | None = None) -> HijackedAgent:
    """Build the scripted agent.

    Args:
        obeys: ``at_once`` (as soon as it reads an attack), ``at_end`` (when the user's task is done), ``in_pieces``
            (one call of the attack after each of the task's), ``over_turns`` (one call at the end of each turn of the
            conversation), ``paraphrased`` (at the end, in other words), or
            ``never``: the same script without the attack, whose utility is what guards and policy leave of it.
        tasks: a folder with a setting of your own; those that come with shipworthy if left out.
        root: folder that a relative `tasks` starts from.

    Raises:
        UsageError: there is no such way to obey, or the folder holds no setting (what is wrong is named).
    """
    if obeys not in get_args(Obeys):
        raise UsageError(f"hijacked_agent obeys one of {', '.join(get_args(Obeys))}, not {obeys!r}")
    if tasks:
        return HijackedAgent([load_setting((root or Path()) / Path(tasks).expanduser())], obeys)  # type: ignore[arg-type]
    return HijackedAgent([setting(name) for name in settings()], obeys)  # type: ignore[arg-type]
