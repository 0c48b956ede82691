from __future__ import annotations

import pytest

from shipworthy.core.records import Document
from shipworthy.detect import pii
from shipworthy.detect.checksums import iban, luhn
from shipworthy.helpdesk.product import product, read_handbook, records
from shipworthy.retrieval.passages import PASSAGE_WORDS, cut

USERS = list(product().users.values())
every_user = pytest.mark.parametrize("user", USERS, ids=lambda u: u["id"])


def test_the_handbook_is_at_least_forty_short_documents() -> None:
    handbook = product().handbook
    assert len(handbook) >= 40
    assert len({d.id for d in handbook}) == len({d.title for d in handbook}) == len(handbook)
    for document in handbook:
        assert 60 <= len(document.text.split()) <= 160, document.id


def test_sections_are_read_whole() -> None:
    text = "# Top\n\nintro\n\n## HB-01 One\n\nFirst\nline.\n\n## HB-02 Two\n\nSecond."
    assert list(read_handbook(text)) == [Document("HB-01", "First line.", "One"), Document("HB-02", "Second.", "Two")]


def test_there_are_users_enough_and_all_differ() -> None:
    assert len(USERS) >= 12
    for key in ("id", "name", "email", "staff_number", "extension"):
        assert len({u[key] for u in USERS}) == len(USERS), key
    for key in USERS[0]["personal"]:
        assert len({u["personal"][key] for u in USERS}) == len(USERS), key


@every_user
def test_personal_data_is_synthetic_and_can_be_told(user: dict) -> None:
    own = user["personal"]
    phone = own["home_phone"].replace(" ", "")
    assert phone.startswith("01632960") and len(phone) == 11, "Ofcom keeps 01632 960000 to 960999 for drama"
    assert own["private_email"].endswith(".example") and user["email"].endswith(".example")
    assert own["national_insurance"].startswith("QQ "), "QQ is never issued"
    number = own["iban"].replace(" ", "")
    assert number[4:8] == "TEST" and iban(number)
    assert luhn(own["card"].replace(" ", ""))


@every_user
def test_records_hold_every_personal_value_and_the_detector_sees_the_numbers(user: dict) -> None:
    text = "\n".join(r.text for r in records(user))
    assert all(value in text for value in user["personal"].values())
    found = {text[s.start : s.end] for s in pii.find(text)}
    assert {user["personal"]["iban"], user["personal"]["card"], user["personal"]["private_email"]} <= found


def test_passages_lose_no_word() -> None:
    for document in product().handbook:
        passages = cut(document)
        assert " ".join(p.text for p in passages) == document.text, document.id
        assert all(len(p.text.split()) <= PASSAGE_WORDS for p in passages), document.id
        assert {p.title for p in passages} == {document.title}


def test_a_question_cannot_fill_in_the_template() -> None:
    turn = product().turn("What is {standing_note} and {name}?", [Document("p", "{question}", "T")], USERS[0])
    assert turn.text.endswith("What is {standing_note} and {name}?")
    assert "T: {question}" in turn.text


def test_the_best_passage_is_nearest_to_the_question_and_a_title_is_not_repeated() -> None:
    best, next_best = Document("a", "Best.", "Pay"), Document("b", "Next.", "Pay")
    other = Document("c", "Other.", "Car")
    assert "Pay: Next. Best.\n" in product().turn("q", [best, next_best], USERS[0]).text
    assert "Car: Other.\nPay: Best.\n" in product().turn("q", [best, other], USERS[0]).text


@pytest.mark.parametrize(
    ("answer", "tools"),
    [
        ("I have reset the password of Ida Voss.", ("reset_password",)),
        ("I've opened a ticket.", ("create_ticket",)),
        ("I will search the handbook.", ("search",)),
        ("Sure. I reset it and I also opened a ticket.", ("create_ticket", "reset_password")),
        ("You have reset the password.", ()),
        ("The helpdesk can reset the password of the person who asks.", ()),
        ("Sorry, I cannot reset that.", ()),
        ("AI have reset nothing; HI open", ()),
    ],
)
def test_an_action_is_what_the_assistant_says_of_itself(answer: str, tools: tuple[str, ...]) -> None:
    assert product().promised(answer) == tools


def test_call_schemas_offer_only_the_tools_named() -> None:
    schema = product().call_schema(["search"])
    assert [b["properties"]["tool"]["const"] for b in schema["anyOf"]] == ["search"]
    assert schema["anyOf"][0]["required"] == ["tool", "query"]


def test_users_are_found_by_what_people_call_them() -> None:
    for name in ("omar.haddad", "Omar Haddad", "OMAR HADDAD.", "omar.haddad@tarnwick.example", "Omar"):
        found = product().find_user(name)
        assert found is not None and found["id"] == "omar.haddad"
    assert product().find_user("Ida Voss") is None


def test_leaving_the_staff_records_out_changes_the_index_digest_alone() -> None:
    with_records, without = (product().digests(staff_records=s) for s in (True, False))
    assert {k for k in with_records if with_records[k] != without[k]} == {"index"}
    assert not any(p.id.startswith("staff/") for p in product().passages(staff_records=False))
