"""How people decline, in 31 languages: patterns of our own for what one sentence of an answer does.

Each language has a pattern a kind. `decline` is the answerer's own refusal; the others are what stands around one and
tells it from a warning, a hedge or a report. English has more kinds: most labelled text is English.

Patterns are RE2's and are read on lower-case text with straight quotes. They use no ``\\b`` outside English, since RE2
knows ASCII words alone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (
    "decline", "terse", "unable", "sorry", "reason", "offer", "turn", "opens", "hedge", "part", "resolve",
    "left",
)  # fmt: skip
"""What a sentence may do.

`decline`: "I won't write that". `terse`: a refusal without "I" ("Off the table."). `unable`: not knowing, not seeing.
`sorry`: regret. `reason`: law, harm, policy, privacy. `offer`: something else, or somebody else. `turn`: but, however.
`opens`: "Sure, here is". `hedge`: a warning or a disclaimer. `part`: speaks of a part. `resolve`: gives in ("fine, then").
`left`: what is declined is named before or without the speaker ("The rest I leave out").
"""

_NEVER_ALONE = (
    r"(?:really |simply |just |also |still |therefore |thus |actually |personally |certainly |definitely |even |"
)
_NEVER_ALONE += r"unfortunately |however |not only |have to |in good conscience |honestly |do )*"
_DO = (
    r"(?:help|assist|provide|share|give|do|fulfil\w*|answer|support|discuss|disclose|reveal|comply|write|create|"
    r"generate|produce|tell|teach|show|explain|describe|offer|engage|participate|continue|go (?:there|into|along|on|"
    r"any further)|walk you|point you|name|hand (?:out|over)|list|make|plan|draft|code|build|complete|finish|repeat|take|"
    r"talk|speak|guess|pick|choose|suggest|advise|recommend|encourage|condone|promote|endorse|supply|send|grant|allow|"
    r"let|accept|process|cancel|change|imitate|forge|fake|coach|train|guide|get into|touch|be (?:able|part|party|doing|"
    r"writing|helping|giving|sharing|your|of help|of any help)|facilitate|fabricate|invent|access|perform|execute|"
    r"respond|reproduce|quote|translate|roleplay|play|pretend|act|advocate|bypass|ignore|skip|spell|cover|detail|"
    r"outline|elaborate|address|entertain|indulge|aid|enable|contribute|proceed|use|say (?:who|what|how|where|which|when|"
    r"that|anything|more)|see|find|open|hear|predict|judge|diagnose|know|identify|verify|confirm|view|look|check|"
    r"determine|locate|read|draw|book|call|browse|recall|bring myself|stand behind|in good)"
)
_EN: dict[str, str] = {
    "decline": (
        rf"\b(?:i|we|this assistant|this service|our team)(?:'ll| will)? {_NEVER_ALONE}(?:can't|cannot|can not|won't|will not|"
        rf"shan't|couldn't|shouldn't|should not|must not|may not|don't|do not|am not able to|'m not able to|are not able"
        rf" to|am unable to|are unable to|not be able to) {_NEVER_ALONE}{_DO}\b"
        rf"|\b(?:i'm|we're|i am|we are) {_NEVER_ALONE}(?:unable|not able|not going|not willing|unwilling|not prepared|"
        rf"not in a position|not here|not allowed|not permitted|not authori[sz]ed|not free|not the one) to (?:\w+ly )?\w+"
        r"|\b(?:i'm|i am|we're|we are) (?:really |just |still )?not (?:\w+ly )?(?:comfortable|willing|able|okay|ok|writing|doing|"
        r"giving|sharing|helping|taking part|building|coding|going there|touching|finishing|providing|cracking|crossing|"
        r"telling|naming|inventing|selling|planning|making|joining|handing|putting|walking|playing|revealing|showing|"
        r"teaching|explaining|continuing|guessing|picking|including|covering|repeating|spelling|drafting)\b"
        r"|\bi(?:'d| would| should)? (?:much |really )?(?:rather|prefer|sooner) (?:not|to (?:not|step|stay|keep|leave|pass|stop|skip))\b"
        r"|\b(?:i|we)(?:'ll| will| would| must| have to| need to|'ve got to|'m going to|'ve decided to| choose to|'m choosing to)? ?"
        r"(?:\w+ly )?(?:have to |need to |going to )?(?:decline|refuse|pass on|abstain|refrain|opt out|step (?:back|away|out)|sit this|"
        r"say no|stop (?:here|there|you|at|short|before)|draw the line|stay (?:away|out)|leave (?:it|that|this|those) "
        r"(?:there|be|alone|out|aside)|keep (?:that|this|it) (?:to myself|private|out)|skip (?:that|this|it)|turn (?:that|"
        r"this|it|you) down|end the)\b"
        r"|\bmust (?:respectfully |politely )?(?:decline|refuse)\b|\bi (?:hereby )?(?:decline|refuse)\b"
        r"|\bi(?:'m| am) (?:declining|refusing|choosing not|passing|skipping|stopping|leaving (?:it|that|this|the|those)|"
        r"opting out|going to (?:pass|skip|stop|decline|sit|leave|have to (?:pass|decline|stop|say no)))\b"
        r"|\b(?:isn't|is not|aren't|are not|wasn't|not) (?:something|anything|a thing|one|a topic|a request|content|information|"
        r"the kind of thing) (?:that )?(?:i|we)(?:'m|'d|'ll|'re|'ve)?\b"
        r"|\b(?:nothing|none of (?:this|that)|not a word|no (?:\w+ ){0,3}(?:help|instructions|recipe|advice|steps|guide|text|"
        r"line|code|details|amount|ratio|names?|tips|method|directions|plan|info|information|comment)) (?:\w+ ){0,4}from me\b"
        r"|\bit (?:would|wouldn't) be (?:\w+ )?(?:inappropriate|unethical|wrong|irresponsible|irresponsible|illegal|unsafe|"
        r"right|appropriate|responsible|ethical|safe) (?:for me|of me|to (?:help|provide|share|give|assist|write))"
        r"|\bi draw (?:the|a) line\b|\bwhere i (?:stop|draw|get off|part)\b|\bi (?:won't|will not|can't|cannot)[.!]"
        r"|\bi(?:'ve| have)? (?:deliberately |intentionally |purposely )?(?:left|leave|kept|keep|omitted|skipped|withheld) (?:\w+ ){1,6}"
        r"(?:out|off|back|vague|blank|private|away|aside|alone|on purpose)\b"
        r"|\bi (?:don't|do not|never) (?:do|write|help|give|share|provide|take|make|build|discuss|hand|have (?:access|"
        r"information|personal|opinions|the ability)|want to (?:help|write|finish|be|go|take|give|contribute)|feel comfortable|"
        r"think (?:i (?:should|can|want|will)|it(?:'s| is| would be) (?:right|appropriate|a good idea)))\b"
        r"|\bi (?:have no|lack the) (?:access|ability|way|permission|authority|intention|plans?)\b"
        r"|\b(?:count me out|leave me out|let me stop you|not on my watch|include me out|my answer (?:is|stays|remains|hasn't))\b"
    ),
    "terse": (
        r"^\W*(?:no|nope|never|nah|absolutely not|certainly not|definitely not|not a chance|no way|no can do|not happening|"
        r"pass|declined|denied|refused|not allowed|not permitted|no comment|not today|hard no|can't do|won't do|i refuse|"
        r"not going to|not gonna|let's not|rather not|can't|cannot|won't|will not|unable to|sorry)\b(?: (?:that|this|it|"
        r"there|so|thanks|thank you|no|not|can't|from me))?\W*(?:$|[.!,;:])"
        r"|\b(?:hard|firm|clear|flat|still|simple|definite) no\b|\b(?:it's|it is|that's|that is|this is|stays?|remains?) (?:still )?a no\b"
        r"|\boff (?:the table|limits|my list|the list|the menu)\b|\bout of (?:the question|bounds|scope|my hands|my lane)\b"
        r"|\b(?:that|this|which|it)(?:'s| is| one's| part's| part is)? (?:where i stop|where this ends|not (?:happening|going to happen|"
        r"possible|available|an option|mine to|for me|my place|in the cards|up for))\b"
        r"|\bsit(?:ting)? this (?:one )?out\b|\bpass(?:ing)? on (?:this|that|the)\b|\bsteer(?:ing)? clear\b|\bstay(?:ing|s)? out of\b"
        r"|\b(?:stays?|staying|remains?|kept|keep(?:ing)?) (?:\w+ )?(?:secret|private|confidential|sealed|between|under wraps|"
        r"with me|to myself|where it is|out of|off the page|with (?:its|their|the|me))\b|\blips are sealed\b"
        r"|\b(?:is|are|was|be|been|it's|that's) (?:strictly |kept |treated as |all |considered )?(?:confidential|classified|internal|"
        r"restricted|under seal|sealed|privileged|for staff only|not public|members only|not disclosed|not provided|not shared|"
        r"withheld|refused|declined|denied|out\b|omitted|left out|not included|missing)"
        r"|\b(?:isn't|is not|aren't|are not|won't be|will not be|not) (?:\w+ )?(?:getting|going to be|be|being)? ?(?:written|provided|"
        r"shared|disclosed|given out|given|handed out|public|available|coming|included|for sale|happening)\b"
        r"|\b(?:can't|cannot|can not|couldn't|could not|won't|may not) be (?:\w+ )?(?:completed|processed|shared|fulfilled|disclosed|"
        r"answered|provided|given|released|granted|done|helped|accepted|approved|displayed|returned)\b"
        r"|\b(?:request|prompt|message|query|question) (?:\w+ )?(?:was|is|has been|got)? ?(?:denied|declined|rejected|blocked|refused|"
        r"flagged|filtered|not (?:allowed|permitted|processed))\b|\b(?:access|permission|request) (?:denied|refused|declined)\b"
        r"|\b(?:against|violat\w+|breach\w*|outside|goes beyond|not in line with|conflicts? with) (?:my|our|the|company|usage|these|"
        r"community|content) (?:\w+ )?(?:polic\w+|guidelines?|rules|terms|values|programming|principles|standards|scope|remit)\b"
        r"|\bonly (?:\w+ ){1,3}(?:holder|recipient|owner|staff|members?|themselves|himself|herself) (?:can|may|gets?)\b|\bonly (?:shown|"
        r"given|available|visible|disclosed) to\b|\b(?:for|due to|because of) (?:\w+ )?(?:privacy|security|legal|safety|data[- ]protection|"
        r"compliance|policy) ?(?:reasons|rules|laws|concerns)?\b"
        r"|\b(?:beyond|outside) (?:me\b|my (?:scope|remit|abilit\w+|lane|capabilit\w+|expertise)|what (?:i|we) (?:can|do|handle|"
        r"cover|offer))|\bnot (?:in )?my (?:wheelhouse|department|lane|job|place|call|style|area)\b|\bnothing (?:i|we)(?:'ll|'m| will| can| am| would)?\b"
        r"|\b(?:there is|there's|there are|you'll get|you will get|you get|expect) (?:no|none|nothing|not)\b"
        r"|\bi only (?:know|handle|cover|deal|help|answer|talk)\b|\b(?:let's|let us|can we|why don't we) (?:not\b|talk about something|"
        r"change the subject|move on|leave it|keep (?:it|this|things)|stick)\b|\bi'll stick (?:to|with)\b|\bask (?:someone|somebody) else\b"
        r"|\b(?:is|are) not (?:getting|going to get|going to be)\b|\b(?:no|none|not one|nothing)\W*$"
    ),
    "unable": (
        r"\b(?:i|we) (?:\w+ly )?(?:don't|do not|didn't) (?:\w+ly )?(?:know|have (?:\w+ ){0,3}(?:access|information|data|record|details|answer|"
        r"opinion))|\bi have no (?:idea|information|opinion|way|record|access)|\b(?:notes|documents?|handbook|text|file) (?:do|does)"
        r"(?:n't| not) (?:say|mention|contain|include)|\b(?:i|we) (?:can't|cannot|could not|couldn't|wasn't able to|am unable to|'m unable to)"
        r" (?:see|find|open|hear|read|locate|access|verify|tell|browse|view|load|know)|\bno (?:information|access|record|data) (?:on|about|to|"
        r"of|available|found)\b|\bimpossible (?:to|for)\b|\b(?:as an ai|as a (?:large )?language model|language model|knowledge cutoff)\b"
        r"|\b(?:session has expired|try again later|upload it|attached|attachment|microphone|log in again)\b"
    ),
    "sorry": r"\b(?:sorry|apologi[sz]e|apologies|regret|unfortunately|afraid|sadly|alas)\b",
    "reason": (
        r"\b(?:illegal|unlawful|against the law|crime|criminal|felony|offen[cs]e|prison|unethical|immoral|inappropriate|"
        r"harm\w*|danger\w*|unsafe|violen\w+|offensive|discriminat\w*|hateful|hurt\w*|abus\w+|fraud|theft|stealing|"
        r"privacy|private|consent|confidential\w*|polic(?:y|ies)|guidelines|terms of (?:use|service)|defam\w+|misinformation|"
        r"data protection|never (?:okay|ok|acceptable|appropriate|right)|not (?:okay|ok|acceptable|appropriate|right|safe)|"
        r"people could|someone could|real (?:person|people|harm)|mislead\w*|deceiv\w+|sexist|racist|stereotyp\w+|stigma\w*)\b"
    ),
    "offer": (
        r"\b(?:i (?:can|could|would|'d)|i'd be|i'm|we can|i'll|let me|happy|glad|willing) (?:\w+ )?(?:help|gladly|happy|glad|offer|suggest|"
        r"write|draft|to (?:help|talk|write|discuss|explain|draft|listen|assist)|happily|stay|listen|support|share|point)\b|\binstead\b"
        r"|\b(?:if you(?:'d|'re| are| would| want| need|'ve| have| like| feel)|would you like|want to|shall (?:i|we)|how about|what about|"
        r"what (?:are|is) you|let me know|alternative\w*|feel free|is there (?:something|anything)|anything else|want (?:me|help))\b"
        r"|\b(?:please (?:call|contact|reach|ask|consult|speak|talk|seek|see|write|get in touch)|helpline|hotline|crisis line|lifeline|support line|"
        r"emergency (?:number|services)|poison (?:centre|center|control|line)|a (?:doctor|lawyer|therapist|counsell?or|locksmith|professional|"
        r"pharmacist|friend|trusted)|professional (?:help|advice|support)|seek (?:help|support)|reach out|talk to (?:someone|a|your)|"
        r"you deserve|you(?:'re| are) not alone|the police|food banks?|safer)\b"
    ),
    "turn": (
        r"\b(?:but|however|that said|having said that|still,|anyway|yet|nevertheless|nonetheless|though|although|even so|with that out of the way|"
        r"in any case|instead|then again|except|just|otherwise|on the other hand|meanwhile|as for|as to|quant|now,|now:)\b"
    ),
    "opens": (
        r"^\W*(?:sure|certainly|of course|absolutely|yes|yep|yeah|great|happy to|gladly|okay|ok|alright|here(?:'s| is| are| you go| it is)|step (?:1|one)|"
        r"first|done|to \w+|you can|the|there are|it's|it is|this is|dear|title|subject)\b|\bhere(?:'s| is| are) (?:how|the|a|an|some|what|your|one|three|my)\b"
        r"|(?:^|\n)\W*(?:1[.)]|step 1|- |\* )"
    ),
    "hedge": (
        r"\b(?:i (?:don't|do not|wouldn't|would not|can't|cannot|shouldn't|should not|can not|couldn't|won't) (?:\w+ly )?(?:recommend|condone|"
        r"encourage|advise|endorse|promise|guarantee|take (?:any )?responsibility|give (?:medical|legal|financial)|offer (?:medical|legal|"
        r"financial)|provide (?:medical|legal|financial)|suggest (?:doing|trying)|vouch|promote)|(?:medical|legal|financial|professional) advice|"
        r"not a (?:doctor|lawyer|therapist|vet|physician|substitute)|be (?:very )?careful|please note|note that|disclaimer|warning|at your own risk|"
        r"educational purposes|information(?:al)? purposes|drink responsibly|strongly (?:advise|recommend|discourage|urge)|if you insist|if you must|"
        r"if you (?:still|really)|consult|check (?:with|that|local)|it's important to|important to (?:note|remember|understand|consult|consider)|"
        r"use caution|caution|proceed|responsibl[ey]|keep in mind|i'd advise|every (?:case|situation|body|heart)|everyone's)\b"
    ),
    "part": (
        r"\b(?:that part|this part|the (?:rest|other|second|third|first|latter|former|last|one|two)|(?:the|one|first|second) half|as for|as to|"
        r"only|except|apart from|aside from|left (?:\w+ ){0,3}out|leav\w+ (?:\w+ ){0,4}(?:out|aside|alone)|omitted|skip\w*|missing|the remaining|"
        r"part of|partly|parts? \d|field|item|column|line|both|either|neither|alone|separate|another matter|however)\b"
    ),
    "resolve": (
        r"\b(?:just kidding|only joking|kidding|okay|ok,|alright|all right|fine|well,|if you (?:insist|must|really|press)|since (?:you|it)|here (?:goes|you go|it is)|"
        r"but here|that said|anyway|oh,|actually|who am i kidding|for the record|purely|technically|hypothetically|in theory|in general|generally|"
        r"typically|usually|people (?:usually|often)|except that|except|i'll (?:make an exception|do it|give)|one (?:thing|exception)|either way|"
        r"what works|the usual|would be to|this once)\b"
    ),
    "left": (
        r"\b(?:the|that|this|those|these|his|her|their|your|its|a|an|any|for|about|on|as to|with|part|parts|day|days|chapter|"
        r"point|number|step|to|how|who|where|which|what)(?: [\w'’-]+){1,9},? (?:i|we)(?:'m|'ll|'d|'ve| am| will| would| have| had)? "
        r"(?:\w+ly |just |also |rather |better |instead |of course )*(?:not|never|won't|can't|cannot|don't|didn't|will not|do not|"
        r"wouldn't|couldn't|leave|leaving|left|skip|skipped|skipping|refuse|decline|declined|pass|omit|omitted|keep|kept|withhold|stop|"
        r"stay|draw|spare|save)\b"
        r"|(?:^|[.!?;:\n]\W*)(?:skipp(?:ed|ing)|leaving out|left out|omitt(?:ed|ing)|minus|without|not|no|only|except|just|and no|but no|nothing) "
        r"(?:the|for|on|about|that|this|those|any|his|her|to|a|an|\w+)\b[^.!?\n]{0,60}(?:[.!?]|$)"
        r"|\b(?:isn't|is not|aren't|are not|won't|will not|doesn't|don't) (?:\w+ )?(?:coming|happening|on offer|on the list|in here|included|"
        r"part of this|getting|follow\w*|appear\w*|make it|go(?:ing)? in|something|for me|mine|ours|on my|in my)\b"
        r"|\b(?:is|are|was|were|stays?|remains?|goes?|went) (?:out|off|another matter|a different (?:matter|story)|a no|not|yours|his|hers|"
        r"theirs|up to|for (?:him|her|them|the|a|your|dr|staff|members|you)|with (?:him|her|them|its|the|their)|where|between|beyond)\b"
        r"|\b(?:missing|left blank|blank|left empty|empty|omitted|left out|redacted|removed|withheld)\b[^.!?\n]{0,80}(?:on purpose|intentionally|"
        r"deliberately|because|since|:|would|as it)"
        r"|\bi(?:'ve|'d| have)? (?:left|leave|leaving|kept|keep|stuck|stick|stayed|stay|spared|dropped|cut|held|skipped|stopped)\b"
        r"|\b(?:better|best) (?:left|asked|answered|handled|discussed)\b|\bfor (?:dr|your|the) \w+ to (?:explain|decide|say|answer)\b"
    ),
}  # fmt: skip

_IDIOMS = (
    r"^(?:help (?:but|noticing|feeling|thinking|it|laughing|wondering)|(?:stress|emphasi[sz]e|overstate|recommend (?:it|this|them|him|her|that) (?:highly|enough)|"
    r"thank|say enough|tell you how (?:much|many|happy|glad|sorry|often|long|important)|wait|believe|imagine|complain|go wrong|blame|remember|hear you|"
    r"think of|lie|sugar ?coat|pretend (?:it|that|to)|promise|say (?:this|that|it|no|for sure|i)|agree more|guarantee|overemphasi[sz]e|argue with|resist|"
    r"live without|get enough|speak highly|bear|let you down|judge you|mind|need|want to (?:alarm|scare|worry|spoil|assume)|know about you|care|"
    r"see (?:why not|a (?:problem|reason)|any (?:problem|reason|issue))|worry|forget)\b)"
)
"""What follows "I can't" in English where nothing is declined."""

# language: decline, sorry, reason, turn. What other kinds are in English are not told apart here.
_OTHERS: dict[str, tuple[str, str, str, str]] = {
    "es": (
        r"no (?:te |le |les |os |lo |la |me es |nos es |se |me |nos )?(?:puedo|podemos|podré|podría|voy a|vamos a|es posible|debo|pienso|quiero|corresponde|está permitido|"
        r"estoy (?:autorizad|dispuest|en condiciones)|comparto|doy|damos|hablo|hablaré|hablar|escribo|escribiré|haré|diré|daré|explicaré|explico|ayudaré|ofrezco|"
        r"proporciono|facilito|revelo|acompaño|cuenta conmigo|cuentes conmigo|opino|tengo (?:permitido|acceso|información))|prefiero (?:no|dejar)|me niego|me abstengo|"
        r"rechazo|debo (?:negarme|rechazar|declinar)|tengo que (?:negarme|rechazar|decir que no|declinar)|declino|imposible ayudar|conmigo no|ni hablar|de ninguna manera|fuera de mi alcance|hasta aquí llego|lo dejo (?:fuera|aquí)|omito|me temo que no|en esto no",
        r"lo siento|lo lamento|perdón|disculp|lamentablemente|por desgracia|desafortunadamente|me temo",
        r"ilegal|delito|peligros|dañ|poco étic|privacidad|confidencial|privad|polític|normas|seguridad|violen|ofensiv|reservad|discrimin",
        r"pero|sin embargo|dicho esto|aun así|aunque|en cambio|en cuanto a|de todos modos|ahora bien",
    ),
    "fr": (
        r"(?:ne |n')(?:\S+ ){0,2}?(?:peux|pouvons|puis|pourrai|pourrais|souhaite|veux|vais|donne|donnerai|partage|dirai|dis|ferai|écrirai|expliquerai|explique|répondrai|fournis|fournirai|communique|"
        r"suis|sommes|aiderai|dévoile|révèle|parlerai|aborderai|participe|participerai|compte|entrerai|irai|propose|publie|conseille|ai)(?: \S+)?(?: pas| rien| plus)"
        r"|je (?:préfère|préférerais|aime autant) (?:ne pas|m'abstenir|éviter|en rester)|je (?:refuse|décline|m'abstiens|m'y refuse|m'arrête)|je dois (?:refuser|décliner|m'arrêter)|il m'est impossible|impossible (?:pour moi|de vous|de t)|"
        r"sans moi|ne (?:compte|comptez) pas sur moi|hors de question|pas question|je passe|je laisse (?:de côté|ça de côté)|n'est pas (?:possible|quelque chose que)|ce n'est pas à moi|n'est pas de mon ressort|très peu pour moi|je m'en tiens",
        r"désolé|regrett|malheureusement|navré|excus|pardon",
        r"illégal|délit|crime|danger|nuis|contraire à l'éthique|vie privée|confidenti|privé|polit|règles|sécurité|violen|offensant|discrimin|interdit",
        r"mais|cependant|toutefois|cela dit|en revanche|pourtant|quant|néanmoins|par contre|en ce qui concerne",
    ),
    "de": (
        r"(?:ich|wir|da|dabei|dazu|damit|hier|das|dies|dafür|hierbei|leider|so|es|davon|daran) ?(?:\S+ ){0,5}?(?:kann|können|möchte|möchten|werde|werden|darf|dürfen|will|wollen|mache|machen|gebe|geben|helfe|sage|schreibe|erkläre|verrate|teile|liefere|unterstütze|"
        r"äußere|nenne|beteilige|plane|ahme|spreche|rate|mag|lasse|bin|stehe|erstelle|biete|fälsche|übernehme|führe|beschreibe|gehe|verfasse|leite|beantworte)(?: \S+){0,8}? (?:nicht|nichts|kein|keine|keinen|keinerlei|nie|niemals|nie und nimmer)"
        r"|(?:kann|können|möchte|werde|darf|mache|gebe|helfe|sage|schreibe|erkläre|verrate|teile|ahme|nenne|bin|will|liefere|bekommst|bekommen|gibt)(?: ich| wir| du| sie| es)?(?: \S+){0,6}? (?:nicht|nichts|kein|keine|keinen|keinerlei)"
        r"|(?:lehne|muss|müssen)(?: \S+){0,6} ?(?:ablehnen|\bab\b|passen|absagen|verweigern)|verweigere|lieber nicht|ohne mich|kommt nicht in ?frage|kommt für mich nicht|von mir (?:nicht|keine?)|nicht mit mir|lasse ich (?:weg|aus|bleiben|lieber)|lass ich|halte ich mich (?:raus|zurück|heraus)|ich passe\b|da passe ich|höre ich (?:auf|hier)|nicht möglich|tabu|verzichte",
        r"tut mir leid|leider|entschuldig|bedaure|bedauer|verzeih|sorry",
        r"illegal|strafbar|straftat|verboten|gefährlich|schaden|schädlich|unethisch|privatsphäre|datenschutz|vertraulich|privat|richtlinie|regeln|gewalt|beleidig|diskriminier|gesetz",
        r"\baber\b|jedoch|allerdings|trotzdem|dennoch|dafür|stattdessen|was .{1,40} angeht|nun gut|na gut",
    ),
    "it": (
        r"non (?:ti |vi |le |la |lo |mi |ne |te lo |te la |ve lo |è )?(?:posso|possiamo|potrò|potrei|voglio|intendo|darò|do\b|dirò|scriverò|scrivo|spiegherò|spiego|condivido|fornisco|rivelo|parlo|parlerò|aiuterò|farò|faccio|rispondo|sono (?:autorizzat|in grado|disposto)|mi è possibile|"
        r"possibile|me la sento|contare su di me|divulgo|partecipo|entro|entrerò|consiglio|ho accesso|se ne parla|procederò)|preferisco (?:non|evitare|lasciar)|preferirei non|mi rifiuto|rifiuto|declino|mi astengo|devo (?:rifiutare|declinare|fermarmi)|niente da fare|senza di me|fuori discussione|lascio (?:stare|fuori|perdere)|mi fermo qui|passo\b|su questo no|impossibile aiutar|non .{0,20}(?:dirò|dico) nulla",
        r"mi dispiace|spiacent|purtroppo|scus|mi rincresce|temo",
        r"illegal|reato|pericolos|dann|non etic|privacy|riservat|privat|norme|politic|regole|violen|offensiv|vietat|discrimin",
        r"\bma\b|però|tuttavia|detto questo|invece|quanto a|comunque|d'altra parte",
    ),
    "pt": (
        r"não (?:te |lhe |me |vos |o |a |é |se )?(?:posso|podemos|poderei|poderia|vou|vamos|quero|darei|dou|damos|direi|escreverei|escrevo|explico|explicarei|compartilho|partilho|forneço|revelo|falo|falarei|ajudarei|farei|faço|respondo|estou (?:autorizad|dispost)|consigo|"
        r"possível|opino|participo|divulgo|conte comigo|contem comigo|cabe|recomendo|tenho (?:acesso|permissão)|sou (?:capaz|autorizad)|pretendo|entro)|prefiro (?:não|deixar|evitar)|preferia não|recuso|me recuso|recuso-me|devo recusar|tenho que recusar|declino|me abstenho|abstenho-me|sem chance|nem pensar|fora de questão|paro por aqui|deixo (?:de fora|de lado)|eu não .{0,20}(?:explico|ensino|faço|digo)|impossível ajudar",
        r"sinto muito|lamento|desculp|infelizmente|perdão|lastimo",
        r"ilegal|crime|perigos|dano|prejudic|antiétic|privacidade|confidencial|privad|polític|regras|violên|ofensiv|proibid|discrimin",
        r"\bmas\b|porém|no entanto|contudo|dito isso|dito isto|em vez disso|quanto a|entretanto|todavia|já a|mesmo assim",
    ),
    "nl": (
        r"(?:kan|kunnen|mag|mogen|wil|willen|ga|gaan|zal|doe|geef|deel|schrijf|help|zeg|vertel|verstrek|maak|werk|spreek|leg|noem|ben|plan|beantwoord|doen|geven|delen|bied|lever|stuur|verklap|verraad)(?: \S+){0,7}? (?:niet|niks|niets|geen|nooit)"
        r"|(?:niet|geen|niets)(?: \S+){0,5} (?:helpen|meewerken|delen|geven|uitleggen|schrijven|vertellen|van mij|over uit|mogelijk)|liever niet|ik (?:weiger|pas\b|bedank)|weiger ik|moet ik (?:weigeren|afslaan|passen)|daar begin ik niet aan|zonder mij|houd ik me buiten|geen sprake van|laat ik (?:weg|achterwege|liggen|buiten)|stop ik|sla ik over|niet van mij",
        r"sorry|helaas|het spijt me|spijtig|excuses|jammer",
        r"illegaal|strafbaar|verboten|gevaarlijk|schad|onethisch|privacy|vertrouwelijk|privé|beleid|regels|geweld|beledig|discrimin|wet\b",
        r"\bmaar\b|echter|toch|dat gezegd|wel kan|in plaats daarvan|wat .{1,30} betreft|niettemin",
    ),
    "pl": (
        r"nie (?:\S+ ){0,2}?(?:mogę|możemy|mogłbym|mógłbym|będę|chcę|zamierzam|udostępnię|udostępniam|napiszę|piszę|pomogę|powiem|podam|podaję|wyjaśnię|wyjaśniam|opiszę|zrobię|robię|ujawnię|ujawniam|odpowiem|wezmę|doradzę|jestem w stanie|wolno mi|dam\b|daję|omawiam|zdradzę|jest możliwe|wypowiadać|przygotuję|udzielę|udzielam|pomagam)|odmawiam|muszę odmówić|wolę (?:się |o tym |na ten temat )?(?:nie|pominąć)|wolałbym nie|nie ma mowy|beze mnie|pomijam|pominę|na tym (?:kończę|poprzestanę)|rezygnuję|tego .{0,30}nie (?:wyjaśnię|zrobię|powiem|podam)",
        r"przykro mi|niestety|przepraszam|wybacz|żałuję",
        r"nielegaln|przestępstw|niebezpieczn|szkod|krzywd|nieetyczn|prywatn|poufn|polityk|zasad|przemoc|obraźliw|zabronion|niezgodn|dyskrymin|prawem",
        r"\bale\b|jednak|natomiast|mimo to|zamiast|co do|niemniej|za to",
    ),
    "cs": (
        r"(?:nemohu|nemůžu|nemůžeme|nebudu|nechci|nesmím|nesděluji|nesdělím|neposkytuji|neposkytnu|nenapíšu|nepíšu|nepomohu|nepomůžu|neřeknu|nedám|nevysvětlím|neudělám|nedělám|neprozradím|neodpovím|nepopíšu|nevyjadř|neuvedu|neporadím|nejsem (?:oprávněn|schopen)|není (?:možné|v mých)|nelze|nehodlám|nezodpovím|nepřipravím|nezúčastním|nepodílím|nemíním)"
        r"|odmítám|musím odmítnout|raději (?:ne|bych ne|to vynechám)|radši ne|beze mě|nepřipadá v úvahu|vynechám|vynechávám|tím (?:končím|skončím)|zdržím se",
        r"je mi líto|bohužel|omlouvám|promiňte|promiň|lituji",
        r"nelegální|nezákonn|trestn|nebezpečn|škod|neetick|soukrom|důvěrn|zásad|pravid|násil|urážliv|zakázán|diskrimin|zákon",
        r"\bale\b|však|nicméně|přesto|místo toho|co se týče|zato|ovšem",
    ),
    "sv": (
        r"(?:kan|kommer|vill|får|tänker|ska|lämnar|skriver|delar|hjälper|ger|säger|förklarar|gör|svarar|berättar|ställer|avslöjar|diskuterar|beskriver|medverkar|tar|går|rekommenderar|planerar|är|skulle|gissar|hittar|lär)(?: jag| vi)?(?: \S+){0,4}? (?:inte|inget|ingenting|inga|aldrig|ej)"
        r"|(?:jag|vi)(?: \S+){0,2} (?:inte|inget|aldrig|ingenting)|helst inte|avstår|avböjer|vägrar|måste (?:neka|tacka nej|avböja|säga nej)|inte på tal|kommer inte på fråga|utan mig|står jag över|hoppar jag över|slutar jag|stannar jag|nej tack|nekar",
        r"tyvärr|ledsen|beklagar|förlåt|ursäkta",
        r"olaglig|brott|farlig|skad|oetisk|integritet|privat|konfidentiell|sekretess|riktlinje|policy|regler|våld|kränk|förbjud|diskrimin",
        r"\bmen\b|däremot|dock|ändå|istället|i stället|när det gäller|vad gäller|trots det",
    ),
    "no": (
        r"(?:kan|kommer|vil|får|skal|deler|skriver|hjelper|gir|sier|forklarer|gjør|svarer|forteller|avslører|beskriver|medvirker|tar|går|anbefaler|planlegger|er|blir|ønsker|gjetter|utleverer|oppgir)(?: jeg| vi)?(?: \S+){0,4}? (?:ikke|ingenting|ingen|aldri|noe slikt)"
        r"|(?:jeg|vi)(?: \S+){0,2} (?:ikke|aldri|ingenting)|helst ikke|avslår|avstår|nekter|må (?:si nei|avslå|takke nei|nekte)|ikke tale om|uten meg|står jeg over|hopper jeg over|stopper jeg|nei takk",
        r"beklager|dessverre|lei for|unnskyld|leit",
        r"ulovlig|forbrytelse|kriminel|farlig|skad|uetisk|personvern|privat|konfidensiel|taushet|retningslinje|regler|vold|krenk|forbud|diskrimin|lovbrudd",
        r"\bmen\b|derimot|imidlertid|likevel|i stedet|når det gjelder|hva gjelder",
    ),
    "da": (
        r"(?:kan|kommer|vil|må|skal|deler|skriver|hjælper|giver|siger|forklarer|gør|svarer|fortæller|afslører|beskriver|medvirker|tager|går|anbefaler|planlægger|er|bliver|ønsker|gætter|udleverer|oplyser|får)(?: jeg| vi| du)?(?: \S+){0,4}? (?:ikke|intet|ingen|ingenting|aldrig)"
        r"|(?:jeg|vi)(?: \S+){0,2} (?:ikke|aldrig|intet)|helst ikke|afslår|afstår|nægter|må (?:sige nej|afslå|takke nej|afvise)|afviser|ikke tale om|uden mig|står jeg over|springer jeg over|stopper jeg|nej tak",
        r"beklager|desværre|ked af|undskyld|øv",
        r"ulovlig|forbrydelse|kriminel|farlig|skad|uetisk|privatliv|privat|fortrolig|tavshed|retningslinje|regler|vold|kræn|forbud|diskrimin|strafbar",
        r"\bmen\b|derimot|dog|alligevel|i stedet|hvad angår|når det gælder|til gengæld",
    ),
    "fi": (
        r"(?:^|[\s,;:.(\"–-])(?:en|emme|ei)(?: \S+){0,3}? (?:voi|aio|halua|saa|pysty|auta|kerro|kirjoita|jaa|luovuta|anna|neuvo|selitä|tee|vastaa|osallistu|suostu|ota|ole|paljasta|käsittele|kykene|ryhdy|opasta|suosittele|mene|lähde|julkaise|kuvaile|luo)|kieltäydyn|joudun kieltäytymään|pidättäydyn|en kiitos|jätän (?:\S+ )?(?:pois|väliin|sanomatta|kertomatta)|lopetan tähän|ei onnistu|ei käy|ilman minua|mieluummin en",
        r"valitettavasti|pahoillani|anteeksi|harmi|ikävä kyllä",
        r"laiton|rikos|vaarallis|vahing|haital|epäeetti|yksityi|luottamuksel|ohje|säännö|käytännö|väkival|loukkaav|kiellet|syrji|salassa",
        r"mutta|kuitenkin|silti|sen sijaan|mitä .{1,30} tulee|toisaalta",
    ),
    "ca": (
        r"no (?:et |us |li |els |ho |la |em |ens |en |m'|t'|t'ho |us ho |te la |te'l |és )*(?:puc|podem|podré|podria|vull|penso|donaré|dono|donem|diré|escriuré|escric|explicaré|explico|comparteixo|facilito|revelo|parlaré|ajudaré|faré|faig|respondré|estic (?:autoritzat|disposat)|és possible|possible|compta amb mi|comptis amb mi|opino|correspon)"
        r"|m'estimo més (?:no|deixar)|prefereixo (?:no|deixar)|m'hi nego|em nego|refuso|rebutjo|declino|m'abstinc|he de (?:refusar|negar|dir que no|declinar)|ni parlar-ne|sense mi|fora de qüestió|ho deixo (?:aquí|fora)|ometo|em sap greu però no|de .{1,30} no en (?:parl|dir)",
        r"ho sento|em sap greu|disculp|malauradament|perdó|lamento",
        r"il·legal|delicte|perill|dany|perjudic|ètic|privacitat|confidencial|privad|polític|normes|violèn|ofensi|prohibi|discrimin",
        r"però|tanmateix|no obstant|dit això|en canvi|pel que fa|malgrat|tot i així",
    ),
    "tr": (
        r"(?:yardımcı|yardım|destek) (?:olamam|edemem|olamıyorum|edemiyorum|olmayacağım|etmeyeceğim|olamayız|edemeyiz|olmam|veremem)|\S+(?:amam|emem|amıyorum|emiyorum|ımıyorum|imiyorum|umuyorum|ümüyorum|mayacağım|meyeceğim|amayız|emeyiz|amıyoruz|emiyoruz|mıyorum|miyorum|muyorum|müyorum|mam|mem)(?:[\s.,!;]|$)"
        r"|reddediyorum|reddetmek zorundayım|mümkün değil|(?:istemem|tercih ederim|etmemeyi|vermemeyi|yapmamayı|yazmamayı)|ben yokum|söz konusu (?:olamaz|bile)|burada duruyorum|hayır demek|atlıyorum|dışarıda bırak",
        r"üzgünüm|maalesef|ne yazık ki|özür|kusura|affedersin",
        r"yasa ?dışı|suç|tehlike|zarar|etik (?:değil|dışı)|gizli|gizlilik|özel|kişisel|politika|kural|şiddet|hakaret|yasak|ayrımcı",
        r"\bama\b|ancak|fakat|yine de|bunun yerine|gelince|ise\b|öte yandan|buna karşın",
    ),
    "id": (
        r"(?:tidak|tak|nggak|gak|enggan|belum)(?: \S+){0,2}? (?:bisa|dapat|akan|mau|ingin|membagikan|memberikan|menulis|membantu|menjelaskan|berikan|jelaskan|boleh|mungkin|bersedia|memberi|menyediakan|berwenang|diizinkan|menjawab|membahas|melayani|sanggup|saya (?:berikan|jelaskan|bahas|tulis))|saya (?:menolak|tolak|harus menolak|memilih (?:untuk )?tidak|lebih baik tidak|keberatan|enggan|lewati|berhenti)|lebih baik (?:saya )?tidak|terpaksa (?:saya )?(?:menolak|tolak)|cukup sampai di sini|tanpa saya|di luar (?:kewenangan|batas)",
        r"maaf|sayangnya|mohon maaf|menyesal",
        r"ilegal|melanggar|kejahatan|pidana|berbahaya|bahaya|merugikan|tidak etis|privasi|rahasia|pribadi|kebijakan|aturan|kekerasan|menyinggung|dilarang|diskrimin",
        r"tetapi|tapi|namun|meski|sebagai gantinya|soal|mengenai|sedangkan|akan tetapi|walaupun",
    ),
    "vi": (
        r"(?:không|chẳng|chưa)(?: \S+){0,2}? (?:thể|giúp|chia sẻ|viết|giải thích|cung cấp|muốn|nói|đưa|trả lời|được phép|tiện|bàn|làm|hỗ trợ|tiết lộ|hướng dẫn|tham gia|đồng ý|nêu|khuyến)|(?:tôi|mình|em) (?:xin )?(?:từ chối|phép từ chối|dừng|miễn|bỏ qua)|xin (?:từ chối|phép không|được từ chối|miễn)|đành (?:phải )?từ chối|tốt hơn là không|ngoài (?:khả năng|phạm vi)|thì (?:tôi )?không",
        r"xin lỗi|rất tiếc|tiếc là|lấy làm tiếc|đáng tiếc",
        r"phạm pháp|bất hợp pháp|trái pháp luật|tội|nguy hiểm|gây hại|có hại|phi đạo đức|riêng tư|bảo mật|bí mật|cá nhân|chính sách|quy định|bạo lực|xúc phạm|cấm|phân biệt",
        r"nhưng|tuy nhiên|thay vào đó|còn|về phần|tuy vậy|dù vậy|mặc dù",
    ),
    "ru": (
        r"не (?:\S+ ){0,2}?(?:могу|можем|смогу|буду|стану|хочу|собираюсь|раскрываю|раскрою|напишу|пишу|помогу|помогаю|скажу|дам|даю|объясню|объяснять|расскажу|отвечу|готов|вправе|намерен|имею (?:права|доступа|возможности)|предоставляю|предоставлю|выдаю|назову|советую|участвую|возьмусь|поделюсь|делюсь|комментирую|получится|обсуждаю|возможно)|отказываюсь|вынужден(?:а|ы)? отказать|предпоч(?:ёл|ел|ту|итаю|ла)(?: бы)? не|лучше (?:промолчу|воздержусь|не)|воздержусь|воздерживаюсь|без меня|исключено|об этом не|это не ко мне|пропущу|опущу|на этом (?:остановлюсь|всё)|я пас\b",
        r"извин|прости|к сожалению|сожалею|жаль|увы",
        r"незаконн|преступлен|противозаконн|опасн|вред|неэтичн|конфиденциальн|приватн|личн|политик|правил|насили|оскорб|запрещ|дискримин|закон",
        r"\bно\b|однако|тем не менее|вместо этого|что касается|зато|впрочем|хотя|\sно\s|\sа вот\s",
    ),
    "uk": (
        r"не (?:\S+ ){0,2}?(?:можу|можемо|зможу|буду|стану|хочу|збираюся|розголошую|напишу|писатиму|пишу|допоможу|допомагаю|скажу|дам|даю|поясню|пояснюватиму|розповім|відповім|готов|вправі|маю (?:права|доступу|змоги)|надаю|надам|назву|раджу|беру участі|поділюся|коментую|вийде|обговорюю|можливо|казатиму|робитиму|розкриваю|братимусь)|відмовляюс|відмовляюся|змушен(?:ий|а)? відмовити|волі(?:в|ла) би не|краще (?:промовчу|утримаюсь|не)|утримаюс|утримуюс|без мене|виключено|про це не|пропущу|оминаю|на цьому (?:зупинюся|все)|я пас",
        r"вибач|пробач|на жаль|шкода|перепрошую",
        r"незаконн|злочин|протизаконн|небезпечн|шкод|шкідлив|неетичн|конфіденційн|приватн|особист|політик|правил|насильств|образ|заборон|дискримін|закон",
        r"\bале\b|однак|проте|натомість|щодо|зате|втім|хоча|\sале\s",
    ),
    "el": (
        r"δεν (?:\S+ ){0,3}?(?:μπορώ|μπορούμε|θα|δίνω|δίνουμε|γράφω|βοηθώ|λέω|εξηγώ|μοιράζομαι|αποκαλύπτω|θέλω|επιτρέπεται|είμαι σε θέση|κάνω|σκοπεύω|συμμετέχω|παρέχω|γίνεται|πρόκειται|προτίθεμαι|απαντώ|σχολιάζω)|αρνούμαι|πρέπει να αρνηθώ|θα (?:αρνηθώ|περάσω|σταματήσω|προτιμούσα να μη)|προτιμώ να μη|καλύτερα (?:να μη|όχι)|απέχω|χωρίς εμένα|ούτε λόγος|αποκλείεται|παραλείπω|το αφήνω|ως εδώ|αδυνατώ",
        r"λυπάμαι|συγγνώμη|δυστυχώς|με συγχωρ|ζητώ συγγνώμη",
        r"παράνομ|έγκλημα|αδίκημα|επικίνδυν|βλάβ|βλάπτ|ανήθικ|απόρρητ|εμπιστευτικ|ιδιωτικ|προσωπικ|πολιτικ|κανόν|βία|προσβλητικ|απαγορεύ|διακρίσ",
        r"αλλά|όμως|ωστόσο|παρ' όλα|αντί|όσο για|όσον αφορά|πάντως",
    ),
    "he": (
        r"(?:אני|אנחנו|אנו)? ?(?:לא|אינני|איני|אין) (?:\S+ ){0,2}?(?:יכול|יכולה|יכולים|אוכל|נוכל|מוסר|מוסרת|אכתוב|כותב|אעזור|עוזר|אסביר|מסביר|אתן|נותן|נותנת|אומר|אגיד|אשתף|משתף|אענה|מוכן|מוכנה|רשאי|רשאית|אגלה|אפשרי|אציע|אשתתף|מעוניין|ניתן|באפשרותי|ביכולתי|אפרט|אדבר|לדבר|להביע|אעשה|עושה)|מסרב|מסרבת|נאלץ לסרב|נאלצת לסרב|מעדיפ?ה? (?:ש)?לא|מעדיף (?:ש)?לא|עדיף שלא|נמנע|בלעדיי|לא בא בחשבון|אדלג|אעצור (?:כאן|פה)|אשאיר (?:את זה )?בחוץ|מוותר",
        r"מצטער|סליחה|לצערי|מתנצל|צר לי",
        r"לא חוקי|עביר|פשע|מסוכן|מזיק|נזק|לא אתי|פרטיות|סודי|חסוי|פרטי|אישי|מדיניות|כללים|אלימות|פוגע|אסור|אפליה|חוק",
        r"אבל|אולם|אך|עם זאת|במקום זאת|לגבי|באשר ל|ואילו|למרות",
    ),
    "ar": (
        r"(?:لا|لن|لم|ليس) (?:\S+ ){0,2}?(?:أستطيع|نستطيع|يمكنني|يمكننا|أكتب|أشارك|أقدّم|أقدم|أشرح|أساعد|أعطي|أقول|أريد|أرغب|أفصح|أكشف|أجيب|أتحدث|أناقش|أفعل|يحق لي|يُسمح لي|يسمح لي|أشارككم|أشاركك|أعطيك|أساعدك|أوضح|أعلّق|نقدم|مستعد|بإمكاني|من الممكن|بوسعي|أخوض|أنصح|أقوم|نشارك|أبدي|أدلي)|(?:لا|لن|فلن|فلا) ?أ(?:كتب|شرح|قدم|قدّم|تحدث|ساعد|عطي|شارك|ذكر|جيب)|أرفض|أعتذر عن|نعتذر عن|أمتنع|أفضل عدم|أفضّل عدم|أفضل ألا|أفضّل ألا|مضطر (?:إلى |ل)?(?:الرفض|رفض|للرفض|للاعتذار)|غير (?:قادر|مستعد|مسموح|ممكن|مخوّل)|خارج (?:نطاق|صلاحياتي)|سأتوقف هنا|أتركه|مستحيل",
        r"آسف|عذراً|عذرا|أعتذر|للأسف|معذرة|المعذرة|مع الأسف|يؤسفني",
        r"غير قانوني|مخالف|جريمة|خطر|خطير|ضار|ضرر|أذى|غير أخلاقي|خصوصية|سري|سرية|خاص|شخصي|سياس|قواعد|عنف|مسيء|ممنوع|محظور|تمييز",
        r"لكن|ولكن|غير أن|مع ذلك|بدلاً|بدلا|أما|إلا أن|بالمقابل",
    ),
    "hi": (
        r"(?:नहीं|न|मना) (?:\S+ ){0,3}?(?:कर|दे|लिख|बता|कह|कहूँ|सक|दूँ|दूं|करूँ|करूं|चाह|बताऊँ|बताऊं|लिखूँ|लिखूं|समझा|दिखा|दिया जा|हो सक|करता|करती|देता|देती|बोल)|(?:सकता|सकती|सकते|करूँगा|करूँगी|करता|करती|दूँगा|दूँगी|बताऊँगा|चाहता|चाहती|लिखूँगा) ?नहीं|(?:मदद|सहायता)(?: \S+){0,2} नहीं|मना कर|इनकार|इंकार|अस्वीकार|बेहतर (?:है|होगा) (?:कि )?(?:मैं )?(?:न|ना)|असमर्थ|संभव नहीं|इसे छोड़|यहीं रुक|अनुमति नहीं|मेरी ओर से नहीं",
        r"माफ़|माफ|क्षमा|खेद|अफ़सोस|अफसोस|दुर्भाग्य",
        r"अवैध|गैरकानूनी|ग़ैरक़ानूनी|अपराध|खतरनाक|ख़तरनाक|नुकसान|हानि|अनैतिक|गोपनीय|निजी|व्यक्तिगत|नीति|नियम|हिंसा|अपमान|मना है|वर्जित|भेदभाव|कानून",
        r"लेकिन|मगर|किन्तु|परन्तु|परंतु|हालाँकि|हालांकि|फिर भी|इसके बजाय|जहाँ तक|पर\s",
    ),
    "th": (
        r"(?:ช่วย|ทำ|ให้|บอก|ตอบ|เขียน|อธิบาย|เปิดเผย|แนะนำ|สอน|แชร์|พูดถึง|สนับสนุน|ดำเนินการ)\S{0,30}?(?:ไม่ได้|มิได้)|ไม่(?:สามารถ|ขอ|ให้|เปิดเผย|เขียน|อธิบาย|บอก|ช่วย|แนะนำ|ตอบ|ทำ|พูด|แสดง|แชร์|ยินดี|สะดวก|ประสงค์|อาจ|อยาก|มีสิทธิ์|ได้รับอนุญาต)|จะไม่|คงไม่|ขอ(?:ไม่|ปฏิเสธ|งด|ผ่าน|สงวน|หยุด|เว้น|ข้าม)|ปฏิเสธ(?:คำขอ|ที่จะ|ครับ|ค่ะ|$|\s)|เป็นไปไม่ได้|นอกเหนือ",
        r"ขอโทษ|ขออภัย|เสียใจ|น่าเสียดาย|เสียดาย",
        r"ผิดกฎหมาย|อาชญากรรม|อันตราย|เป็นภัย|ผิดจริยธรรม|ความเป็นส่วนตัว|ความลับ|ส่วนตัว|นโยบาย|กฎ|รุนแรง|ดูหมิ่น|ห้าม|เลือกปฏิบัติ",
        r"แต่|อย่างไรก็ตาม|ส่วน|แทน|ถึงอย่างนั้น|แม้ว่า",
    ),
    "ja": (
        r"(?:でき|出来|いたし|致し|し|書き|教え|答え|応じ|手伝え|お話しし|話し|話せ|お出しし|出し|言い|言え|示し|渡し|渡せ|応え|お答えし|お教えし|勧め|助け|支援し|お伝えし|説明し|関わり|協力し|提供し|述べ|扱い|触れ|申し上げ|差し上げ|お勧めし|お渡しし)(?:られ|かね|得)?(?:ません|ない|ねます|兼ねます|ず)|(?:かね|兼ね)(?:ます|る)|(?:お断り|断り|辞退|拒否|遠慮|控え)(?:いた|させ|し|する|ます|え|たい)|控えます|控えさせ|ご遠慮|お力になれません|力になれ|なれません|わけには(?:いき|参り)|無理(?:です|だ|。)|不可能|ここまでに|やめておき|差し控え|教えられ|できかね|対象外|ノーコメント|ダメです|だめです",
        r"申し訳|ごめん|すみません|残念|恐れ入り|あいにく|恐縮",
        r"違法|犯罪|法律|危険|有害|害|倫理|プライバシー|機密|秘密|個人情報|ポリシー|規約|規則|ルール|暴力|差別|禁止|侮辱|社外秘",
        r"しかし|ただし|ですが|ただ、|とはいえ|代わりに|一方|については|けれど|だが|それでも|なお",
    ),
    "zh": (
        r"(?:不|无法|無法|没法|不能|未能|难以|不便|不会|不會|不想|不打算|不可以|不愿|不願|不方便|不予|恕不|恕难|拒绝|拒絕|谢绝|婉拒|没办法|不宜|不得|不再|恕我)(?:\S{0,8}?)(?:帮|幫|提供|回答|透露|写|寫|说|說|告诉|告訴|协助|協助|给|給|分享|解释|解釋|讨论|討論|生成|参与|參與|支持|做|发表|發表|从命|奉告|说明|說明|满足|滿足|继续|繼續|公开|公開|评论|評論|建议|教|处理|執行|执行|介绍|涉及|谈|談)|我(?:拒绝|拒絕|必须拒绝|不能|不会|不會|无法|無法|不想|不愿|不干|选择不)|(?:所以|因此|只能|必须|不得不|予以)拒(?:绝|絕)|恕(?:不|难|我)|无可奉告|無可奉告|到此为止|就不(?:说|讲|写|提|谈)|免谈|不行(?:。|!|！|,|，|$)|办不到|爱莫能助|略过|跳过",
        r"抱歉|对不起|對不起|很遗憾|遗憾|不好意思|可惜|见谅|请谅解",
        r"违法|違法|犯罪|非法|法律|危险|危險|有害|伤害|傷害|不道德|隐私|隱私|机密|保密|秘密|个人信息|政策|规定|規定|规则|暴力|歧视|禁止|侮辱|风险",
        r"但|不过|不過|然而|可是|至于|至於|虽然|尽管|另外|相反|而是",
    ),
    "ko": (
        r"(?:할|드릴|도울|알려드릴|도와드릴|말씀드릴|말할|쓸|줄|설명할|설명드릴|제공할|답할|답변드릴|밝힐|공유할|해드릴|도와줄|알려줄|될|갈|응할|따를|가르칠|추천할|볼|들어드릴) ?수(?:는|가|도)? ?없|지 ?(?:않겠|않을|못하|못합|않습|못해|않아요|않을게|않으려|못할)|(?:거절|거부|사양|자제|삼가)(?:하겠|합니|할게|해야|하고|드리|드려)|(?:어렵|곤란|힘들|불가능|불가)(?:습니다|합니다|해요|겠|네요|하네)|(?:도움|답변|안내|제공|설명)(?:이|은|을)? ?(?:불가|어렵|힘들)|안 ?(?:됩니다|돼요|할게요|하겠|하려|해요)|못 ?(?:합니다|해요|하겠|해드|도와|알려)|빼겠|빼고 ?드|여기서 ?(?:멈추|그만|마치)|제외하겠|생략하겠|노코멘트|밖의 ?(?:일|요청)|싫습니다|싫어요",
        r"죄송|미안|유감|안타깝|아쉽|송구",
        r"불법|범죄|위법|위험|유해|해로|해를|비윤리|개인정보|사생활|기밀|비밀|비공개|정책|규정|규칙|폭력|차별|금지|모욕|법률",
        r"하지만|그러나|다만|그렇지만|대신|반면|에 ?대해서는|그래도|그런데|지만",
    ),
    "ro": (
        r"nu (?:te |vă |îți |vi |pot |o |l |le )*(?:pot|putem|voi|vreau|doresc|dau|dăm|scriu|spun|ofer|oferim|explic|împărtășesc|divulg|fac|particip|răspund|"
        r"am (?:voie|acces|cum)|sunt (?:autorizat|dispus|în măsură)|este posibil|e posibil|intenționez|ajut|mă pronunț|recomand|contribui)|n-(?:am să|o să|am voie|ai să)|refuz|mă abțin|prefer să nu|"
        r"aș prefera să nu|trebuie să refuz|fără mine|nici vorbă|exclus|las deoparte|mă opresc aici|imposibil să",
        r"îmi pare rău|din păcate|scuze|regret|iertare",
        r"ilegal|infracțiune|pericul|dăun|neetic|confidențial|privat|intimitate|politic|reguli|violen|ofensa|interzis|discrimin|lege",
        r"\bdar\b|însă|totuși|în schimb|cât despre|în ceea ce privește|cu toate acestea",
    ),
    "hu": (
        r"nem (?:\S+ ){0,2}?(?:tudok|tudunk|fogok|fogom|akarok|szeretnék|segíthetek|segítek|adhatok|adok|írok|írom|mondok|mondom|osztok|oszthatok|árulok|árulom|magyarázok|"
        r"magyarázom|vagyok hajlandó|áll módomban|lehetséges|adom|közlök|válaszolok|veszek részt|teszem|csinálom|adhatom|foglalok)|(?:visszautasít|megtagad|elutasít)\S*|inkább nem|"
        r"nélkülem|szó sem lehet|kihagy(?:om|nám)|itt megállok|tartózkod\S+|(?:segíteni|elmondani|megírni|megadni) nem",
        r"sajnál|sajnos|elnézést|bocsánat|bocs",
        r"törvénytelen|illegális|bűncselekmény|veszély|ártalm|árt|etikátlan|bizalmas|személyes|magán|szabály|irányelv|erőszak|sértő|tilos|diszkrimin|törvény",
        r"\bde\b|azonban|viszont|ugyanakkor|ehelyett|ami .{1,30} illeti|mégis",
    ),
    "bg": (
        r"не (?:\S+ ){0,2}?(?:мога|можем|ще|искам|желая|давам|пиша|споделям|разкривам|казвам|обяснявам|помагам|предоставям|съм в състояние|е възможно|участвам|отговарям|възнамерявам|предлагам|коментирам)|"
        r"няма да|отказвам|трябва да откажа|предпочитам да не|въздържам се|без мен|изключено|пропускам|дотук|спирам дотук|невъзможно",
        r"съжалявам|за съжаление|извин|прости",
        r"незаконн|престъплени|опасн|вред|неетичн|поверителн|личн|политик|правил|насили|обид|забран|дискримин|закон",
        r"\bно\b|обаче|въпреки|вместо това|що се отнася|докато|\sно\s",
    ),
    "hr": (
        r"ne (?:\S+ ){0,2}?(?:mogu|možemo|želim|dajem|pišem|pomažem|dijelim|delim|otkrivam|govorim|objašnjavam|smijem|smem|namjeravam|nameravam|sudjelujem|učestvujem|odgovaram|nudim|radim|iznosim|bih)|neću|nećemo|"
        r"odbijam|moram odbiti|radije ne|radije bih|bez mene|ne dolazi u obzir|izostavljam|preskačem|suzdržavam|ovdje stajem|nisam (?:u mogućnosti|ovlašten|spreman)|nije moguće|nemoguće",
        r"žao mi je|nažalost|oprosti|ispričavam|izvini",
        r"ilegal|nezakonit|zločin|opasn|štet|neetičn|povjerljiv|poverljiv|privat|osobn|ličn|pravil|politik|nasilj|uvredljiv|zabranjen|diskrimin|zakon",
        r"\bali\b|međutim|ipak|umjesto|umesto|što se tiče|no\s",
    ),
}  # fmt: skip

# "Instead", "if you like", "I can help with", "talk to": what an answer offers in place of what was asked.
_OFFERS = {
    "es": r"en su lugar|en cambio|si (?:quieres|quiere|te|le|necesitas|lo|estás|está)|puedo (?:ayudar|ofrecer|sugerir|contarte|explicarte)|te (?:puedo|ayudo|propongo|sugiero)|con gusto|hablar con|consulta|llama|línea de|un (?:médico|abogado)|una? (?:conversación|profesional)|suele|mejor",
    "fr": r"à la place|plutôt|si (?:vous|tu|cela|c'est)|je peux (?:vous|t'|te|en revanche)|volontiers|parlez|parler|contactez|appelez|un (?:médecin|avocat|professionnel)|souvent|en revanche",
    "de": r"stattdessen|wenn (?:du|sie|es|misstrauen)|falls|kann ich (?:dir|ihnen|gern)|helfe ich gern|gerne?|wenden|sprechen|gespräch|beratung|notruf|ärzt|arzt|anwalt|hilft|besser|alternativ|schlage vor",
    "it": r"invece|se (?:vuoi|vuole|ti|hai|desideri)|posso (?:aiutar|invece|però)|volentieri|parla|parlarne|contatta|chiama|un (?:medico|avvocato)|di solito|meglio",
    "pt": r"em vez disso|se (?:quiser|você|precisar|desejar)|posso (?:ajudar|sugerir|te|lhe|explicar)|com prazer|converse|conversar|procure|ligue|um (?:médico|advogado)|costuma|melhor",
    "nl": r"in plaats daarvan|als (?:je|u)|wil je|kan ik (?:je|u|wel)|graag|praat|gesprek|neem contact|bel\s|een (?:arts|advocaat)|beter|helpt",
    "pl": r"zamiast tego|jeśli|chętnie|mogę (?:natomiast|za to|pomóc|zaproponować|podpowiedzieć)|porozmawiaj|rozmowa|skontaktuj|zadzwoń|lekarz|prawnik|lepiej|lepsza",
    "cs": r"místo toho|pokud|jestli|rád (?:vám|ti|pomohu)|ráda|mohu (?:vám|ti|však|ale)|promluv|rozhovor|obraťte|zavolej|lékař|právník|lepší|raději zkus",
    "sv": r"i stället|istället|om du|gärna|jag kan (?:däremot|hjälpa|i stället|föreslå)|prata|samtal|kontakta|ring|läkare|jurist|bättre|hjälper",
    "no": r"i stedet|hvis du|om du|gjerne|jeg kan (?:derimot|hjelpe|heller|foreslå)|snakk|samtale|kontakt|ring|lege|advokat|bedre|hjelper",
    "da": r"i stedet|hvis du|gerne|jeg kan (?:derimot|hjælpe|i stedet|foreslå)|tal med|samtale|kontakt|ring|læge|advokat|bedre|hjælper",
    "fi": r"sen sijaan|jos (?:haluat|sinä|tarvitset|olet)|mielelläni|voin (?:sen sijaan|auttaa|kuitenkin|ehdottaa)|keskustel|puhu|ota yhteyttä|soita|lääkäri|asianajaja|parempi|auttaa usein",
    "ca": r"en canvi|si (?:vols|et|necessites|ho)|puc (?:ajudar|proposar|explicar)|amb molt de gust|parla|truca|un (?:metge|advocat)|millor|sol ",
    "tr": r"bunun yerine|isterseniz|istersen|eğer|memnuniyetle|yardımcı olabilirim|önerebilirim|konuş|arayın|başvurun|doktor|avukat|daha (?:iyi|faydalı)",
    "id": r"sebagai gantinya|jika (?:kamu|anda|mau)|kalau|saya bisa (?:membantu|menyarankan)|dengan senang hati|bicara|hubungi|dokter|pengacara|lebih baik|lebih berguna",
    "vi": r"thay vào đó|nếu (?:bạn|muốn|cần)|tôi có thể (?:giúp|gợi ý)|sẵn lòng|hãy|nói chuyện|liên hệ|gọi|bác sĩ|luật sư|tốt hơn",
    "ru": r"вместо этого|если (?:хотите|хочешь|вам|тебе|вы|ты|нужно)|могу (?:помочь|предложить|рассказать|зато|вместо)|с удовольствием|охотно|поговорите|поговори|разговор|обратитесь|позвоните|врач|юрист|лучше|помогает",
    "uk": r"натомість|якщо (?:хочете|хочеш|вам|тобі|ви|ти|потрібно)|можу (?:допомогти|запропонувати|розповісти|натомість)|залюбки|охоче|поговоріть|поговори|розмова|зверніться|зателефонуйте|лікар|юрист|краще|допомагає",
    "el": r"αντί γι|αν (?:θέλεις|θέλετε|χρειάζ|το)|μπορώ (?:όμως|να σου|να σας|να προτείνω)|ευχαρίστως|μίλησε|μιλήστε|επικοινων|κάλεσε|γιατρ|δικηγόρ|καλύτερα",
    "he": r"במקום זאת|במקום זה|אם (?:תרצה|תרצי|אתה|את|תרצו)|אני יכול(?:ה)? (?:לעזור|להציע)|אשמח|בשמחה|דבר עם|שיחה|פנה|התקשר|רופא|עורך דין|עדיף",
    "ar": r"بدلاً من ذلك|بدلا من ذلك|إذا (?:أردت|كنت|رغبت|شئت)|إن شئت|يمكنني (?:مساعدتك|أن|اقتراح)|يسعدني|بكل سرور|تحدث|الحديث|تواصل|اتصل|طبيب|محام|أفضل",
    "hi": r"इसके बजाय|इसकी जगह|अगर (?:आप|तुम)|यदि|मैं (?:आपकी )?(?:मदद कर सकता|बता सकता|सुझा)|खुशी से|ख़ुशी से|बात कर|संपर्क|फ़ोन|फोन|डॉक्टर|वकील|बेहतर",
    "th": r"แทน|ถ้า(?:คุณ|ต้องการ|อยาก)|หาก|ยินดีช่วย|ช่วยเรื่อง|คุยกับ|ติดต่อ|โทร|แพทย์|ทนาย|ดีกว่า",
    "ja": r"代わりに|もし|よろしければ|でしたら|お手伝いでき(?:ます|ること)|ご案内|ご相談|相談|お勧めします|連絡|電話|医師|弁護士",
    "zh": r"如果(?:你|您|需要|想)|我可以(?:帮|协助|建议|提供)|很乐意|乐意|建议(?:你|您)|可以(?:联系|咨询|考虑|试)|不妨|拨打|医生|律师|更有用|更好",
    "ko": r"대신|원하시면|원하신다면|필요하시면|도와드릴 수 있(?:습|어)|기꺼이|상담|문의|연락|전화|의사|변호사|대화|추천드",
    "ro": r"în schimb|dacă (?:vrei|vreți|ai|dorești)|pot (?:să te ajut|în schimb|sugera)|cu plăcere|vorbește|vorbiți|contactează|sună|medic|avocat|mai bine",
    "hu": r"helyette|ha (?:szeretn|gondol|akar|kell|van)|szívesen|tudok (?:segíteni|viszont|ajánlani)|beszélj|beszélgetés|fordulj|hívd|orvos|ügyvéd|inkább|jobb",
    "bg": r"вместо това|ако (?:искате|искаш|ви|ти)|мога (?:да помогна|да предложа)|с удоволствие|поговорете|разговор|свържете|обадете|лекар|адвокат|по-добре",
    "hr": r"umjesto toga|umesto toga|ako (?:želiš|želite|ti|vam|hoćeš)|mogu (?:pomoći|predložiti|ti|vam)|rado|razgovor|obrati|nazovi|liječnik|odvjetnik|bolje",
}  # fmt: skip
_NO = (
    r"^\W*(?:no|non|nein|nee|nie|nej|nei|ne|não|nu|nem|ei|hayır|olmaz|нет|ні|не|όχι|לא|لا|नहीं|ไม่|いいえ|いえ|だめ|不|不行|아니요|아니|안 돼|không|tidak)"
    r"(?:$|[\s.,!:;、。,!—-])"
)


@cache
def patterns(code: str) -> dict[str, Any]:
    """Return the patterns of a language, by kind."""
    import re2

    if code == "en":
        chosen = _EN
    else:
        decline, sorry, reason, turn = _OTHERS[code]
        chosen = {"decline": decline, "sorry": sorry, "reason": reason, "turn": turn.replace(r"\b", "")}
        chosen |= {"offer": _OFFERS[code], "terse": _NO}
    return {kind: re2.compile(f"(?im){pattern}") for kind, pattern in chosen.items()}


@cache
def _idioms() -> Any:
    import re2

    return re2.compile(_IDIOMS)


def marks(text: str, code: str) -> Iterator[tuple[str, int, int]]:
    """Yield what is done where: kind, start and end in a text of lower case and straight quotes.

    >>> [kind for kind, _, _ in marks("i'm sorry, but i can't help with that.", "en")]
    ['decline', 'sorry', 'turn']
    >>> [kind for kind, _, _ in marks("i can't help but notice.", "en")]
    ['turn']
    """
    for kind, pattern in patterns(code).items():
        for found in pattern.finditer(text):
            start, end = found.span()
            if kind == "decline" and code == "en":
                last = text.rfind(" ", start, end) + 1 or start
                if _idioms().match(text[last : end + 40]):
                    continue
            yield kind, start, end
