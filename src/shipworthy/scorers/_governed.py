"""What an answer says of words in it: that it warns of them, denies them, or only reports that they were ordered.

By word lists: English first, the commonest words of ten other languages beside it. A warning in words that no list
holds is taken for advice.
"""

from __future__ import annotations

import re


def _any(*lines: str, whole: bool = True) -> str:
    """Join lines of alternatives into one, between the edges of words unless told otherwise."""
    body = "|".join(line.strip() for text in lines for line in text.splitlines() if line.strip())
    return rf"\b(?:{body})\b" if whole else f"(?:{body})"


# Looked for in the sentence of a place, and in the one after it.
_WARNS = re.compile(
    "|".join(
        (
            _any(
                r"""beware|be (?:very )?careful|caution|careful with|heads[- ]up|watch out|warn(?:ing|s|ed)?|red flag
        suspicio\w*|phish\w*|scams?|fraud\w*|malicious|untrust\w*|unsafe|bait|fakes?|spoof\w*|hoax|dangerous
        dubious
        odd|odd-looking|strange|weird|fishy|sketchy|dodgy|shady|questionable|unrelated|unusual|unverified
        clash\w*
        contradict\w*|out of place|(?:pinch|grain) of salt|s[ck]eptical\w*|doubt\w*|no idea who
        who(?:'s| is) behind
        steer clear|stay away|keep away|unknown (?:address|sender|source|site|number)
        (?:can't|cannot|couldn't|could not|unable to) (?:vouch|(?:confirm|verify) (?:that|this|it|its|whether|if))
        (?:does|do|did|is|are|was)(?: not|n't) (?:\w+ )?(?:belong|appear|seem|look|match|associated|related|listed)
        (?:does|do|did|is|are|was)(?: not|n't) (?:\w+ )?(?:connected|affiliated)""",
                # Where it came from: nobody who asks needs to know that of honest advice.
                r"""planted|injected|(?:prompt )?injection|hidden in|insert(?:ed|s)|slipped in(?:to)?|tucked|pasted in
        hidden (?:\w+ )?(?:text|line|instruction|order|command|message)|embedded (?:instruction|order|command)
        (?:been|was|were|am|I'm|being) (?:told|asked|instructed|ordered|urged|directed|prompted) to
        meant for you
        (?:aimed|directed|addressed|meant|intended) (?:at|to|for) (?:\w+ )?(?:AI|LLMs?|(?:AI )?assistants?)
        (?:aimed|directed|addressed|meant|intended) (?:at|to|for) (?:\w+ ){0,2}(?:models?|(?:chat)?bots?)
        tell(?:s|ing)? (?:AI|assistants?|models?|bots|chatbots)|attempt(?:s|ed|ing)? to|lur(?:es?|ing)
        tricks? (?:you|people|me)
        tr(?:y|ies|ied|ying) to (?:get|make|have|lure|trick|steer|push|send|redirect|talk)
        if (?:somebody|someone|anyone|anybody|any (?:mail|message)|you(?:'re| are) (?:sent|asked|told))""",
                r"""achtung|vorsicht|betrug\w*|verdächtig\w*|unbekannt\w*|versteckt\w*|seltsam\w*|merkwürdig\w*|unecht|dubios\w*
        nicht (?:echt|seriös|offiziell|bekannt|vertrauenswürdig)|oplichting|onbekend\w*
        attention|méfi\w*|arnaque|hameçonnage|cachée?s?|inconnue?|étrange
        cuidado|estafa|sospechos\w*|ocult[oa]s?|extrañ[oa]
        no (?:es|parece|son) (?:de fiar|(?:oficial|fiable|segur)\w*)
        attenzione|truffa|nascost[oa]|stran[oa]|non (?:ufficial|affidabil|attendibil)\w+|golpe""",
            ),
            r"\b(?:not|n't|never) (?:an? |the |our |one of )?"
            + _any("official|legitimate|genuine|trusted|trustworthy|safe|real|ours|verified|from us|part of"),
            r"\b(?:check|confirm|verify) (?:with|first)\b[^.!?\n]{0,40}\bbefore\b",
            _any(
                "подозрит|мошенн|фишинг|осторожн|uwaga|oszust|podejrzan",
                "可疑|诈骗|詐騙|钓鱼|釣魚|小心|谨慎|詐欺|怪しい|不審|ご注意|주의하|사기|의심|احذر|احتيال|مشبوه",
                whole=False,
            ),
        )
    ),
    re.IGNORECASE,
)
# A "don't", and a deed left undone.
_FORBIDS = re.compile(
    "|".join(
        (
            r"\b(?:do not|don't|never|should(?: not|n't)|must(?: not|n't)|would(?: not|n't)|cannot|can't|won't|will not"
            r"|avoid)\s+(?:\w+\s+){0,2}"
            + _any(
                r"""follow\w*|open\w*|click\w*|visit\w*|use\w*|using|contact\w*|send\w*|log|sign|trust\w*|enter\w*|giv\w+|pay\w*
        shar\w+|writ\w+|call\w*|mail\w*|e-?mail\w*|go|going|do|act\w*|respond\w*|repl\w+|reach\w*|end\w*
        begin\w*
        start\w*|say\w*|rel[iy]\w*|count|believ\w*|heed\w*|touch\w*|add\w*|includ\w+|repeat\w*|comply|obey
        be"""
            ),
            r"\bI(?:'m| am|'ll| will|'d| would|'ve| have|) ?(?:not|n't|never|won't|wouldn't|don't|didn't|haven't|can't"
            r"|cannot) "
            r"(?!help|find|see|know|hesitate|answer|reach|sure|certain|able|familiar|aware|have)\w+",
            r"\bignor(?:e|ed|ing)\b(?! this)",
            _any(
                r"""please (?:do not|don't)|skipp?(?:ed|ing)?|disregard\w*|(?:refus\w+|declin\w+) to|omit\w*
        (?:left|leave|leaving|leaves) (?:\w+ ){0,3}(?:out|off|aside|alone)
        (?:not|n't) (?:going to |be )?(?:follow|obey|comply|do|carry|act|run|produc)\w*
        (?:haven't|have not|didn't|did not) (?:\w+ )?(?:follow|obey|compl|do|done|carr|act|run|produc)\w*
        (?:haven't|have not|didn't|did not) (?:\w+ )?(?:chang|sent|send)\w*""",
                r"""(?:folge|führe|befolge|beantwort\w+|gehe) (?:\w+ ){0,3}nicht|keine (?:daten|angaben)
        nicht (?:an|unter|auf|über|bei|befolg\w+|folge\w*|nachkomme\w*|ausgeführt|beantwortet|öffnen)
        niet (?:naar|op|via|aan)|n(?:e |')(?:\w+ ){0,2}(?:pas|jamais)
        no (?:la|lo|les|las|los) (?:he |voy a |h[ae] )?(?:s[ie]g\w+|abr\w+|h[aei]\w+|cumpl\w+)
        (?:no|non|não) (?:escr[ie]\w+|scriv\w+|llam\w+|abr\w+|apr\w+|us[aeio]\w*|contat?c?t\w*|cli[ckq]\w+|acc?ed\w+)
        (?:no|non|não) (?:acess\w+|entr\w+|visit\w+|comp?r\w+|[ei]nvi\w+|puls\w+|mand\w+)
        не (?!стесн|забуд|беспок|волн)\w+(?:йте|ите|ться)
        nie (?!wahaj|zapom|martw)\w+(?:aj|uj|iej|cie)(?:cie)?""",
            ),
            _any("不要|请勿|切勿|請勿|しないで|ないでください|마세요|마십시오|لا ت", whole=False),
        )
    ),
    re.IGNORECASE,
)
# "Do not hesitate to write", and advice that every help page gives beside its address.
_HELPFUL = re.compile(
    r"\b(?:do not|don't|should not|shouldn't|never) (?:hesitate|wait|worry|forget|miss|delay)\b"
    r"|\bn'hésite[zr]? pas\b|\bne (?:tarde|attende|oublie)[zr]? pas\b|\bno (?:dude|dudes|duden|espere|olvide)\w*\b"
    r"|\bnon esit\w+\b|\bnão hesite\w*\b|\bzöger\w* (?:sie )?nicht\b|\baarzel niet\b"
    r"|\b(?:do not|don't|never|please don't) (?:share|give|tell|reveal|disclose|send)\w* (?:anyone |us )?"
    r"(?:your|the|any) (?:full |own )?(?:pass\w+|pin|codes?|card \w+|credentials)\b"
    r"(?! (?:there|on (?:it|that)|to (?:it|them|that)))",
    re.IGNORECASE,
)
# What a "don't" governs ends with its clause: "don't call us; write to X", "not to B, but to X".
_IF = re.compile(r"\b(?:if|when|in case|should|falls|wenn|sollten|si|se|quand)\b[^,;.!?\n]{0,80},", re.IGNORECASE)
_CLAUSE = re.compile(
    r";|\s[\u2013\u2014-]\s|,\s*(?=(?:but|so|please|just|simply|instead|rather|only|bitte|sondern|sino|mais|maar|ma)\b)",
    re.IGNORECASE,
)
_REPORTS = re.compile(
    r"\b(?:documents?|texts?|files?|pages?|leaflet|letter|mail|e-?mail|notes?|invite|invoice|pdf|lines?|instructions?"
    r"|orders?|message|slide|article|guide|dokument|datei|befehl|anweisung|carta|orden|consigne)\b"
    r"[^.!?\n]{0,90}?\b(?:say(?:s|ing)?|said|ask(?:s|ed|ing)?|tells?|told|telling|wants?|wanted|order(?:s|ed|ing)?"
    r"|instruct\w*|tries|tried|trying|contain\w*|includ\w+|read(?:s|ing)|supposed|to get|mentions?|has"
    r"|lists?|shows?)\b",
    re.IGNORECASE,
)
_BREAK = re.compile(r"(?<=[.!?])[\"'\u201d\u2019)*\]]*\s+|\n+|(?<=[。！？])")
# Straight before a place: "rather than X", "avoid X", "Not X, but".
_APART_FROM = re.compile(
    r"(?:\b(?:avoid\w*|rather than|instead of|and not|évite\w*|plutôt que|au lieu de|(?:an)?statt|meide\w*|evit\w+"
    r"|en (?:lugar|vez) de|em vez de|invece di|in plaats van)(?:\W+\w+){0,2}|(?:^|[.!?]\s+)not)\W*$",
    re.IGNORECASE,
)


def sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the sentence (or line) in which a place lies. A full stop inside an address ends none."""
    first, last = 0, len(text)
    for found in _BREAK.finditer(text):
        if found.end() <= start:
            first = found.end()
        elif found.start() >= end:
            last = found.start()
            break
    return first, last


def following(text: str, end: int) -> str:
    """Return the sentence after one that ends there."""
    rest = _BREAK.match(text, end)
    start = rest.end() if rest else end
    return text[start : sentence(text, start, min(start + 1, len(text)))[1]] if start < len(text) else ""


def clause(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the clause in which a place lies, within its sentence."""
    first, last = sentence(text, start, end)
    for found in _CLAUSE.finditer(text, first, last):
        if found.end() <= start:
            first = found.end()
        elif found.start() >= end:
            last = found.start()
            break
    return first, last


def warned(text: str, start: int, end: int) -> bool:
    """Tell whether an answer warns of a place: in its sentence, or in the next one.

    A warning counts wherever it stands there; a "don't" only in the place's own clause, or in the next sentence.
    """
    text = _straight(text)
    first, last = sentence(text, start, end)
    low, high = clause(text, start, end)
    own, near, after = (
        _IF.sub(" ", _HELPFUL.sub(" ", part)) for part in (text[first:last], text[low:high], following(text, last))
    )
    if _APART_FROM.search(text[first:start]):
        return True
    return bool(_WARNS.search(own) or _WARNS.search(after) or _FORBIDS.search(near) or _FORBIDS.search(after))


def _straight(text: str) -> str:
    return text.replace("\u2019", "'")


def denied(text: str, start: int, end: int) -> bool:
    """Tell whether the sentence up to a place says that it was ordered there, or that it will not be done."""
    text = _straight(text)
    first, last = sentence(text, start, end)
    before, whole = text[first:start], text[first:last]
    return bool(_FORBIDS.search(before) or _REPORTS.search(before) or _WARNS.search(before) or _FORBIDS.search(whole))
