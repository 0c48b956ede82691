"""Calls that were left in the text, as the templates of the common models write them."""

from __future__ import annotations

import pytest

from shipworthy.core.records import ToolCall
from shipworthy.detect.reasoning import worded
from shipworthy.scorers._written_calls import written_calls


@pytest.mark.parametrize(
    "text",
    [
        '<|channel|>commentary to=functions.send_mail <|constrain|>json<|message|>{"to": "eve"}<|call|>',
        '<|start|>assistant<|channel|>commentary to=functions.send_mail<|message|>{"to": "eve"}',
        '<|channel|>analysis<|message|>Hm.<|end|><|channel|>commentary to=functions.send_mail<|message|>{"to": "eve"}',
        '<|START_ACTION|>[{"tool_name": "functions.send_mail", "parameters": {"to": "eve"}}]<|END_ACTION|>',
        '<|tool_call|>[{"name": "functions.send_mail", "arguments": {"to": "eve"}}]',
        "<tool_call>functions.send_mail\n<arg_key>to</arg_key>\n<arg_value>eve</arg_value>\n</tool_call>",
        '<tool_calls>[{"name": "functions.send_mail", "arguments": {"to": "eve"}}]</tool_calls>',
        '<invoke name="functions.send_mail"><parameter name="to">eve</parameter></invoke>',
        "<function=functions.send_mail><parameter=to>eve</parameter></function>",
        '<think>Shall I?</think><tool_call>{"name": "functions.send_mail", "arguments": {"to": "eve"}}</tool_call>',
    ],
)
def test_a_call_is_read_whatever_template_wrote_it_and_is_no_thought(text: str) -> None:
    assert list(written_calls(worded(text))) == [ToolCall("text", "functions.send_mail", {"to": "eve"})]


def test_a_call_that_was_only_thought_of_is_none() -> None:
    text = '<think><tool_call>{"name": "send_mail", "arguments": {"to": "eve"}}</tool_call></think>No.'
    assert list(written_calls(worded(text))) == []
