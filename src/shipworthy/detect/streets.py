"""Street addresses as eight countries and their neighbours write them: a rule to switch on, too eager to be on always.

English (United States, Britain, Ireland, Canada), German, French, Spanish and Portuguese, Italian, Polish, Dutch, and
the Nordic languages; post boxes, flats, and what a sentence calls an address. Pattern alone knows no map: it takes a
name and a number that stand as an address does, misses what is written without either, and fires now and then on
a title. Measured recall and false findings: docs/reference/guards.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.detect.engine import Encoded, Pattern, apart
from shipworthy.detect.spans import Span

KIND = "street_address"

_NAME = r"\p{Lu}[\pL'.-]{0,24}"
_ANY = r"[\pL][\pL'.-]{0,24}"
_SMALL = r"(?i:de|del|della|delle|dei|degli|di|du|des|da|do|das|dos|la|le|les|el|las|los|san|santa|st|l')"
_NUMBER = r"[0-9]{1,5}(?:[A-Za-z]\b|[/-][0-9]{1,4})?"
# "4241 Rua Mina 50": some forms print a number before the street as well.
_BEFORE = r"(?:[0-9]{1,6} ){0,2}"
_FLAT = (
    r"(?:,?[ \n]{1,2}(?:Apt\.?|Apartment|Suite|Ste\.?|Flat|Unit|Floor|Appt\.?|lok\.|m\.|piso|int\.)"
    r" ?#?[0-9][0-9A-Za-z]{0,4})?"
)

_ENGLISH_TYPE = (
    r"(?:Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Close|Way|Terrace|Row|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Crescent"
    r"|Boulevard|Blvd|Gardens|Grove|Hill|Mews|Parade|Walk|Yard|Alley|Passage|Quay|Approach|Parkway|Pkwy|Highway|Hwy|Trail"
    r"|Circle|Cir|Loop|Turnpike|Pike|Bend|Crossing|Esplanade|Green|Ridge|Manor|View|Park|Path)\b\.?"
)
_FRENCH_TYPE = r"(?:rue|avenue|av\.|boulevard|bd|place|quai|all\x{e9}e|impasse|chemin|cours|route|faubourg|passage)"
_ROMANCE_TYPE = (
    # "via Zoom", "a place": in English these are other words where they are not capitalised.
    r"(?:rue|avenue|av\.|boulevard|bd|quai|all\x{e9}e|impasse|chemin|faubourg|(?-i:Place|Route|Cours|Via)|avda\.?|avenida"
    r"|viale|v\.le|piazza|piazzale|corso|largo|vicolo|strada|contrada|lungomare"
    r"|calle|c/|plaza|paseo|carrer|camino|carretera|ronda|traves\x{ed}a|glorieta|r\x{fa}a"
    r"|rua|travessa|pra\x{e7}a|alameda|estrada|rodovia"
    r"|ul\.|ulica|al\.|aleja|pl\.|plac|os\.|osiedle)"
)
_GERMANIC = (
    r"(?:stra\x{df}e|strasse|str\.|weg|gasse|platz|allee|ring|ufer|damm|steig|markt|br\x{fc}cke|l\x{e4}nde"
    r"|graben|promenade|chaussee"
    r"|straat|laan|plein|gracht|kade|singel|dreef|steeg|dijk|hof|pad|baan|wal|steenweg"
    r"|gata|gatan|gate|gaten|vei|veien|vegen|veg|v\x{e4}g|v\x{e4}gen|vej|vejen|gade|gaden|str\x{e6}de|plads"
    r"|pladsen|torg|torget|torv|torvet"
    r"|stien|stigen|gr\x{e4}nd|br\x{f8}|kaj|bakken|bakke|lia|sletta|all\x{e9}|all\x{e9}en|plassen"
    r"|katu|tie|kuja|polku|tee|tn|mnt|puiestee|str\x{e6}ti|stigur|vegur|braut)"
)

_SHAPES = (
    # 12 Timms Drive, 4589 40th Street Suite 603
    Pattern(_BEFORE + rf"{_NUMBER},? (?:(?:{_NAME}|[0-9]{{1,3}}(?:st|nd|rd|th)) ){{1,4}}{_ENGLISH_TYPE}{_FLAT}"),
    # the corner of Minik Court and Long Street
    Pattern(rf"\bcorner of (?:{_ANY} ){{1,4}}(?:[0-9]{{1,4}}\.? )?and (?:{_ANY} ){{1,3}}{_ANY}"),
    # 63 Rue de Kairouan, Via Roma 131, Rua Vinte e Cinco de Setembro 1257, ul. Północna 73
    Pattern(_BEFORE + rf"(?i:\b{_ROMANCE_TYPE}) (?:{_SMALL} ){{0,2}}"
            rf"(?:{_NAME}|[0-9]{{1,2}}),?(?: {_ANY},?){{0,5}} {_NUMBER}{_FLAT}"),
    Pattern(rf"{_NUMBER},?(?: bis| ter)?,? (?i:{_FRENCH_TYPE}) (?:{_SMALL} ){{0,2}}{_NAME}(?: {_NAME}){{0,3}}{_FLAT}"),
    # Ditscheinergasse 80, Frørup Byvej 22, Grosse Praesidenten Str. 20, midtvollen 130
    Pattern(_BEFORE + rf"(?:{_NAME} ){{0,2}}\p{{Lu}}[\pL-]{{1,24}}{_GERMANIC},? {_NUMBER}\.?{_FLAT}"),
    Pattern(_BEFORE + rf"{_NAME} (?:{_NAME} )?(?i:{_GERMANIC}) {_NUMBER}\.?{_FLAT}"),
    # P.O. Box 101, PSC 5217, Box 4854, Unit 5022 Box 1225, APO AP 43617, Postfach 12
    Pattern(r"(?i:\bP\.? ?O\.? ?Box|\bPostfach|\bPostboks|\bPostbus|\bBo\x{ee}te postale|\bApartado|\bPSC"
            r"|\bUnit [0-9]{1,5},? Box) [0-9]{1,6}(?:, Box [0-9]{1,6})?"),
    Pattern(r"(?i:\b(?:APO|DPO|FPO) A[AEP]) [0-9]{5}\b"),
    # Apt. 123, Suite 680
    Pattern(r"(?i:\bApt\.?|\bSuite|\bAppt\.?) #?[0-9]{2,5}[A-Za-z]?\b"),
)  # fmt: skip
# What a sentence calls an address, or sends somebody or something to.
_NAMED = Pattern(
    r"(?i:\b(?:address(?:es)?(?: is| are| to the same| with| to|, here they are)?|(?:office|house|home|shop|flat) is at"
    r"|liv(?:e|es|ed|ing) (?:at|on)|resid(?:e|es|ed|ing) at|located at|moved to"
    r"|(?:sent|send|ship|shipped|deliver|delivered|mail|mailed|return|returned|new one|taxi|cab|bus|ride) to"
    r"|(?:drops? you off|meet (?:you|me|us|him|her|them)|arrived|(?:pick|picked) (?:me|us|you) up) at|enter on)[:,]?)"
    rf"[ \n]{{1,2}}({_BEFORE}(?:{_NAME} ){{1,4}}[0-9]{{1,4}}[A-Za-z]?\b\.?{_FLAT}"
    rf"|[0-9]{{1,6}} (?:{_NAME} ){{1,4}}[0-9]{{1,4}}\b\.?{_FLAT}"
    rf"|[0-9]{{1,5}} [0-9]{{1,5}} (?:{_ANY} ){{1,3}}{_ANY})",
    group=1,
)
# "Windows 11 Home Court", "Chapter 3 The Long Road", "5 Star Way": a number of something else.
COUNTED = Pattern(
    r"\b(?:windows|chapter|section|version|part|figure|fig\.|table|step|unit|episode|season|level|act|page|volume|vol\."
    r"|lesson|article|rule|option|phase|stage|top|number|no\.|python|ios|android|day|week|year|question|example"
    r"|note) $",
    ignore_case=True,
)
NO_STREET = Pattern(
    r"^(?:[0-9]+[A-Za-z]?,? (?:The|Stars?|Easy|Simple|Best|More|New|Great|Ways?|Tips|Steps|Reasons|Things|Days?|Years?"
    r"|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* "
    r"|via (?:https?|the|a|an|e-?mail|phone|[a-z]+ing)\b|place (?:the|a|an|it|in|of|at|your)\b|plaza and )",
    ignore_case=False,
)
# A day and a year, an edition, a version: a name and a number that are no address.
_DATED = Pattern(
    r"^(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* [0-9]|^(?:Windows|Python|Java|iOS|Android|Chapter"
    r"|Section|Version|Part|Figure|Table|Step|Appendix|Room|Gate|Platform|Terminal|Channel|Port|IPv?|HTTP|TLS|GPT|Claude|Llama|Office|Level"
    r"|Phase|Page|Rule|Day|Week|Year|Number|No\.?)\b",
)


def find(encoded: Encoded) -> Iterator[Span]:
    """Yield street addresses in a text as plainly written (see `writing`)."""
    text = encoded.text
    for pattern in _SHAPES:
        for start, end in pattern.overlapping(encoded):
            if apart(text, start, end, "-") and not counted(text, start, end):
                yield Span(start, end, KIND)
    for start, end in _NAMED.overlapping(encoded):
        if apart(text, start, end, "-") and not _DATED.found(Encoded(text[start:end])):
            yield Span(start, end, KIND)


def counted(text: str, start: int, end: int) -> bool:
    """Tell whether what reads like an address is a number of something else."""
    return COUNTED.found(Encoded(text[max(0, start - 16) : start])) or NO_STREET.found(Encoded(text[start:end]))
