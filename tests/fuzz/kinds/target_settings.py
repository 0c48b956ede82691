"""Settings of a target, its price among them: JSON of {use, …}; built, or refused with a sentence."""

import json
from pathlib import Path
from typing import Any

from shipworthy.core.errors import UsageError
from shipworthy.core.price import Price
from shipworthy.core.registry import create


def prepare(folder: Path) -> None:
    return None


def feed(data: bytes, _: None) -> str:
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return "refused"
    if not isinstance(value, dict) or value.get("use") not in ("openai_compatible", "http"):
        return "refused"
    params = {key: inner for key, inner in value.items() if key != "use"}
    try:
        if "price" in params:
            price = Price.read(params.pop("price"))
            assert 0 <= price.input < float("inf") and 0 <= price.output < float("inf")
        made = create("target", value["use"], params)
    except UsageError as error:
        assert str(error)
        return "refused"
    made.describe()
    return "accepted"
