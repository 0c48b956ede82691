"""Settings of targets, prices, limits and commands that no endpoint could be asked with, or that read as others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from case import Case, Outcome, accepted, judge
from lab import Lab

TARGET, PRICE, OPTION = "target's settings", "price", "option of a command"
ESCAPE = "\x1b[2J\x1b[Hverdict: ship"


def controls(lab: Lab) -> Iterator[Case]:
    """Settings as people write them."""
    for kind, fields in ((TARGET, {"timeout": 5, "concurrency": 2}), (PRICE, {"price": {"input": 0.5, "output": 1}})):
        yield Case(kind, f"control: {fields}", lambda fields=fields: accepted(_run(lab, fields)))


def cases(lab: Lab) -> Iterator[Case]:
    """Each setting by itself."""
    for fields in _SETTINGS:
        name = ", ".join(f"{key}: {str(value)[:30]!r}" for key, value in fields.items())
        yield Case(TARGET, name, lambda fields=fields: _tried(lab, fields))
    for bomb in _BOMBS:
        places = bomb + "{% for d in documents %}{{ d.text }}{% endfor %}{{ message }}"
        yield Case(TARGET, f"a template: {bomb[:60]}", lambda t=places: _tried(lab, {"documents_template": t}))
    for price in _PRICES:
        yield Case(PRICE, f"{price!r}"[:70], lambda price=price: _tried(lab, {"price": price}))
    for words in _OPTIONS:
        yield Case(
            OPTION,
            (" ".join(words)[:60] + f" ({len(words[-1])})").encode("unicode_escape").decode(),
            lambda words=words: _option(lab, words),
        )


def _run(lab: Lab, fields: dict[str, Any]):  # type: ignore[no-untyped-def]
    root = lab.workspace(samples=1)
    plain = {"use": "openai_compatible", "base_url": lab.chat.url, "model": "good", "retries": 0}
    lab.target(root, **{key: value for key, value in (plain | fields).items() if value is not ...})
    return lab.run("eval", "-C", root, tty=True)


def _tried(lab: Lab, fields: dict[str, Any]) -> Outcome:
    before = len(lab.chat.seen)
    ran = _run(lab, fields)
    asked = len(lab.chat.seen) > before
    # An address that leads nowhere is one: its attempts are errors, and counted.
    nowhere = "target_error" in ran.said and not asked
    return judge(ran, harm="the endpoint was asked" if asked else "", codes=(0, 2, 4) if nowhere else (2, 4))


def _option(lab: Lab, words: tuple[str, ...]) -> Outcome:
    root = lab.shipped.root
    decisions = sorted((root / ".shipworthy").rglob("*.json"))
    ran = lab.run(*words, *(("-C", root) if "-C" not in words else ()), tty=True)
    changed = decisions != sorted((root / ".shipworthy").rglob("*.json"))
    return judge(ran, harm="something was written" if changed else "", codes=(2, 4))


_BOMBS = (
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}", "{{ 'x' * 3000000000 }}", "{{ 'x'.ljust(3000000000) }}", "{{ '%3000000000d'|format(1) }}",
    "{{ 9**9**9 }}", "{{ 'x'|center(3000000000) }}", "{{ lipsum(n=100000) }}", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "{{ range(99999)|join('x'*99999) }}",
    "{{ [1]|slice(999999999)|list }}", "{{ 'x'|indent(999999999,first=true) }}", "{{ 'x'|replace('', 'y'*99999) }}", "{{ documents|map('center', 999999999)|list }}",
    "{% set x = message ~ message %}{% set x = x ~ x %}{{ x }}", "{% for a in documents recursive %}{{ loop(documents) }}{% endfor %}", "{{ ''.__class__.__mro__ }}", "{% include '/etc/passwd' %}",
    "{{ cycler.__init__.__globals__ }}", "{{ message.format(message) }}",
)  # fmt: skip

_SETTINGS: tuple[dict[str, Any], ...] = (
    {"base_url": ""}, {"base_url": None}, {"base_url": 7}, {"base_url": "file:///etc/passwd"}, {"base_url": "ftp://127.0.0.1/"},
    {"base_url": "http://"}, {"base_url": "http://user:pass@127.0.0.1/v1"}, {"base_url": "http://127.0.0.1:99999/v1"}, {"base_url": "http://[::1/v1"},
    {"base_url": "http://127.0.0.1:x/v1"}, {"base_url": "//127.0.0.1/v1"}, {"base_url": "javascript:alert(1)"}, {"base_url": "http://127.0.0.1/v1#x"},
    {"base_url": "http://127.0.0.1/v1?api_key=x"}, {"base_url": "http://a\r\nb/v1"}, {"base_url": f"http://{ESCAPE}/v1"}, {"base_url": ...},
    {"base_url": "http://" + "a" * 300 + "/v1"}, {"base_url": "http://\u2025/v1"}, {"base_url": "HTTP:127.0.0.1"}, {"base_url": "gopher://x"},
    {"model": ""}, {"model": ...}, {"model": 7}, {"model": None}, {"model": []}, {"key": "sk-a-real-key-1234567890"}, {"key": 7}, {"key": "env:"},
    {"key": "env:NOT_SET_ANYWHERE"}, {"key": "file:/nonexistent"}, {"key": ESCAPE}, {"key": "exec:cat /etc/passwd"}, {"key_header": "a b", "key": "env:RUNNER_SECRET"},
    {"key_header": "X\r\nY: z", "key": "env:RUNNER_SECRET"}, {"headers": {"Authorization": "Bearer x"}}, {"headers": {"X-Api-Key": "x"}}, {"headers": {"X": "env:RUNNER_SECRET"}},
    {"headers": {"A B": "x"}}, {"headers": {"X": "a\r\nY: b"}}, {"headers": {"X\n": "a"}}, {"headers": [1]}, {"headers": "x"}, {"headers": {"X": "a\x00b"}},
    {"headers": {"": "x"}}, {"query": {"api_key": "x"}}, {"query": 7}, {"timeout": 0}, {"timeout": -1}, {"timeout": "soon"}, {"timeout": None}, {"timeout": []},
    {"retries": -1}, {"retries": "x"}, {"retries": 1.5}, {"concurrency": 0}, {"concurrency": -3}, {"concurrency": "x"}, {"concurrency": 1.5}, {"longest_wait": -1},
    {"requests_per_minute": 0}, {"requests_per_minute": -1}, {"requests_per_minute": "x"}, {"tokens_per_minute": 0}, {"tokens_per_minute": "x"}, {"max_bytes": 0},
    {"max_bytes": -1}, {"max_bytes": "x"}, {"max_tokens": "x"}, {"max_tokens": -1}, {"max_tokens": 0}, {"max_tokens": 1.5}, {"temperature": "hot"}, {"temperature": []}, {"temperature": -5},
    {"seed": "x"}, {"tools": 7}, {"tools": [7]}, {"tools": "x"}, {"extra": 7}, {"extra": [1]}, {"extra": "x"}, {"documents_template": "{{"}, {"documents_template": 7},
    {"documents_template": "{% include '/etc/passwd' %}"}, {"documents_template": "{{ ''.__class__.__mro__[1].__subclasses__() }}"},
    {"documents_template": "{{ cycler.__init__.__globals__.os.system('touch /tmp/hostile') }}"}, {"documents_template": "{% for i in range(10**9) %}x{% endfor %}"},
    {"system": 7}, {"system": []}, {"ca_file": "/nonexistent.pem", "base_url": "https://127.0.0.1:1/v1"}, {"ca_file": "/dev/zero", "base_url": "https://127.0.0.1:1/v1"}, {"ca_file": "/etc/passwd", "base_url": "https://127.0.0.1:1/v1"}, {"ca_file": 7, "base_url": "https://127.0.0.1:1/v1"}, {"proxies": "x"}, {"plain_http": "x"},
    {"stream_usage": "x"}, {"unknown": 1}, {"Timeout": 5}, {ESCAPE: 1}, {"use": "none-such"}, {"use": ""}, {"use": ESCAPE}, {"use": 7}, {"use": "../targets/http"}, {"use": "os"},
    {"use": "http", "base_url": ..., "model": ..., "url": "file:///etc/passwd", "put": {"$.a": "message"}, "answer": "$.b"},
    {"use": "http", "base_url": ..., "model": ..., "url": "http://127.0.0.1:1/", "put": {"$.a": "message"}, "answer": "$..["},
    {"use": "http", "base_url": ..., "model": ..., "url": "http://127.0.0.1:1/", "put": {"$.a": "everything"}, "answer": "$.b"},
    {"use": "http", "base_url": ..., "model": ..., "url": "http://127.0.0.1:1/", "put": {}, "answer": "$.b"},
    {"use": "http", "base_url": ..., "model": ..., "url": "http://127.0.0.1:1/", "put": {"$.a": "message"}, "answer": 7},
    {"use": "http", "base_url": ..., "model": ..., "url": "http://127.0.0.1:1/", "put": {"$.a": "message"}, "answer": "$.b", "method": "DELETE"},
    {"use": "http", "base_url": ..., "model": ..., "url": "http://127.0.0.1:1/", "put": "x", "answer": "$.b"},
    {"use": "http", "base_url": ..., "model": ..., "url": "http://127.0.0.1:1/", "put": {"$[": "message"}, "answer": "$.b"},
    {"use": "http", "base_url": ..., "model": ..., "url": "http://127.0.0.1:1/", "put": {"$.a": ["message"]}, "answer": "$.b"},
    {"use": "replay", "base_url": ..., "model": ..., "path": "/etc/passwd"}, {"use": "replay", "base_url": ..., "model": ..., "path": "/nonexistent"},
    {"use": "providers", "base_url": ..., "model": "nobody:x"}, {"use": "providers", "base_url": ..., "model": ESCAPE}, {"use": "providers", "base_url": ..., "model": 7},
)  # fmt: skip

_PRICES: tuple[Any, ...] = (
    None, 7, "cheap", [], {}, [1, 2], {"input": 1}, {"output": 1}, {"input": -1, "output": 1}, {"input": 1, "output": -0.1}, {"input": "1", "output": 1},
    {"input": True, "output": 1}, {"input": None, "output": 1}, {"input": [], "output": 1}, {"input": 1, "output": 1, "cached": 0}, {"Input": 1, "output": 1},
    {"input": {"usd": 1}, "output": 1}, {ESCAPE: 1, "input": 1, "output": 1}, {"input": 1, "output": ESCAPE}, True, "env:RUNNER_SECRET", {"input": 1.0, "out": 2},
)  # fmt: skip

_OPTIONS: tuple[tuple[str, ...], ...] = (
    ("eval", "--plan", "none"), ("eval", "--plan", ESCAPE), ("eval", "--suite", "none"), ("eval", "--suite", "../leaks"), ("eval", "--target", "none"),
    ("eval", "--target", ESCAPE), ("eval", "--resume", "none"), ("eval", "--resume", "../../etc"), ("eval", "--resume", ESCAPE), ("eval", "--resume", ""),
    ("eval", "--max-requests", "-1"), ("eval", "--max-requests", "x"), ("eval", "--max-requests", "1e9"), ("eval", "--max-cost", "-1"), ("eval", "--max-cost", "nan"),
    ("eval", "--max-cost", "free"), ("eval", "--max-time", "x"), ("eval", "--max-time", ""), ("eval", "--max-time", "-5s"), ("eval", "--max-time", "5x"),
    ("eval", "--max-time", "1h1h"), ("eval", "--max-time", "9" * 400 + "s"), ("eval", "--max-time", "\u0665s"), ("eval", "--shard", "0/4"), ("eval", "--shard", "5/4"),
    ("eval", "--shard", "x"), ("eval", "--shard", "1/0"), ("eval", "--shard", "1/" + "9" * 400), ("eval", "--shard", "9" * 5000 + "/4"), ("eval", "--shard", "\u0661/4"), ("eval", "--fresh", "x"),
    ("eval", "--fresh", "-1"), ("eval", "--fresh", "9" * 400), ("eval", "--fresh", "9" * 5000), ("eval", "--fresh", "\u0661"), ("eval", "--concurrency", "0"), ("eval", "--concurrency", "9" * 5000),
    ("eval", "--guards", "/nonexistent"), ("eval", "--guards", "/etc/passwd"), ("eval", "--guards", "/dev/zero"), ("eval", "--no-guards", "--retry-errors"),
    ("gate", "none"), ("gate", ESCAPE), ("gate", "../../etc"), ("gate", ""), ("gate", "--baseline", "none"), ("gate", "--format", "none"), ("gate", "--format", ESCAPE),
    ("gate", "latest", "latest"), ("gate", "--baseline", "latest"), ("report", "none"), ("report", ESCAPE), ("report", "../x"), ("report", "--format", "none"),
    ("runs", "show", "none"), ("runs", "show", ESCAPE), ("runs", "show", "../.."), ("runs", "samples", "none"), ("runs", "compare", "none", "none"), ("runs", "none"),
    ("decisions", "show", "none"), ("decisions", "show", ESCAPE), ("decisions", "show", "../x"), ("evidence", "build", "none"), ("evidence", "build", ESCAPE),
    ("evidence", "build", "--key", "none"), ("evidence", "build", "--key", "../../x"), ("evidence", "build", "-o", "/dev/null/x/y.zip"), ("none",), (ESCAPE,),
    ("check", "-C", "/nonexistent"), ("check", "-C", "/etc/passwd"), ("check", "-C", "/dev/null"), ("check", "-C", "/tmp"), ("check", "-C", "\x1b[2J"), ("plan", "-C", "a\x00b"),
    ("labels", "import", "/nonexistent"), ("labels", "import", "/etc"), ("labels", "import", ESCAPE), ("labels", "export", "none"), ("baseline", "set", "none"),
    ("confirm", "none"), ("model", "pull", "none"), ("model", "pull", "../x"), ("init", "/etc/passwd/x"), ("init", "--template", "none", "x"), ("suites", "show", "none"),
)  # fmt: skip
