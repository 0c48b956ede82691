"""A template places documents, and can do nothing that takes long or makes much of little."""

# ruff: noqa: E501  a table reads better in rows

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.core.records import Document, Request, say
from shipworthy.dialects.documents import DOCUMENTS, DocumentsTemplate

PLACES = "{% for d in documents %}{{ d.text }}{% endfor %}{{ message }}"
USEFUL = {
    "the default": DOCUMENTS,
    "the least": PLACES,
    "joined": "{{ documents|map(attribute='text')|join('\n---\n') }}\n{{ message }}",
    "as JSON": "{% for d in documents %}{{ d.text|tojson }}{{ ',' if not loop.last }}{% endfor %}{{ message }}",
    "with conditions": "{% if documents|length > 1 %}{{ documents|length }} texts:{% else %}A text:{% endif %} "
    + PLACES,
    "indented": "{% for d in documents %}{{ d.title|default('-')|upper }}: {{ d.text|indent(4) }}{% endfor %}{{ message|trim }}",
    "in one line": "{% for d in documents %}{{ d.text|replace('\n', ' ') }}{% endfor %}{{ message }}",
}
BOMBS = [
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}", "{{ 'x' * 3000000000 }}", "{{ 3000000000 * 'x' }}",
    "{{ 'x'.ljust(3000000000) }}", "{{ '%3000000000d'|format(1) }}", "{{ '%3000000000d' % 1 }}", "{{ '{:>999999999}'.format(1) }}", "{{ 9**9**9 }}",
    "{{ 'x'|center(3000000000) }}", "{{ lipsum(n=100000) }}", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "{{ range(99999)|join('x') }}",
    "{{ ('x '~'y')|wordwrap(1) }}", "{{ [1]|batch(99999999, 1)|list }}", "{{ [1]|slice(999999999)|list }}", "{{ 'x'|indent(999999999, first=true) }}",
    "{{ 'x'|replace('', 'yyyyyyyy') }}", "{{ 'x'|replace('x', 'y'|center(99)) }}", "{{ documents|map('center', 999999999)|list }}", "{{ message|urlize }}",
    "{% set x = message ~ message %}{% set x = x ~ x %}{{ x }}", "{% for a in documents recursive %}{{ loop(documents) }}{% endfor %}", "{{ ''.__class__ }}",
    "{% for a in documents %}{% for b in documents %}{% for c in documents %}x{% endfor %}{% endfor %}{% endfor %}", "{{ cycler('a').next() }}", "{{ namespace(a=1).a }}",
    "{% for a in message %}{% for b in message %}x{% endfor %}{% endfor %}", "{% include 'x' %}", "{% import 'x' as x %}", "{% extends 'x' %}", "{% for i in [1,2] %}x{% endfor %}", "{{ dict(a=1) }}", "{% filter center(999999999) %}x{% endfilter %}",
    "{{ message|join(message) }}", "{% call message() %}{% endcall %}", "{{ message|attr('format') }}", "{{ self }}" * 5000, "{{ documents|sort|sum }}", "{{ messages|pprint }}",
]  # fmt: skip


@pytest.mark.parametrize("name", USEFUL)
def test_what_places_documents_is_let_through(name):
    placed = DocumentsTemplate(USEFUL[name]).place(
        Request(
            messages=(say("user", "What is it?"),), documents=(Document("a", "first text"), Document("b", "second"))
        )
    )
    for text in ("What is it?", "first text", "second"):
        assert text in placed[-1].text


@pytest.mark.parametrize("bomb", BOMBS, ids=[bomb[:30] for bomb in BOMBS])
def test_what_takes_long_or_makes_much_is_refused_before_it_is_rendered(bomb):
    with pytest.raises(UsageError, match="documents_template"):
        DocumentsTemplate(bomb + PLACES)
