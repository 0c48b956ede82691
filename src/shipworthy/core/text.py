"""The types of text fields: what a record's string is decides what redaction does to it.

A record that can be written down has no bare ``str``: every string is one of these types, and `core.rewrite` walks a
record by them. A new text field therefore cannot become durable unredacted: a test fails until it has a type.

JSON values (``Any``, as in a tool's arguments) are content: every string and number in them is redacted.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta

Treatment = Literal["content", "name", "fingerprint", "bytes", "spans", "json"]
"""What a field holds. ``json`` needs no mark: it is what a field of type ``Any`` or ``dict[str, Any]`` holds."""

TREATMENTS: tuple[Treatment, ...] = get_args(Treatment)

MARK = "shipworthy.text"
"""The key in a type's metadata that holds its `Treatment`."""

Content = Annotated[str, Meta(extra={MARK: "content"})]
"""Words that a person, a model, a tool or an error message wrote. Redacted."""

Name = Annotated[str, Meta(extra={MARK: "name"})]
"""A word out of the safety files or of our own code: the id of a suite, a rule, an outcome. Kept as it is."""

Fingerprint = Annotated[str, Meta(extra={MARK: "fingerprint"})]
"""A digest of content. Short content can be guessed from its digest, so it is left out where content is private."""

Bytes = Annotated[str, Meta(extra={MARK: "bytes"})]
"""A picture or a sound in base64, or its address. Nothing can see into it, so private content is kept without it."""

Spans = Annotated[tuple[tuple[int, int], ...], Meta(extra={MARK: "spans"})]
"""Places [start, end) in a content. Once that is redacted they point elsewhere, so they are left out."""

Places = Annotated[tuple[tuple[int, int, int], ...], Meta(extra={MARK: "spans"})]
"""Places (turn, start, end) in what the target said in a turn; treated as `Spans`."""
