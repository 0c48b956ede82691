"""Credentials in a text: keys and tokens by their issuers' formats, passwords by the word before them, entropy.

For strings that are known to be secret (a canary, the secret in a system prompt) see `canaries`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from math import log2

from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.sieve import Sieve
from shipworthy.detect.spans import Span, union
from shipworthy.detect.writing import Writing, written

_FORMATS: tuple[tuple[str, Pattern], ...] = (
    ("aws_key", Pattern(r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b")),
    ("github_token", Pattern(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{60,100})")),
    ("gitlab_token", Pattern(r"\bgl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_-]{20,64}")),
    ("slack_token", Pattern(r"\bxapp-[0-9]-[A-Za-z0-9-]{10,200}")),
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
    ("digitalocean_token", Pattern(r"\bdo[opr]_v1_[a-f0-9]{64}")),
    ("databricks_token", Pattern(r"\bdapi[a-f0-9]{32}(?:-[0-9])?")),
    ("shopify_token", Pattern(r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}")),
    ("supabase_token", Pattern(r"\bsb(?:p|_secret)_[A-Za-z0-9_-]{20,64}")),
    ("mailchimp_key", Pattern(r"\b[0-9a-f]{32}-us[0-9]{1,2}\b")),
    ("mailgun_key", Pattern(r"\bkey-[0-9a-z]{32}\b")),
    ("age_key", Pattern(r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}")),
    ("telegram_token", Pattern(r"\b[0-9]{8,10}:[A-Za-z0-9_-]{35}\b")),
    ("discord_token", Pattern(r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}")),
    ("google_oauth", Pattern(r"\b(?:ya29\.[A-Za-z0-9_-]{20,200}|GOCSPX-[A-Za-z0-9_-]{28})")),
    ("grafana_token", Pattern(r"\bgl(?:c|sa)_[A-Za-z0-9_+/=]{30,200}")),
    ("vault_token", Pattern(r"\bhv[sbr]\.[A-Za-z0-9_-]{20,200}")),
    ("docker_token", Pattern(r"\bdckr_[a-z]{3}_[A-Za-z0-9_-]{20,60}")),
    ("atlassian_token", Pattern(r"\bAT(?:ATT3|BB|CTT3)[A-Za-z0-9_=-]{20,250}")),
    ("square_token", Pattern(r"\bsq0[a-z]{3}-[A-Za-z0-9_-]{22,50}")),
    ("shippo_token", Pattern(r"\bshippo_(?:live|test)_[a-f0-9]{40}")),
    # One form for many: a prefix of the issuer's, an underscore or hyphen, a long random part.
    ("service_token", Pattern(
        r"\b(?:lin_api|ntn|secret|figd|pscale_(?:tkn|pw|oauth)|sntry[su]|rubygems|nfp|fo1|dp\.(?:pt|st|ct|sa)|tfp|pul|PMAK"
        r"|NRAK|HRKU|gsk|xai|r8|pplx|tvly|jina|cio|oy2|EZAK|EZTK|sdk|lsv2_(?:pt|sk)|phc|phx|ATLAS|re)"
        r"[_.-][A-Za-z0-9][A-Za-z0-9_.]{22,200}"
    )),
    ("jwt", Pattern(r"\beyJ[A-Za-z0-9_-]{8,300}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?")),
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
# "The password is marigold." ends with a word of no other use there.
_OF_WORD = Pattern(r"\b(?:password|passphrase|passcode|pwd) ", ignore_case=True)
"""How every match of `_WORD` begins: that takes as long to compile as all other patterns here together."""
_WORD = Pattern(
    r"\b(?:password|passphrase|passcode|pwd)(?: (?:for|of|to) [^\s.,;:]{1,24}(?: [^\s.,;:]{1,24}){0,3})? (?:is|was|=) "
    r"[\"'`]?([\pL]{4,40})[\"'`]?(?:[.!,;]|\n|$)",
    group=1,
    ignore_case=True,
)
_SIEVE = Sieve([*(pattern for _, pattern in _FORMATS), _ASSIGNED, _OF_WORD])
_ADJECTIVES = (
    "required wrong incorrect invalid correct valid expired weak strong secret secure encrypted missing empty "
    "reset unknown hidden optional needed okay fine shared private unique mandatory confidential stored "
    "hashed safe sensitive changed different case-sensitive forgotten compromised rejected accepted sent lost "
    "blank short long there here this that it available unavailable yours temporary updated protected masked "
    "redacted random generated important"
)
_SAID_OF_IT = frozenset(_ADJECTIVES.split())
# Values that only stand for one.
_PLACEHOLDER = Pattern(
    r"^(?:[*\x{2022}xX.#_?-]+|.*(?:x{6}|\*{4}|your[_-]|placeholder|(?-i:EXAMPLE)).*"
    r"|(?:os\.(?:environ|getenv)\b|process\.env\b|(?:env|config|settings|secrets|args|self)(?:\[|\.[a-z_]+$)"
    r"|vault:|getenv\(|input\().*)$",
    ignore_case=True,
)
_PUBLIC = Pattern(
    r"(?:\b(?:sha-?[0-9]{1,3}|md5|blake[23][bs]?|commit|digest|checksum|hash|integrity|revision|rev|etag|blob|tree|object"
    r"|head|trace(?:[_-]?(?:id|parent))?|span(?:[_-]?id)?|request[_-]?id|correlation[_-]?id|uuid|guid|fingerprint"
    r"|ssh-(?:rsa|ed25519|dss)|public[_ -]key|base64)[\"']?\s{0,2}(?:[:=,@-]|is)?\s{0,2}[\"'`(]?"
    r"|/(?:commit|blob|tree|raw)/)(?:[0-9a-f]{2}-)?$",
    ignore_case=True,
)
# A moment as file names hold it: digits and letters that say nothing.
_TIME = re.compile(r"(?<![A-Za-z0-9])[0-9]{8}T[0-9]{4,6}Z?(?![A-Za-z0-9])")
_TOKEN = Pattern(r"[A-Za-z0-9+/_=-]{20,200}")
_RUN = Pattern(r"[A-Za-z0-9+/_=-]{20,}")

REACH = 768
"""Characters around a position that a finding there depends on where `find` is given it. A stream relies on it."""

LONGEST, BLOCK = 400, 600
"""In a stream: characters of the longest random token, and from the begin of a certificate to the last in it."""

_CONTEXT = 64
_GROWING, _HEAD = ("private_key", "jwt"), 340
"""Kinds that are told by their first characters, and how many of them."""

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
    body = _TIME.sub("", token.strip("=-_/+"))
    kinds = sum((any(c.islower() for c in body), any(c.isupper() for c in body), any(c.isdigit() for c in body)))
    if body and all(c in "0123456789abcdefABCDEF" for c in body):
        return len(body) >= 32 and entropy(body.lower()) > 3.0 and not body.isdigit()
    # Words joined by hyphens or slashes (paths, slugs) have long runs of letters between the joints.
    longest = max((len(run) for run in body.replace("/", "-").replace("_", "-").split("-")), default=0)
    return kinds == 3 and longest >= 16 and entropy(body) >= ENTROPY_BITS


def find(text: str, *, reach: int | None = None, begun: bool = False) -> list[Span]:
    """Return credentials in a text as spans that do not overlap, in order.

    An assigned value (``password: …``) counts when it does not read like the next word of a sentence: it has a digit or
    a symbol, or it is quoted, or the sentence ends with it. A long random token counts unless what stands before it
    says that it is a digest, an identifier or something else that anyone may know. Where several readings overlap, the
    issuer's format names the whole, else the word before it.

    Args:
        text: any string.
        reach: leave out what depends on more characters than this (at least `REACH`); for a stream, which cannot wait
            longer. Private keys and JSON web tokens, known by how they begin, are found whole all the same; a random
            token longer than `LONGEST` is then none, and of a certificate longer than `BLOCK` the rest is.
        begun: whether more stood before the text, at least `reach` characters ago. What begins with its first character
            may then begin in the middle of a word, and what is found whole would reach from there into what follows.
    """
    plain = written(text)
    encoded = Encoded(plain.text)
    passed = _SIEVE.passed(encoded)
    possible = [_FORMATS[place] for place in passed if place < len(_FORMATS)]
    if reach is None:
        told = [Span(a, b, kind) for kind, pattern in possible for a, b in pattern.runs(encoded)]
        random = list(_random_tokens(encoded, plain, _TOKEN))
    else:
        told = [Span(a, b, kind) for kind, pattern in possible for a, b in pattern.overlapping(encoded)]
        random = [s for s in _random_tokens(encoded, plain, _RUN, BLOCK) if s.end - s.start <= LONGEST]
    if begun:
        told = [span for span in told if span.start or span.kind not in _GROWING]
    told = [span for span in told if _is_token(plain.text[span.start : span.end], span.kind)]
    assigned = list(_assigned(encoded)) if any(place >= len(_FORMATS) for place in passed) else []
    if reach is not None:
        told, assigned, random = ([s for s in of if _within(s, plain, reach)] for of in (told, assigned, random))
    named = [
        Span(s.start, s.end, next((t.kind for t in (*told, *assigned) if _meet(s, t)), s.kind))
        for s in (*assigned, *random)
    ]
    return [Span(*plain.span(s.start, s.end), s.kind) for s in union([*named, *told])]


def _within(span: Span, plain: Writing, reach: int) -> bool:
    end = min(span.end, span.start + _HEAD) if span.kind in _GROWING else span.end
    return plain.extent(span.start, end, _CONTEXT) <= reach


def _is_token(value: str, kind: str) -> bool:
    if kind == "service_token" and sum(c.isdigit() for c in value) < 3:
        return False  # A name or a path that begins like one.
    return not _PLACEHOLDER.found(Encoded(value))


def _assigned(encoded: Encoded) -> Iterator[Span]:
    text = encoded.text
    for start, end in _ASSIGNED.overlapping(encoded):
        value = text[start:end].rstrip(".?)")
        quoted = start > 0 and text[start - 1] in "\"'`"
        if not value or not (quoted or not value.isalpha()) or value.startswith(("[redacted:", "<", "{", "$", "(")):
            continue
        if not _PLACEHOLDER.found(Encoded(value)):
            yield Span(start, start + len(value), "password")
    for start, end in _WORD.overlapping(encoded) if _OF_WORD.found(encoded) else ():
        if text[start:end].lower() not in _SAID_OF_IT:
            yield Span(start, end, "password")


def _random_tokens(encoded: Encoded, plain: Writing, pattern: Pattern, back: int | None = None) -> Iterator[Span]:
    text = encoded.text
    for start, end in pattern.runs(encoded):
        value = text[start:end]
        if _random(value) and not _PLACEHOLDER.found(Encoded(value)) and not _in_public_block(plain, start, back):
            before = text[max(0, start - 40) : start]
            # "commit=…" and "sha512-…" begin inside the run.
            inside = next((n for n in (value.find("=") + 1, value.find("-") + 1) if 0 < n <= 12), 0)
            if not (_PUBLIC.found(Encoded(before)) or (inside and _PUBLIC.found(Encoded(before + value[:inside])))):
                yield Span(start, end, "random_token")


def _in_public_block(plain: Writing, at: int, back: int | None) -> bool:
    """Return whether a place lies in a certificate or a public key as PEM writes them, begun so far `back` at most."""
    text = plain.text
    begin = text.rfind("-----BEGIN ", 0, at + 11)
    if begin < 0 or (back is not None and plain.origin[at] - plain.origin[begin] > back):
        return False
    head = text[begin + 11 : begin + 48].partition("-----")[0]
    public = head.endswith(("CERTIFICATE", "PUBLIC KEY", "CERTIFICATE REQUEST", "CRL", "PARAMETERS"))
    return public and "-----END " not in text[begin:at]


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
