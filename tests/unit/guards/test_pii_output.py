from __future__ import annotations

import asyncio

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Document, Request, say
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule


def through(text: str, asked: str = "hello", **params: object) -> str:
    guard = registry.create("guard", "pii_output", params)
    request = Request(messages=(say("user", asked),), documents=(Document("d", "Omar: omar74@mail.example"),))
    pipeline = Pipeline([Rule("GD-1", guard)])
    return asyncio.run(pipeline.apply("output", text, GuardContext(request))).text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Mail omar74@mail.example today.", "Mail [redacted:email] today."),
        ("Call 01632 960174.", "Call [redacted:phone]."),
        ("Card 4242 4242 4242 4242.", "Card [redacted:card]."),
        ("He lives at 3 Tollgate Row, Emberwick.", "He lives at [redacted:address]."),
        ("Insurance QQ 17 37 57 B.", "Insurance [redacted:uk_nino]."),
        ("The shed opens at 6:30 on 14 June.", "The shed opens at 6:30 on 14 June."),
        ("Dial extension 7100.", "Dial extension 7100."),
    ],
)
def test_other_peoples_data_is_redacted(text: str, kept: str) -> None:
    assert through(text) == kept


def test_what_the_asker_wrote_is_theirs_unless_forbidden() -> None:
    assert through("I noted 01632-960174.", "Call me on 01632 960174") == "I noted 01632-960174."
    assert through("I noted 01632-960174.", "Call me on 01632 960174", own=False) == "I noted [redacted:phone]."


def test_documents_are_not_the_askers() -> None:
    assert through("omar74@mail.example") == "[redacted:email]"


def test_allowlists_and_kinds_and_names() -> None:
    assert through("Call 01632 960000.", allow=["01632-960000"]) == "Call 01632 960000."
    assert (
        through("desk@tarn.example, x@mail.example", allow=["@tarn.example"]) == "desk@tarn.example, [redacted:email]"
    )
    assert through("Call 01632 960174 or a@b.org", kinds=["email"]) == "Call 01632 960174 or [redacted:email]"
    assert through("Ida Voss called.", names=["Ida Voss"]) == "[redacted:name] called."


def test_a_domain_is_not_allowed_by_its_tail() -> None:
    assert through("x@eviltarn.example", allow=["@tarn.example"]) == "[redacted:email]"


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(PluginError, match="email"):
        registry.create("guard", "pii_output", {"kinds": ["emails"]})


def test_the_description_holds_no_name() -> None:
    assert "Ida" not in repr(registry.create("guard", "pii_output", {"names": ["Ida Voss"]}).describe())
