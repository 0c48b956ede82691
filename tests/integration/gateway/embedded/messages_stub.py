"""The matrix' upstream, speaking Anthropic's messages: the same marks in the places that these have."""

from __future__ import annotations

import json

from shipworthy.conformance.stub import Stub, _cut, _message

USAGE = {"input_tokens": 5, "output_tokens": 7}


def blocks(cell):
    """Return the blocks of a cell's answer, its stop reason, and what stands beside them."""
    message, finish, _ = _message(cell, 0)
    mark = cell.put()
    made = []
    if thought := message.get("reasoning_content"):
        made.append({"type": "thinking", "thinking": thought, "signature": mark})
    for said in (message.get("content"), message.get("refusal")):
        text = "".join(part["text"] for part in said) if isinstance(said, list) else said
        made += [{"type": "text", "text": text}] if text else []
    calls = message.get("tool_calls") or ()
    calls = calls or ([{"id": "toolu_1", "function": old}] if (old := message.get("function_call")) else ())
    for call in calls:
        function = call["function"]
        given = json.loads(function["arguments"])
        made.append({"type": "tool_use", "id": call["id"], "name": function["name"], "input": given})
    stop = {"stop": "end_turn", "tool_calls": "tool_use"}.get(finish, finish)
    beside = {"id": mark, "model": mark, "stop_sequence": mark, "container": {mark: mark}}
    if cell.place == "logprobs":
        made[0]["citations"] = [{"type": "char_location", "cited_text": cell.said(), "document_title": mark}]
    if cell.place == "late_error":
        beside |= {"error": {"message": cell.said(), "type": mark}}
    return made, stop, beside if cell.place in ("odd_fields", "late_error") else {}


class MessagesStub(Stub):
    """Answers at ``/messages``."""

    path = "/messages"

    def whole(self, cell):
        content, stop, beside = blocks(cell)
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "stub"}
        return {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": USAGE, **beside}

    def stream(self, cell):
        content, stop, beside = blocks(cell)
        odd = beside if cell.place == "odd_fields" else {}
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "stub", "content": [], **odd}
        yield event("message_start", message={**head, "usage": USAGE}, **odd)
        yield event("ping", **odd)
        for index, block in enumerate(content):
            kind = block["type"]
            bare = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}
            yield event("content_block_start", index=index, content_block={**block, **bare[kind]})
            field, name = {
                "text": ("text", "text_delta"),
                "thinking": ("thinking", "thinking_delta"),
                "tool_use": ("partial_json", "input_json_delta"),
            }[kind]
            text = json.dumps(block["input"], ensure_ascii=False) if kind == "tool_use" else block[kind]
            for piece in _cut(cell, text):
                yield event("content_block_delta", index=index, delta={"type": name, field: piece, **odd})
            if kind == "thinking":
                signed = {"type": "signature_delta", "signature": block["signature"]}
                yield event("content_block_delta", index=index, delta=signed)
            for citation in block.get("citations", ()):
                cited = {"type": "citations_delta", "citation": citation}
                yield event("content_block_delta", index=index, delta=cited)
            yield event("content_block_stop", index=index)
        if cell.place == "odd_fields":
            yield f": {cell.put()}\n\nevent: {cell.put()}\nid: {cell.put()}\n".encode() + event(cell.put())[7:]
        if cell.place == "late_error":
            yield event("error", error={"type": cell.put(), "message": cell.said()})
            return
        yield event("message_delta", delta={"stop_reason": stop, "stop_sequence": None, **odd}, usage=USAGE)
        yield event("message_stop", **odd)


def event(kind, **fields):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
