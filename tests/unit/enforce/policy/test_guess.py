"""What a tool's name lets one guess, on the careful side."""

from __future__ import annotations

import pytest

from shipworthy.enforce.policy.guess import effect_of, intent_of, namespaces
from shipworthy.enforce.policy.signatures import Presented


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("mail_list", "none"), ("inbox.search", "none"), ("github_get_file", "none"), ("getEmails", "none"),
        ("mail_send", "external"), ("mail_mark_read", "external"), ("order_check_out", "external"),
        ("files_delete", "irreversible"), ("memory_recall", "external"),
    ],
)  # fmt: skip
def test_a_tool_that_names_what_it_reads_first_reads(name, effect):
    assert effect_of(Presented(name, "", {}, frozenset(), {})) == effect


@pytest.mark.parametrize("name", ["mail_forward", "shop.pay", "repo_merge", "files_publish"])
def test_the_name_of_a_thing_asks_for_no_tool_of_its(name):
    thing, verb = name.replace(".", "_").split("_")
    assert verb in intent_of(Presented(name, "", {}, frozenset(), {}))
    assert thing not in intent_of(Presented(name, "", {}, frozenset(), {}))


def test_a_name_without_a_verb_has_no_word_that_asks_for_it():
    assert intent_of(Presented("shop_cart", "", {}, frozenset(), {})) == ["shop"]


@pytest.mark.parametrize(
    ("names", "reads"),
    [
        (("AcmeGetOrder", "AcmeSendParcel"), ["AcmeGetOrder"]),
        (("AcmeGetOrder",), []),  # nobody else is of that name: it may be a verb
        (("postGet", "postSend"), []),  # to post is to send
        (("mark_read", "mark_unread"), []),  # to mark is no name
    ],
)
def test_words_that_several_tools_begin_with_say_whose_they_are(names, reads):
    spaces = namespaces(names)
    tools = [Presented(name, "", {}, frozenset(), {}, spaces.get(name, frozenset())) for name in names]
    assert [tool.name for tool in tools if effect_of(tool) == "none"] == reads


def test_a_namespace_asks_for_no_tool():
    spaces = namespaces(["AcmeGetOrder", "AcmeSendParcel"])
    assert "acme" not in intent_of(Presented("AcmeSendParcel", "", {}, frozenset(), {}, spaces["AcmeSendParcel"]))
