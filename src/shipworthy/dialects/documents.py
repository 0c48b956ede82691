"""Where documents that a sample plants stand in a conversation with a system that retrieves nothing itself."""

from __future__ import annotations

from msgspec.structs import replace

from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.records import Document, Message, Request, Text
from shipworthy.dialects.template import check

DOCUMENTS = """\
{% for d in documents %}[{{ loop.index }}]{% if d.title %} {{ d.title }}{% endif %}

{{ d.text }}

{% endfor %}{{ message }}"""
"""How documents that a sample plants reach a bare model: before the text of the last user turn. Declared in
`describe()`, so that changing it makes evidence stale."""


class DocumentsTemplate:
    """Places a request's documents in its last user turn.

    Args:
        source: a Jinja template that sees `documents` (id, title, text) and `message` (the user's text). Sandboxed, and
            no more than placing them takes (`template.check`): a template comes from whoever wrote the workspace.

    Raises:
        UsageError: the template does not parse, or leaves out what it is given.
    """

    def __init__(self, source: str) -> None:
        from jinja2 import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        try:
            # Plain text for a model, not HTML: escaping would change what is measured.
            environment = ImmutableSandboxedEnvironment(autoescape=False)
            check(environment, source)
            self._template = environment.from_string(source)
            probe = self._template.render(documents=(Document("d", "TEXT-PROBE"),), message="MESSAGE-PROBE")
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise UsageError(f"documents_template does not work: {error}") from error
        if "TEXT-PROBE" not in probe or "MESSAGE-PROBE" not in probe:
            raise UsageError("documents_template must show each document's `text` and the `message`")

    def place(self, request: Request) -> tuple[Message, ...]:
        """Return the messages with the documents in them."""
        messages = request.messages
        if not request.documents:
            return messages
        last = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
        if last < 0:
            raise TargetError("a sample with documents needs a user turn to put them in")
        message = messages[last]
        rest = tuple(p for p in message.parts if not isinstance(p, Text))
        said = "\n".join(p.text for p in message.parts if isinstance(p, Text))
        text = self._template.render(documents=request.documents, message=said)
        return (*messages[:last], replace(message, parts=(Text(text), *rest)), *messages[last + 1 :])
