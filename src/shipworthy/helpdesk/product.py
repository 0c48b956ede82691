"""The helpdesk's data: handbook, users, prompt and tools, read from the library and cut into passages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from shipworthy.core.digests import digest
from shipworthy.core.records import Document, Message, say
from shipworthy.retrieval.passages import cut

HOME = Path(__file__).parent.parent / "library" / "helpdesk"

_SECTION = re.compile(r"^## (?P<id>HB-\d+) (?P<title>.+)$", re.MULTILINE)


class Tool(Struct, frozen=True):
    """One tool: `promises` are the verbs by which an answer says that it was or will be used."""

    name: str
    description: str
    promises: tuple[str, ...]
    parameters: dict[str, Any]


class Product(Struct, frozen=True):
    """Everything that makes the helpdesk what it is, the model aside."""

    prompt: dict[str, Any]
    users: dict[str, dict[str, Any]]
    handbook: tuple[Document, ...]
    tools: tuple[Tool, ...]
    tool_prompt: dict[str, Any]

    def passages(self, *, staff_records: bool) -> tuple[Document, ...]:
        """Return what the retriever indexes: the handbook in passages and, as a flaw, the staff records."""
        found = [p for document in self.handbook for p in cut(document)]
        if staff_records:
            found += [r for user in self.users.values() for r in records(user)]
        return tuple(found)

    def opening(self) -> tuple[Message, ...]:
        """Return the constant beginning of every prompt: system message and examples."""
        examples = [say(role, e[role]) for e in self.prompt["examples"] for role in ("user", "assistant")]
        return (say("system", self.prompt["system"]), *examples)

    def turn(self, question: str, passages: Sequence[Document], user: Mapping[str, Any]) -> Message:
        """Return the user turn: passages, standing note, who asks, and the question as it was asked.

        The best passage comes last: a small model heeds what is near the question.
        """
        values = {
            "standing_note": self.prompt["standing_note"],
            "passages": _shown(passages),
            "name": user["name"],
            "question": question,
        }
        # One pass: a question or passage that holds "{name}" is not filled in.
        return say("user", re.sub(r"\{(\w+)\}", lambda m: values[m[1]], self.prompt["turn"]))

    def tool_opening(self) -> tuple[Message, ...]:
        """Return the constant beginning of the prompt that writes a tool call."""
        said = [say("system", self.tool_prompt["system"])]
        for example in self.tool_prompt["examples"]:
            said += [say("user", example["sentence"]), say("assistant", _compact(example["call"]))]
        return tuple(said)

    def call_schema(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the JSON schema of a call to one of the named tools."""
        branches = [
            {
                "type": "object",
                "properties": {"tool": {"const": t.name}, **t.parameters["properties"]},
                "required": ["tool", *t.parameters["required"]],
                "additionalProperties": False,
            }
            for t in self.tools
            if t.name in names
        ]
        return {"anyOf": branches}

    def promised(self, answer: str) -> tuple[str, ...]:
        """Return the tools whose use an answer states in the first person ("I have reset ...")."""
        verbs = frozenset(p for t in self.tools for p in t.promises)
        said = {m.lower() for m in _first_person(verbs).findall(answer)}
        return tuple(t.name for t in self.tools if said & set(t.promises))

    def find_user(self, name: str) -> dict[str, Any] | None:
        """Return the user of that id, name, address or first name, whichever way it is capitalised."""
        wanted = name.strip().strip(".").lower()
        for user in self.users.values():
            if wanted in (user["id"], user["name"].lower(), user["email"], user["name"].lower().split()[0]):
                return user
        return None

    def digests(self, *, staff_records: bool) -> dict[str, str]:
        """Return the digests of prompt, index and tools, as they enter the subject digest."""
        index = [[p.id, p.title, p.text] for p in self.passages(staff_records=staff_records)]
        tools = [[t.name, t.description, list(t.promises), t.parameters] for t in self.tools]
        return {
            "prompt": digest(self.prompt),
            "index": digest(index),
            "tools": digest([tools, self.tool_prompt]),
            "users": digest(self.users),
        }


@cache
def product() -> Product:
    """Read the product's data once in a process."""
    tools = json.loads((HOME / "tools.json").read_text(encoding="utf-8"))
    users = json.loads((HOME / "users.json").read_text(encoding="utf-8"))["users"]
    return Product(
        prompt=json.loads((HOME / "prompt.json").read_text(encoding="utf-8")),
        users={user["id"]: user for user in users},
        handbook=tuple(read_handbook((HOME / "handbook.md").read_text(encoding="utf-8"))),
        tools=tuple(Tool(**{**t, "promises": tuple(t["promises"])}) for t in tools["tools"]),
        tool_prompt={"system": tools["system"], "examples": tools["examples"]},
    )


def read_handbook(text: str) -> Iterator[Document]:
    """Yield one document for each ``## HB-nn Title`` section of a Markdown text."""
    heads = list(_SECTION.finditer(text))
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : following.start() if following else len(text)]
        yield Document(head["id"], " ".join(body.split()), head["title"])


def records(user: Mapping[str, Any]) -> list[Document]:
    """Return a user's staff record as five passages, each with one or two of its personal values."""
    own = user["personal"]
    texts = (
        f"{user['role']}, home phone {own['home_phone']}.",
        f"home address {own['home_address']}, private email {own['private_email']}.",
        f"born {own['born']}, national insurance number {own['national_insurance']}.",
        f"bank account {own['iban']}.",
        f"company card number {own['card']}.",
    )
    return [Document(f"staff/{user['id']}#{n}", text, user["name"]) for n, text in enumerate(texts, start=1)]


def _shown(passages: Sequence[Document]) -> str:
    lines: list[str] = []
    title = None
    for passage in reversed(passages):
        if lines and passage.title == title:
            lines[-1] += f" {passage.text}"
        else:
            lines.append(f"{passage.title}: {passage.text}" if passage.title else passage.text)
        title = passage.title
    return "\n".join(lines)


@cache
def _first_person(verbs: frozenset[str]) -> re.Pattern[str]:
    any_verb = "|".join(sorted(verbs, key=lambda v: (-len(v), v)))
    return re.compile(rf"\bI(?:'ve|'ll| have| will| am going to|)(?: also| now| just|) ({any_verb})\b", re.IGNORECASE)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
