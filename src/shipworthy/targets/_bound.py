"""What a target's answers are bound to: a JSON schema, which they are held to afterwards, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shipworthy.core.errors import InvalidOutput, UsageError
from shipworthy.core.records import Reply, Request
from shipworthy.core.strict_json import loads
from shipworthy.detect.json_schema import compiled


class Bound:
    """A schema that stands in requests which bring none.

    An endpoint may pass over what it was asked for, and an answer that is cut short is no JSON: so each answer to such
    a request is held to the schema.

    Args:
        schema: as in JSON Schema, the part that `shipworthy.detect.json_schema` knows; None binds nothing.

    Raises:
        UsageError: it is no such schema.
    """

    def __init__(self, schema: Mapping[str, Any] | None) -> None:
        self._schema = dict(schema) if schema is not None else None
        try:
            self._fits = compiled(self._schema) if self._schema is not None else None
        except ValueError as error:
            raise UsageError(f"schema: {error}") from None

    def describe(self) -> Mapping[str, Any]:
        """Return JSON that enters the target's description; nothing where nothing is bound."""
        return {} if self._schema is None else {"schema": self._schema}

    def request(self, request: Request) -> Request:
        """Return a request with the schema, where it brings none."""
        return request if self._schema is None or request.schema is not None else replace(request, schema=self._schema)

    def held(self, reply: Reply, request: Request) -> Reply:
        """Return a reply that is as the schema says; one that calls a tool is none yet.

        Args:
            request: as it came, before `request`.

        Raises:
            InvalidOutput: it is not.
        """
        if self._fits is None or request.schema is not None or reply.tool_calls:
            return reply
        try:
            fits = self._fits(loads(reply.text.strip().encode()))
        except (ValueError, RecursionError):
            cut = " (it was cut at its longest length)" if reply.finish == "length" else ""
            raise InvalidOutput(f"the answer is not JSON, which its schema asks for{cut}") from None
        if not fits:
            raise InvalidOutput("the answer is JSON, and not as its schema says")
        return reply
