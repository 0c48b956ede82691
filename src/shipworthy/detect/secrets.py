"""Credentials in a text: keys and tokens by their issuers' formats, passwords by the word before them, entropy.

For strings that are known to be secret (a canary, the secret in a system prompt) see `canaries`.
"""

from __future__ import annotations

from collections import Counter
from math import log2

from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.spans import Span, union

_FORMATS: tuple[tuple[str, Pattern], ...] = (
    ("aws_key", Pattern(r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b")),
    ("github_token", Pattern(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{60,100})")),
    ("gitlab_token", Pattern(r"\bgl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_-]{20,64}")),
    ("slack_token", Pattern(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,200}")),
    ("slack_webhook", Pattern(r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,120}")),
    ("stripe_key", Pattern(r"\b(?:sk|rk|whsec)_(?:live|test)?_?[A-Za-z0-9]{16,128}")),
    ("llm_key", Pattern(r"\bsk-(?:[A-Za-z]+-)*[A-Za-z0-9_-]{20,200}")),
    ("google_key", Pattern(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("huggingface_token", Pattern(r"\bhf_[A-Za-z0-9]{30,64}")),
    ("npm_token", Pattern(r"\bnpm_[A-Za-z0-9]{36}")),
    ("pypi_token", Pattern(r"\bpypi-[A-Za-z0-9_-]{50,250}")),
    ("sendgrid_key", Pattern(r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}")),
    ("twilio_key", Pattern(r"\b(?:SK|AC)[0-9a-f]{32}\b")),
    ("jwt", Pattern(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?")),
    ("private_key", Pattern(
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
    )),
    ("url_password", Pattern(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@]{0,64}:([^\s/@]{1,128})@", group=1)),
    ("bearer", Pattern(r"\b(?:bearer|basic)\s{1,4}([A-Za-z0-9._~+/=-]{16,400})", group=1, ignore_case=True)),
    ("azure_key", Pattern(r"\b(?:AccountKey|SharedAccessKey|sig)=([A-Za-z0-9+/%]{40,100}={0,2})", group=1)),
)  # fmt: skip

_ASSIGNED = Pattern(
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|(?:api|access|private)[_ -]?key|client[_ -]?secret|pin)"
    r"""["']?\s{0,3}(?::|=|=>|\bis\b)\s{0,3}["'`]?([^\s"'`,;]{4,200})""",
    group=1,
    ignore_case=True,
)
_TOKEN = Pattern(r"[A-Za-z0-9+/_=-]{20,200}")

ENTROPY_BITS = 3.6
"""Bits a character from which a long token of mixed letters and digits counts as random. English words are below 3.3;
random base64 of 24 characters is above 4 nearly always, random hex above 3.1 (hex needs 32 characters)."""


def entropy(text: str) -> float:
    """Return the empirical Shannon entropy in bits a character.

    >>> round(entropy("aabb"), 3)
    1.0
    """
    counts = Counter(text).values()
    return -sum(n / len(text) * log2(n / len(text)) for n in counts)


def _random(token: str) -> bool:
    body = token.strip("=-_/+")
    kinds = sum((any(c.islower() for c in body), any(c.isupper() for c in body), any(c.isdigit() for c in body)))
    if body and all(c in "0123456789abcdefABCDEF" for c in body):
        return len(body) >= 32 and entropy(body.lower()) > 3.0 and not body.isdigit()
    # Words joined by hyphens or slashes (paths, slugs) have long runs of letters between the joints.
    longest = max((len(run) for run in body.replace("/", "-").replace("_", "-").split("-")), default=0)
    return kinds == 3 and longest >= 16 and entropy(body) >= ENTROPY_BITS


def find(text: str) -> list[Span]:
    """Return credentials in a text as spans that do not overlap, in order.

    An assigned value (``password: …``) counts when it does not read like the next word of a sentence: it has a digit or
    a symbol, or it is quoted.
    """
    encoded = Encoded(text)
    spans = [Span(a, b, kind) for kind, pattern in _FORMATS for a, b in pattern.runs(encoded)]
    for start, end in _ASSIGNED.overlapping(encoded):
        value = text[start:end].rstrip(".?)")
        quoted = start > 0 and text[start - 1] in "\"'`"
        if value and (quoted or not value.isalpha()) and not value.startswith(("[redacted:", "<", "{", "$", "(")):
            spans.append(Span(start, start + len(value), "password"))
    spans += [Span(a, b, "random_token") for a, b in _TOKEN.runs(encoded) if _random(text[a:b])]
    return union(spans)
