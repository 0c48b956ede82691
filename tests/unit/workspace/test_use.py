"""A plug-in as it is named."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shipworthy.workspace.scalars import WrittenFloat, written_float
from shipworthy.workspace.use import Use


def test_keys_besides_use_are_parameters():
    assert Use.model_validate({"use": "a", "limit": 3}).params == {"limit": 3}
    assert Use.model_validate("a") == Use(use="a", params={}) == Use(use="a")
    assert Use(use="a", params={"b": 1}) == Use.of("a", b=1)


def test_names_tell_uses_apart():
    assert Use.of("base64").name == "base64"
    assert Use.of("payload_in_document", position="head").name == "payload_in_document(position=head)"
    assert Use.of("x", b=[1, {"c": None}], a=True).name == 'x(a=true,b=[1, {"c": null}])'


def test_a_use_is_found_by_its_id_or_its_name():
    use = Use.of("payload_in_document", position="head")
    assert use.matches("payload_in_document")
    assert use.matches("payload_in_document(position=head)")
    assert not use.matches("payload_in_document(position=tail)")


def test_plug_ins_get_plain_numbers():
    value = Use.model_validate({"use": "a", "x": written_float(1.1, "1.10"), "y": [written_float(0.5, ".5")]}).params
    assert value == {"x": 1.1, "y": [0.5]}
    assert not isinstance(value["x"], WrittenFloat)


def test_an_id_is_needed():
    with pytest.raises(ValidationError):
        Use.model_validate({"limit": 3})


@pytest.mark.parametrize("model", ["{use: null}", "{use: 5}", '{use: ""}', "{use: [smollm2]}", "{use: {use: smollm2}}"])
@pytest.mark.parametrize(
    ("file", "line", "place"),
    [
        ("targets.yaml", 2, ("model: m", "model: MODEL")),
        ("suites/talk/suite.yaml", 6, ("limit: 3", "model: MODEL")),
        ("suites/talk/suite.yaml", 7, ("none, base64", "{use: base64, model: MODEL}")),
    ],
    ids=["target", "scorer", "attack"],
)
def test_a_model_that_names_no_target_is_a_problem_with_its_line(problems, model, file, line, place):
    found = problems({file: (place[0], place[1].replace("MODEL", model))})
    assert any(p.startswith(f"{file}:{line}: the model of the ") and "must name a target by its id" in p for p in found)
