"""The messages of MCP, revisions 2024-11-05 to 2025-11-25, field by field: what each holds, and what is not served.

A message is made anew from these shapes. What they do not name is refused: a field that nobody knows is a field that
nobody looks at. Not served: tasks, batches, and the revision of 2026-07-28, which has no sessions.
"""

from __future__ import annotations

from collections.abc import Mapping

from shipworthy.dialects.mcp_shapes import (
    FLAG,
    JSON,
    MEDIA,
    NUMBER,
    TEXT,
    TOKEN,
    WORD,
    Fields,
    FreeJson,
    GoneField,
    KindOf,
    ListOf,
    MetaField,
    NamedOf,
    OneOrMany,
    OneWord,
    ResourceContents,
    Shape,
)

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Revisions of the protocol that are spoken, the newest last."""

GONE, THING, META = GoneField(), FreeJson(thing=True), MetaField()
_WHO = OneWord("user", "assistant")
_LEVEL = OneWord("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

_NOTES = Fields(audience=ListOf(_WHO), lastModified=WORD, priority=NUMBER)
_TEXT_CONTENTS = Fields(uri=WORD, mimeType=WORD, text=TEXT, _meta=META).need("uri", "text")
_BLOB_CONTENTS = Fields(uri=WORD, mimeType=WORD, blob=MEDIA, _meta=META).need("uri", "blob")
_CONTENTS = ResourceContents(_TEXT_CONTENTS, _BLOB_CONTENTS)
_RESOURCE = {
    "uri": WORD, "name": WORD, "title": TEXT, "description": TEXT, "mimeType": WORD, "size": NUMBER,
    "annotations": _NOTES, "icons": GONE, "_meta": META,
}  # fmt: skip
_BLOCKS: dict[str, Fields] = {
    "text": Fields(text=TEXT, annotations=_NOTES, _meta=META).need("text"),
    "image": Fields(data=MEDIA, mimeType=WORD, annotations=_NOTES, _meta=META).need("data", "mimeType"),
    "audio": Fields(data=MEDIA, mimeType=WORD, annotations=_NOTES, _meta=META).need("data", "mimeType"),
    "resource_link": Fields(**_RESOURCE).need("uri", "name"),
    "resource": Fields(resource=_CONTENTS, annotations=_NOTES, _meta=META).need("resource"),
}
CONTENT = KindOf(**_BLOCKS)
_SPOKEN = OneOrMany(
    KindOf(
        **{kind: _BLOCKS[kind] for kind in ("text", "image", "audio")},
        tool_use=Fields(id=WORD, name=WORD, input=THING, _meta=META).need("id", "name", "input"),
        tool_result=Fields(
            toolUseId=WORD, content=ListOf(CONTENT), structuredContent=THING, isError=FLAG, _meta=META
        ).need("toolUseId", "content"),
    )
)
_HINTS = Fields(title=TEXT, readOnlyHint=FLAG, destructiveHint=FLAG, idempotentHint=FLAG, openWorldHint=FLAG)
TOOL = Fields(
    name=WORD, title=TEXT, description=TEXT, inputSchema=THING, outputSchema=THING, annotations=_HINTS,
    icons=GONE, execution=GONE, _meta=GONE,
).need("name", "inputSchema")  # fmt: skip
"""A tool: what is pinned of it, and nothing else, is passed on."""
_ABOUT = Fields(name=WORD, title=TEXT, version=WORD, description=TEXT, websiteUrl=WORD, icons=GONE).need("name", "version")  # fmt: skip  # noqa: E501
_CHANGES = Fields(listChanged=FLAG).negotiated()
_CAN = Fields().negotiated()
_PROMPT = Fields(
    name=WORD, title=TEXT, description=TEXT, icons=GONE, _meta=META,
    arguments=ListOf(Fields(name=WORD, title=TEXT, description=TEXT, required=FLAG).need("name")),
).need("name")  # fmt: skip
_EMPTY = Fields(_meta=META)
_PAGE = Fields(cursor=WORD, _meta=META)


def _page(**fields: Shape) -> Fields:
    return Fields(**fields, nextCursor=WORD, _meta=META).need(*fields)


class Exchanged:
    """A request of the protocol: the shapes of what is asked and of what is answered."""

    def __init__(self, params: Fields, result: Fields) -> None:
        self.params, self.result = params, result


CALL_RESULT = Fields(content=ListOf(CONTENT), structuredContent=THING, isError=FLAG, _meta=META).need("content")

CLIENT_ASKS: Mapping[str, Exchanged] = {
    "initialize": Exchanged(
        Fields(
            protocolVersion=WORD, clientInfo=_ABOUT, _meta=META,
            capabilities=Fields(
                roots=_CHANGES, sampling=Fields(context=_CAN, tools=_CAN).negotiated(),
                elicitation=Fields(form=_CAN, url=_CAN).negotiated(),
            ).negotiated(),
        ).need("protocolVersion", "clientInfo", "capabilities"),
        Fields(
            protocolVersion=WORD, serverInfo=_ABOUT, instructions=TEXT, _meta=META,
            capabilities=Fields(
                completions=_CAN, logging=_CAN, prompts=_CHANGES, tools=_CHANGES,
                resources=Fields(listChanged=FLAG, subscribe=FLAG).negotiated(),
            ).negotiated(),
        ).need("protocolVersion", "serverInfo", "capabilities"),
    ),
    "ping": Exchanged(_EMPTY, _EMPTY),
    "tools/list": Exchanged(_PAGE, _page(tools=ListOf(TOOL))),
    "tools/call": Exchanged(Fields(name=WORD, arguments=THING, _meta=META).need("name"), CALL_RESULT),
    "resources/list": Exchanged(_PAGE, _page(resources=ListOf(Fields(**_RESOURCE).need("uri", "name")))),
    "resources/templates/list": Exchanged(
        _PAGE,
        _page(
            resourceTemplates=ListOf(
                Fields(
                    uriTemplate=WORD, name=WORD, title=TEXT, description=TEXT, mimeType=WORD, annotations=_NOTES,
                    icons=GONE, _meta=META,
                ).need("uriTemplate", "name")
            )
        ),
    ),
    "resources/read": Exchanged(
        Fields(uri=WORD, _meta=META).need("uri"), Fields(contents=ListOf(_CONTENTS), _meta=META).need("contents")
    ),
    "resources/subscribe": Exchanged(Fields(uri=WORD, _meta=META).need("uri"), _EMPTY),
    "resources/unsubscribe": Exchanged(Fields(uri=WORD, _meta=META).need("uri"), _EMPTY),
    "prompts/list": Exchanged(_PAGE, _page(prompts=ListOf(_PROMPT))),
    "prompts/get": Exchanged(
        Fields(name=WORD, arguments=NamedOf(TEXT), _meta=META).need("name"),
        Fields(
            description=TEXT, messages=ListOf(Fields(role=_WHO, content=CONTENT).need("role", "content")), _meta=META
        ).need("messages"),
    ),
    "completion/complete": Exchanged(
        Fields(
            ref=KindOf(
                **{"ref/prompt": Fields(name=WORD, title=TEXT).need("name"), "ref/resource": Fields(uri=WORD).need("uri")}  # noqa: E501
            ),
            argument=Fields(name=WORD, value=TEXT).need("name", "value"),
            context=Fields(arguments=NamedOf(TEXT)), _meta=META,
        ).need("ref", "argument"),
        Fields(completion=Fields(values=ListOf(TEXT), total=NUMBER, hasMore=FLAG).need("values"), _meta=META).need("completion"),  # noqa: E501
    ),
    "logging/setLevel": Exchanged(Fields(level=_LEVEL, _meta=META).need("level"), _EMPTY),
}  # fmt: skip
"""What a client may ask a server."""

SERVER_ASKS: Mapping[str, Exchanged] = {
    "ping": Exchanged(_EMPTY, _EMPTY),
    "roots/list": Exchanged(
        _EMPTY, Fields(roots=ListOf(Fields(uri=WORD, name=TEXT, _meta=META).need("uri")), _meta=META).need("roots")
    ),
    "sampling/createMessage": Exchanged(
        Fields(
            messages=ListOf(Fields(role=_WHO, content=_SPOKEN, _meta=META).need("role", "content")), systemPrompt=TEXT,
            modelPreferences=Fields(
                hints=ListOf(Fields(name=WORD)), costPriority=NUMBER, speedPriority=NUMBER, intelligencePriority=NUMBER
            ),
            includeContext=OneWord("none", "thisServer", "allServers"), temperature=NUMBER, maxTokens=NUMBER,
            stopSequences=ListOf(TEXT), metadata=THING, tools=ListOf(TOOL),
            toolChoice=Fields(mode=OneWord("auto", "required", "none")), _meta=META,
        ).need("messages", "maxTokens"),
        Fields(role=_WHO, content=_SPOKEN, model=WORD, stopReason=WORD, _meta=META).need("role", "content", "model"),
    ),
    "elicitation/create": Exchanged(
        Fields(
            mode=OneWord("form", "url"), message=TEXT, requestedSchema=THING, elicitationId=WORD, url=WORD, _meta=META
        ).need("message"),
        Fields(action=OneWord("accept", "decline", "cancel"), content=THING, _meta=META).need("action"),
    ),
}  # fmt: skip
"""What a server may ask a client."""

CANCELLED, PROGRESS = "notifications/cancelled", "notifications/progress"
_CANCELS = Fields(requestId=TOKEN, reason=TEXT, _meta=META).need("requestId")
_PROGRESSES = Fields(progressToken=TOKEN, progress=NUMBER, total=NUMBER, message=TEXT, _meta=META).need("progressToken", "progress")  # fmt: skip  # noqa: E501

CLIENT_SAYS: Mapping[str, Fields] = {
    "notifications/initialized": _EMPTY,
    "notifications/roots/list_changed": _EMPTY,
    CANCELLED: _CANCELS,
    PROGRESS: _PROGRESSES,
}
"""What a client may say without being asked."""

SERVER_SAYS: Mapping[str, Fields] = {
    "notifications/message": Fields(level=_LEVEL, logger=WORD, data=JSON, _meta=META).need("level", "data"),
    "notifications/resources/updated": Fields(uri=WORD, _meta=META).need("uri"),
    "notifications/resources/list_changed": _EMPTY,
    "notifications/tools/list_changed": _EMPTY,
    "notifications/prompts/list_changed": _EMPTY,
    "notifications/elicitation/complete": Fields(elicitationId=WORD, _meta=META).need("elicitationId"),
    CANCELLED: _CANCELS,
    PROGRESS: _PROGRESSES,
}
"""What a server may say without being asked."""

ERROR = Fields(message=TEXT, data=JSON).need("message")
"""An error, without its code."""
