"""Cedar's own word on many requests. Reads JSON lines, prints one for each: policies in, decisions out.

A line is ``{"policies": "...", "requests": [{"action": "...", "context": {...}}]}``; what is printed is a list of
``Allow``, ``Deny`` or ``NoDecision``, or ``null`` where the policies are none. Runs in an environment of its own: see
requirements-policies.in.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    import cedarpy

    for line in sys.stdin:
        asked = json.loads(line)
        try:
            policies = cedarpy.PolicySet.from_str(asked["policies"])
        except Exception:
            print("null", flush=True)
            continue
        requests = [
            {
                "principal": 'User::"u"',
                "action": f"Action::{json.dumps(one['action'])}",
                "resource": 'Resource::"r"',
                "context": one["context"],
            }
            for one in asked["requests"]
        ]
        print(json.dumps([cedarpy.is_authorized(r, policies, []).decision.value for r in requests]), flush=True)


if __name__ == "__main__":
    main()
