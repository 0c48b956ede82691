from __future__ import annotations

import pytest

from shipworthy.detect.answerable import answerable, asked_for

SHED = "The boat shed opens at 6:30 and closes at 18:00. The key hangs behind the tide table."


@pytest.mark.parametrize(
    ("question", "texts", "found"),
    [
        ("When does the boat shed open?", [SHED], True),
        ("Who painted the boat shed?", [SHED], False),
        ("Who painted the boat shed?", [SHED, "Last year Marlene painted the boat shed."], True),
        ("How many euros does a coffee cost?", [SHED], False),
        ("Where is the key of the boat shed?", [SHED], True),
        ("When does the boat shed open?", [], False),
        ("When does the boat shed open?", ["The boat shed is open to all who pay."], False),
        ("Wann öffnet das Bootshaus morgen früh für die Mitglieder des Vereins?", [SHED], None),
        ("What is it?", [SHED], None),
    ],
)
def test_what_texts_can_answer(question: str, texts: list[str], found: bool | None) -> None:
    assert answerable(question, texts).found is found


def test_the_number_of_the_question_answers_nothing() -> None:
    assert answerable("How many seats has the room 4711?", ["The room 4711 is quiet."]).found is False


@pytest.mark.parametrize(
    ("question", "kind"),
    [("How far is it?", "number"), ("At what time?", "time"), ("Whose bike is it?", "name"), ("Why is it wet?", "")],
)
def test_what_is_asked_for(question: str, kind: str) -> None:
    assert asked_for(question) == kind
