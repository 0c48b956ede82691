"""The one way to reach a target, an attacker, a judge, a tool or a world, and the one thing that records."""
