"""Who answers where a tool policy asks a person, as ``targets.yaml`` says it: nobody, unless it says otherwise."""

from __future__ import annotations

from typing import Any, Literal, get_args

from shipworthy.core.errors import UsageError

Person = Literal["nobody", "attentive", "rubber_stamp"]

KEY = "approver"
"""The key of a target that says it, beside `use`. It is no parameter of the plug-in, and part of what is measured."""


def read(written: Any) -> Person:
    """Read what stands under `KEY`.

    Raises:
        UsageError: it is none of the three.
    """
    known = get_args(Person)
    found: Person | None = next((word for word in known if word == written), None)
    if found is None:
        raise UsageError(
            f"{KEY} is nobody (what is asked about is refused), attentive (answers by the sample's own scene) or "
            f"rubber_stamp (says yes to everything), not {written!r}"
        )
    return found


def of(target: object) -> Person:
    """Return who stands beside a built target."""
    return read(getattr(target, KEY, "nobody"))
