"""A plug-in as the user names it: its id, and its parameters."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from shipworthy.core import attack_name
from shipworthy.workspace.fields import Entity
from shipworthy.workspace.scalars import plain


class Use(Entity):
    """A plug-in with its parameters.

    In YAML ``{use: payload_in_document, position: head}``, or only its id where there are no parameters. Every key
    besides `use` is a parameter.
    """

    use: str = Field(min_length=1)
    params: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"use": value, "params": {}}
        if isinstance(value, dict) and value.keys() == {"use", "params"} and isinstance(value["params"], dict):
            return value  # from Python: Use(use=..., params={...})
        if isinstance(value, dict) and "use" in value:
            return {"use": value["use"], "params": {k: plain(v) for k, v in value.items() if k != "use"}}
        return value

    @classmethod
    def of(cls, use: str, **params: Any) -> Use:
        """Build one from Python: ``Use.of("refusal", metric="over_refusal")``."""
        return cls.model_validate({"use": use, **params})

    @property
    def name(self) -> str:
        """Its id with its parameters: what tells two uses of one plug-in apart, and what an attempt records.

        >>> Use.of("payload_in_document", position="head").name
        'payload_in_document(position=head)'
        >>> Use.of("base64").name
        'base64'
        """
        return str(attack_name.ChainStep(self.use, self.params))

    @property
    def model(self) -> Use | None:
        """The model it is given, where its parameters name one: ``model: {use: smollm2}``."""
        return _as_use(self.params.get("model"))

    @property
    def models(self) -> tuple[Use, ...]:
        """All models it is given: that one, or those of a panel, ``models: [{use: smollm2}, …]``."""
        return self._panel or ((self.model,) if self.model is not None else ())

    @property
    def own_params(self) -> dict[str, Any]:
        """Its parameters without the models."""
        given = "models" if self._panel else "model" if self.model is not None else None
        return {name: value for name, value in self.params.items() if name != given}

    @property
    def _panel(self) -> tuple[Use, ...]:
        """The models of a panel; none where one of them is no model, of which `check` says what is wrong."""
        written = self.params.get("models")
        found = [_as_use(one) for one in written] if isinstance(written, list | tuple) else []
        return tuple(one for one in found if one is not None) if None not in found else ()

    def matches(self, wanted: str) -> bool:
        """Say whether `wanted` names this use: by its id (all parameters) or by its full name."""
        return attack_name.matches(wanted, self.name)


def _as_use(written: Any) -> Use | None:
    if not isinstance(written, dict) or "use" not in written:
        return None
    try:
        return Use.model_validate(written)
    except ValidationError:  # parameters are whatever was written; `check` says what is wrong with this one
        return None


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


Uses = Annotated[tuple[Use, ...], BeforeValidator(_listed)]
