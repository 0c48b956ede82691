"""Rewrite the request with a converter of Microsoft's PyRIT: ``pyrit:MorseConverter``.

Goal: use what somebody else has already written. More than forty of its converters need no model and no
    parameter.
Source: PyRIT, github.com/microsoft/PyRIT (MIT), which must be installed: the extra `pyrit`.
Tags: atlas:AML.T0068@5.6 owasp-llm:LLM01@2025

The name is the converter's class; its parameters are the converter's own. A converter that draws is given the attempt's
seed. One that asks a model, makes a picture or needs a network is refused: nothing leaves this machine but through the
exchange, and what is not recorded cannot be repeated.

>>> from shipworthy.core.attack_chain import steps_of
>>> str(steps_of("pyrit:MorseConverter")[0])
'pyrit(converter=MorseConverter)'
"""

from __future__ import annotations

import inspect
import random
from random import Random
from typing import Any

from shipworthy.attacks._text import nothing_in
from shipworthy.core.errors import AttackError, PluginError, did_you_mean
from shipworthy.core.extras import require
from shipworthy.core.protocols import Rewrite, rewrite_last_user
from shipworthy.core.records import Sample
from shipworthy.core.registry import attack


def names() -> tuple[str, ...]:
    """Return the names of PyRIT's converters.

    Raises:
        MissingExtra: PyRIT is not installed.
    """
    package = require("pyrit.converter", extra="pyrit", package="pyrit")
    return tuple(name for name in package.__all__ if name.endswith("Converter") and name != "Converter")


def _class(name: object) -> Any:
    """Return a converter's class if it can be used here.

    Raises:
        PluginError: there is none, or it turns no text into a text, or asks a model.
    """
    known = names()
    if not isinstance(name, str) or name not in known:
        near = did_you_mean(name, known) if isinstance(name, str) else "it takes a converter's name"
        raise PluginError(f"attack 'pyrit': PyRIT has no converter {name!r}: {near}")
    package = require("pyrit.converter", extra="pyrit", package="pyrit")
    try:
        made = getattr(package, name)
    except ImportError as error:
        raise PluginError(f"attack 'pyrit': the converter {name} needs what is not installed: {error}") from None
    target = inspect.signature(made).parameters.get("converter_target")
    asks = target is not None and target.default is inspect.Parameter.empty
    if inspect.isabstract(made) or asks:
        raise PluginError(f"attack 'pyrit': the converter {name} asks a model of PyRIT's: only others are used here")
    if "text" not in made.SUPPORTED_INPUT_TYPES or tuple(made.SUPPORTED_OUTPUT_TYPES) != ("text",):
        raise PluginError(f"attack 'pyrit': the converter {name} does not turn a text into a text")
    return made


@attack
def pyrit(converter: str, **params: Any) -> Rewrite:
    """Convert the last user turn.

    Args:
        converter: name of a converter's class.
        params: the converter's own parameters.

    Raises:
        MissingExtra: PyRIT is not installed.
        PluginError: it has no such converter, or one that cannot be used here; or not with these parameters.
    """
    made = _class(converter)
    _made(made, converter, params, 0)

    def convert(text: str, seed: int) -> str:
        # Some of them draw from the generator that everybody shares.
        shared = random.getstate()
        random.seed(seed)
        try:
            return _run(_made(made, converter, params, seed), converter, text)
        finally:
            random.setstate(shared)

    def change(sample: Sample, rng: Random) -> Sample:
        seed = rng.getrandbits(31)
        return rewrite_last_user(sample, lambda text: convert(text, seed) if text.strip() else text)

    def changes(text: str) -> bool:
        return bool(text.strip()) and convert(text, 0) != text

    return Rewrite(
        "pyrit",
        change,
        {"converter": converter, **params},
        inapplicable=lambda sample: nothing_in(sample, changes, "nothing that the converter changes"),
    )


def _made(factory: Any, name: str, params: dict[str, Any], seed: int) -> Any:
    own = {"seed": seed} if "seed" in inspect.signature(factory).parameters and "seed" not in params else {}
    try:
        made = factory(**params, **own)
    except Exception as error:  # somebody else's code
        raise PluginError(f"attack 'pyrit': the converter {name} cannot be made so: {error}") from None
    made._seed = seed  # where PyRIT looks for the seed of one conversion
    return made


def _run(converter: Any, name: str, text: str) -> str:
    """Return a text converted. The coroutine is driven by hand: one that waits for something asks beyond the exchange.

    Raises:
        AttackError: it waits, or gives no text.
    """
    coroutine = converter.convert_async(prompt=text, input_type="text")
    try:
        coroutine.send(None)
    except StopIteration as ended:
        result = ended.value
    except Exception as error:  # somebody else's code
        raise AttackError(f"PyRIT's {name} failed: {type(error).__name__}: {error}") from error
    else:
        coroutine.close()
        raise AttackError(f"PyRIT's {name} waits for something outside: only converters that do not are used here")
    if getattr(result, "output_type", "") != "text" or not isinstance(result.output_text, str):
        raise AttackError(f"PyRIT's {name} gave no text")
    return str(result.output_text)
