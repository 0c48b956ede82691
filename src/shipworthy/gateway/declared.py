"""What a client says of a request in headers of ours: the digests of its prompt and its index, and its session."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from shipworthy.gateway.policy_stage import HEADER, session_of
from shipworthy.gateway.refusal import HttpRefusal

UNPROVEN = "unproven"
"""In place of a digest that nobody declared."""
PROMPT, INDEX = "x-shipworthy-prompt", "x-shipworthy-index"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Declared(NamedTuple):
    """A client's word; nothing here has seen a prompt or an index.

    Attributes:
        prompt_digest, index_digest: ``sha256:`` and 64 hex digits, or `UNPROVEN`.
        session: of the conversation, see `policy_stage.session_of`; also decides on which side of a rollout it falls.
            Empty where none is named.
    """

    prompt_digest: str = UNPROVEN
    index_digest: str = UNPROVEN
    session: str = ""


UNDECLARED = Declared()


def declared(headers: Mapping[str, str]) -> Declared:
    """Read the headers of a request.

    Raises:
        HttpRefusal: one is there and is none: a digest that is not known to be one proves nothing.
    """
    if not any(name in headers for name in (PROMPT, INDEX, HEADER)):
        return UNDECLARED
    for name in (PROMPT, INDEX):
        if name in headers and not _DIGEST.fullmatch(headers[name]):
            said = f"the header {name} is no digest: 'sha256:' and 64 hexadecimal digits in lower case"
            raise HttpRefusal(400, "invalid_request_error", said, field=name)
    return Declared(headers.get(PROMPT, UNPROVEN), headers.get(INDEX, UNPROVEN), session_of(headers))
