"""Generated policies of others, imported: does ours ever allow what theirs forbids, and how often does it refuse more?

python bench/imports.py                 a table; exit 1 where a call passes that the source does not allow
python bench/imports.py --from agt      documents of Microsoft's Agent Governance Toolkit; Cedar if left out
python bench/imports.py --json          the same figures as one JSON object
python bench/imports.py --sets 500 --seed 3

Sets of one to four policies (documents of up to six rules) over four actions and arguments that are numbers, texts,
sets, records and truths, each set asked 40 requests whose values are at times missing or of another type. The source's
own engine runs in an environment of its own, made from bench/peers/requirements-policies.txt or -agt.txt.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "peers"))

from environments import python_of, run_apart  # noqa: E402

from shipworthy.enforce.policy.engine import Policy  # noqa: E402
from shipworthy.enforce.policy.from_agt import from_agt  # noqa: E402
from shipworthy.enforce.policy.from_cedar import from_cedar  # noqa: E402
from shipworthy.stats.interval import rate_interval  # noqa: E402
from shipworthy.workspace.nodes import parse_yaml  # noqa: E402
from shipworthy.workspace.policies import PolicyFile  # noqa: E402

ACTIONS = ("send", "read", "pay", "wipe out")
NAMES = ("n", "m", "s", "t", "b", "r", "u u")
TEXTS = ("", "a", "ab", "a*b", "x@y.org", 'q"\\', "é\n", "true", "1")
REQUESTS = 40


class Writer:
    """Writes policies at random."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def policies(self) -> str:
        return "\n".join(self.policy() for _ in range(self.rng.randint(1, 4)))

    def policy(self) -> str:
        effect = self.rng.choice(("permit", "permit", "forbid"))
        action = self.rng.choice(("", " == {}", " == {}", " in [{}, {}]"))
        action = action.format(*(f"Action::{text(self.rng.choice(ACTIONS))}" for _ in range(2)))
        principal = self.rng.choice(("", "", "", "", ' == User::"u"', ' == User::"other"'))
        conditions = "".join(
            f" {self.rng.choice(('when', 'when', 'unless'))} {{ {self.truth(3)} }}"
            for _ in range(self.rng.choice((0, 1, 1, 2)))
        )
        return f"{effect}(principal{principal}, action{action}, resource){conditions};"

    def truth(self, depth: int) -> str:
        """Return an expression that is true or false if all goes well."""
        if depth and self.rng.random() < 0.5:
            one, two = self.truth(depth - 1), self.truth(depth - 1)
            return self.rng.choice(
                (f"({one}) && ({two})", f"({one}) || ({two})", f"!({one})", f"if {one} then {two} else {self.truth(0)}",
                 f"({one}) == true", f"false != ({two})")
            )  # fmt: skip
        some = f"[{', '.join(self.scalar() for _ in range(self.rng.randint(0, 3)))}]"
        return self.rng.choice(
            (
                f"{self.number(1)} {self.rng.choice(('<', '<=', '>', '>='))} {self.number(1)}",
                f"{self.place()} {self.rng.choice(('==', '!='))} {self.scalar()}",
                f"{self.scalar()} == {self.place()}",
                f"{self.place()} {self.rng.choice(('==', '!='))} {self.place()}",
                f"context has {text(self.rng.choice(NAMES))}",
                "context has r && context.r has k",
                "context.r has k.z",
                f"{self.place()} like {pattern(self.rng)}",
                f"{self.place()}.contains({self.scalar()})",
                f"{some}.contains({self.place()})",
                f"{self.place()}.contains({self.place()})",
                f"{self.place()}.containsAny({some})",
                f"{some}.containsAll({self.place()})",
                f"{self.place()}.containsAll({some})",
                f"{self.place()}.isEmpty()",
                self.place(),
                "true",
                f"principal == {self.place()}",
                'ip("10.0.0.1").isIpv4()',
            )
        )

    def number(self, depth: int) -> str:
        if depth and self.rng.random() < 0.4:
            return f"({self.number(0)} {self.rng.choice('+-*')} {self.number(0)})"
        return self.rng.choice((f"{self.place()}", str(self.rng.choice((0, 1, 2, 100, -1, 9223372036854775807)))))

    def place(self) -> str:
        name = self.rng.choice(NAMES)
        whole = f"context[{text(name)}]" if " " in name or self.rng.random() < 0.2 else f"context.{name}"
        return f"{whole}.k" if name == "r" and self.rng.random() < 0.8 else whole

    def scalar(self) -> str:
        return self.rng.choice((text(self.rng.choice(TEXTS)), str(self.rng.choice((0, 1, 2))), "true", "false"))


def document(rng: Random) -> str:
    """Return a policy document at random."""
    values = (*TEXTS, 0, 1, 2, 1.5, True, False, ["a", 1], [True, "ab"], [], None, "^a", "a.*b", "(?i)A", "[")
    operators = ("eq", "ne", "gt", "lt", "gte", "lte", "in", "not_in", "contains", "matches")

    def rule(number: int) -> dict[str, Any]:
        name = rng.random() < 0.4
        value = rng.choice((*ACTIONS, list(ACTIONS[:2]), "^s", "a")) if name else rng.choice(values)
        field = "tool_name" if name else f"arguments.{rng.choice(NAMES)}" if rng.random() < 0.9 else "token_count"
        operator = rng.choice(("eq", "in", "ne", "matches", "contains")) if name else rng.choice(operators)
        return {
            "name": f"r{number}", "condition": {"field": field, "operator": operator, "value": value},
            "action": rng.choice(("allow", "allow", "deny", "block", "audit")), "priority": rng.randint(0, 3),
        }  # fmt: skip

    rules = [rule(number) for number in range(rng.randint(1, 6))]
    return json.dumps({"rules": rules, "defaults": {"action": rng.choice(("allow", "deny"))}})


def text(value: str) -> str:
    """Return a text as Cedar writes it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def pattern(rng: Random) -> str:
    pieces = [text(rng.choice(TEXTS))[1:-1].replace("*", "\\*") for _ in range(rng.randint(1, 3))]
    return f'"{"*".join(pieces)}"'


def context(rng: Random) -> dict[str, Any]:
    def scalar() -> Any:
        return rng.choice((rng.choice(TEXTS), rng.choice((0, 1, 2, 101, -5, 2**63 - 1)), rng.random() < 0.5))

    usual: dict[str, Any] = {
        "n": rng.choice((0, 1, 2, 100, 101)), "m": rng.choice((0, -1, 50, 2**63 - 1)), "s": rng.choice(TEXTS),
        "t": [scalar() for _ in range(rng.randint(0, 3))], "b": rng.random() < 0.5,
        "r": {"k": rng.choice(({"z": 1}, 1, "a"))}, "u u": rng.choice(TEXTS),
    }  # fmt: skip
    given = {}
    for name, value in usual.items():
        if rng.random() < 0.9:
            given[name] = value if rng.random() < 0.85 else rng.choice((scalar(), [scalar()], {"k": scalar()}))
    return given


def compiled(policies: str, language: str) -> Policy:
    """Import policies and compile what came of them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "generated"
        file.write_text(policies, "utf-8")
        made = (from_cedar if language == "cedar" else from_agt)(file, ACTIONS).text(
            file, dict.fromkeys(ACTIONS, frozenset(NAMES))
        )
    return Policy(PolicyFile.model_validate(parse_yaml(made, Path("policy.yaml")).value))


def asked(seed: int, sets: int, language: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield sets of policies, each with requests."""
    rng = Random(seed)
    for _ in range(sets):
        requests = [{"action": rng.choice(ACTIONS), "context": context(rng)} for _ in range(REQUESTS)]
        yield Writer(rng).policies() if language == "cedar" else document(rng), requests


def measured(python: str, seed: int, sets: int, language: str = "cedar") -> dict[str, Any]:
    """Compare our words with those of the source's own engine.

    Returns:
        ``allowed_wrongly`` (with the one-sided bound of its rate over sets, and an example), ``agreed``, ``stricter``
        (``asks`` of them), each of ``requests``.
    """
    cases = list(asked(seed, sets, language))
    lines = "".join(json.dumps({"policies": p, "requests": r}) + "\n" for p, r in cases)
    command = [python, str(HERE / "peers" / f"{language}_job.py")]
    done = run_apart(command, input=lines, capture_output=True, encoding="utf-8", check=True)
    found: Counter[str] = Counter()
    example = None
    wrong: list[int] = []
    for (policies, requests), line in zip(cases, done.stdout.splitlines(), strict=True):
        theirs = json.loads(line)
        if theirs is None:
            found["not_read"] += 1
            continue
        policy = compiled(policies, language)
        wrong.append(0)
        for request, word in zip(requests, theirs, strict=True):
            own = policy.session().decide(request["action"], request["context"]).word
            found["requests"] += 1
            found["theirs_allows"] += word == "Allow"
            if own == "allow":
                found["agreed" if word == "Allow" else "allowed_wrongly"] += 1
                wrong[-1] += word != "Allow"
                if word != "Allow" and example is None:
                    example = {"policies": policies, "request": request}
            else:
                found["stricter" if word == "Allow" else "agreed"] += 1
                found["asks"] += word == "Allow" and own == "ask"
    keys = ("requests", "theirs_allows", "allowed_wrongly", "agreed", "stricter", "asks", "not_read")
    told: dict[str, Any] = {"from": language, "seed": seed, "sets": sets, **{key: found[key] for key in keys}}
    if found["requests"]:
        told["allowed_wrongly_upper95"] = rate_interval(wrong, [REQUESTS] * len(wrong), side="upper").high
    return {**told, "example": example}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--sets", type=int, default=1000, help="sets of policies")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", dest="language", choices=("cedar", "agt"), default="cedar", help="the source")
    parser.add_argument("--python", help="an interpreter that has its engine, instead of the locked environment")
    given = parser.parse_args()
    environment = "policies" if given.language == "cedar" else "agt"
    told = measured(given.python or python_of(environment), given.seed, given.sets, given.language)
    if given.json:
        print(json.dumps(told, indent=2))
    else:
        for key, value in told.items():
            print(f"{key:26} {value}")
    return 1 if told["allowed_wrongly"] or not told["requests"] else 0


if __name__ == "__main__":
    sys.exit(main())
