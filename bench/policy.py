"""What a decision of the tool policy costs, beside Cedar, Rego and CEL on the same rule.

python bench/policy.py          a table; exit 1 over a limit
python bench/policy.py --json   the same figures as one JSON object

Microseconds of CPU time a decision: the least over rounds of many decisions. The rule is the same everywhere: a tool
may be called if its recipient stands in the user's words and the amount is at most 100. Ours looks rules up by the
tool's name; Cedar and Rego are given the whole set, as they are meant to be used; CEL one compiled condition a tool.
`session` is our decision after 200 calls were read, with provenance over everything they gave, for a value that is
there (found) and one that is not (searched); `cold` finds every origin anew, `read` is taking in one more answer. The
other engines run in an environment of their own, made from bench/peers/requirements-policies.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "peers"))

from run import OFFLINE, python_of  # noqa: E402

from shipworthy.enforce.policy.engine import Policy  # noqa: E402
from shipworthy.workspace.policies import PolicyFile  # noqa: E402

LIMITS = {"decision_1000_us": 20.0, "session_found_us": 50.0, "session_searched_us": 50.0}
CALLS, ROUNDS = 2_000, 7
SAYS = "Please send 12 to ada@example.org today, and tell me when it is done."


def policy(tools: int) -> Policy:
    """Return a policy of so many tools, all of one rule."""
    rule = {
        "effect": "external",
        "intent": ["send"],
        "args": {"to": {"kind": "recipient"}, "amount": {"kind": "amount", "most": 100}, "note": {"kind": "content"}},
    }
    reads = {
        "effect": "none",
        "args": {"q": "none"},
        "returns": {"trusted": ["[].id", "[].from"], "names": ["[].subject"]},
    }
    return Policy(PolicyFile.model_validate({"tools": {**{f"tool_{i}": rule for i in range(tools)}, "read": reads}}))


def least(work: Callable[[], object], calls: int = CALLS) -> float:
    """Return microseconds of CPU time a call: the least of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            work()
        best = min(best, (time.process_time() - began) / calls)
    return best * 1e6


def ours() -> dict[str, float]:
    told: dict[str, float] = {}
    for tools in (1, 50, 1000):
        session = policy(tools).session()
        session.hear([SAYS])
        args = {"to": "ada@example.org", "amount": 12, "note": "Here it is."}
        assert session.decide("tool_0", args).word == "allow"
        told[f"decision_{tools}_us"] = least(lambda s=session, a=args: s.decide("tool_0", a))
    session = policy(1000).session()
    session.hear([SAYS + " Then reply to the one called Budget for week 137."])
    for n in range(200):
        session.returned("read", {"q": "x"}, answer(n))
    found = {"to": "p137@example.org", "amount": 12, "note": "See you then."}
    unknown = {"to": "nobody@example.net", "amount": 12, "note": "See you then."}
    assert session.decide("tool_0", found).word == "allow", session.decide("tool_0", found).sentence
    assert session.decide("tool_0", unknown).word == "ask"
    told["session_found_us"] = least(lambda: session.decide("tool_0", found))
    told["session_searched_us"] = least(lambda: session.decide("tool_0", unknown))
    told["session_cold_us"] = least(lambda: (session.forget(), session.decide("tool_0", found)), 200)
    told["session_read_us"] = least(lambda: session.returned("read", {"q": "x"}, answer(7)), 200)
    return told


def answer(n: int) -> list[dict[str, Any]]:
    """Return what one call of the session gave: three mails of a kilobyte together."""
    return [
        {
            "id": f"{n}-{i}",
            "from": f"p{n if i == 0 else 1000 + 3 * n + i}@example.org",
            "subject": f"Budget for week {n}" if i == 0 else f"Note {n} of {i}",
            "body": " ".join(f"Lorem ipsum{n * i} dolor sit{n + i} amet." for i in range(12)),
        }
        for i in range(3)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone")
    parser.add_argument("--python", help="an interpreter that has the other engines, instead of the locked environment")
    given = parser.parse_args()
    told: dict[str, Any] = {"ours": ours()}
    if not given.no_peers:
        command = [given.python or python_of("policies"), str(HERE / "peers" / "policies_job.py")]
        done = subprocess.run(command, env=os.environ | OFFLINE, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        told |= json.loads(done.stdout)
    over = {key: told["ours"][key] for key, most in LIMITS.items() if told["ours"][key] > most}
    told["limits"], told["over"] = LIMITS, over
    if given.json:
        print(json.dumps(told, indent=2))
    else:
        for engine, figures in told.items():
            if engine not in ("limits", "over"):
                for key, value in figures.items():
                    print(f"{engine:8} {key:24} {value:12.2f}")
        print(f"over a limit: {', '.join(over) or 'none'}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
