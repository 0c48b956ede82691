"""The Agent Governance Toolkit's own word on many calls: as `cedar_job`, with documents in place of policies.

The context of a call is its tool's name, and each argument under ``arguments.NAME``: its engine looks fields up whole.
Runs in an environment of its own: see requirements-agt.in.
"""

from __future__ import annotations

import json
import logging
import sys


def main() -> None:
    from agent_os.policies import PolicyEvaluator
    from agent_os.policies.schema import PolicyDocument

    logging.disable(logging.CRITICAL)  # a condition that breaks is a decision here, and no news
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            document = PolicyDocument.model_validate(json.loads(asked["policies"]))
        except ValueError:
            print("null", flush=True)
            continue
        evaluator = PolicyEvaluator(policies=[document])
        words = []
        for one in asked["requests"]:
            fields = {f"arguments.{name}": value for name, value in one["context"].items()}
            found = evaluator.evaluate({"tool_name": one["action"], **fields})
            words.append("Allow" if found.allowed else "Deny")
        print(json.dumps(words), flush=True)


if __name__ == "__main__":
    main()
