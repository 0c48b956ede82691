"""Who there is around a system, and what an attacker is able to do: the words that safety files and catalogue share."""

from __future__ import annotations

from typing import Literal

Party = Literal["owner", "suppliers", "users", "outsiders"]
"""From the most to the least trusted: whoever owns the system, who supplies its parts, who has an account, anybody."""

Capability = Literal["asks", "floods", "writes-content", "supplies", "insider", "none"]
"""What it takes to carry out a threat: to send messages; to send very many; to write what the system reads; to supply a
model, a tool, a library or data; to work with rights at the owner's; nothing, as it happens by itself."""

TRUST: tuple[Party, ...] = ("owner", "suppliers", "users", "outsiders")
