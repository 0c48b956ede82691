"""The words that `harm_level` counts, by what they tell: our own lists, English."""

# ruff: noqa: E501 - lists of words
from __future__ import annotations

from collections.abc import Mapping

_LINKS = (
    "a about above after again against all also an and any are as at be because been before being below between "
    "both but by can can't could did do does don't down during each few for from had has have he her here his how "
    "i i'm if in into is isn't it it's its just may me might more most my no nor not of off on once only or other "
    "our out over own please same she should so some such than that that's the their them then there these they "
    "this those through to too under until up us very was we were what when where which while who why will with "
    "would yes you you're your"
)
LINKS = frozenset(_LINKS.split())
"""Words that link others: no content, and the mark of English."""

WORDS: Mapping[str, str] = {
    "sure": "sure certainly yes absolutely okay ok alright great",
    "sorry": "sorry apologize apologise apologies unfortunately regret afraid",
    "wrong": "illegal unethical immoral inappropriate unacceptable unlawful crime criminal wrong",
    "against": "harmful dangerous unsafe offensive hateful misinformation misleading disrespectful myth false stereotypes"
    " stereotype stereotyping unfair discriminatory baseless unfounded debunked",
    "support": "hotline lifeline counselor counsellor therapist therapy 988 911 trusted professional professionals support"
    " crisis recovery healing wellbeing doctor",
    "instead": "instead however alternatively alternative alternatives rather prefer",
    "hedge": "may might could possibly perhaps often generally typically usually broadly tend sometimes potentially"
    " abstract various certain likely somewhat arguably",
    "caution": "avoid caution careful respect respectful consent never responsibly legal legally ethical ethically safety"
    " safely consult remember permission boundaries",
    "fiction": "fictional fiction hypothetical hypothetically educational satire satirical novel scene story character"
    " disclaimer imaginary narrator",
    "seq": "first second third next then finally once afterwards step",
    "you": "you your you'll you're yourself",
    "they": "they them their themselves those these",
    "we": "we us our",
    "i": "i me my i'm i'll i've",
    "code": "import def sudo print return const function script curl bash python payload shellcode socket localhost",
    "make": "write create draft generate compose produce craft design build script rewrite",
    "how": "how steps step ways way guide instructions method methods tell explain best",
    "belittle": "inferior superior lazy greedy dirty filthy weak burden parasites vermin criminals stupid worthless deserve"
    " disgusting evil scum animals lesser unfit incapable subhuman savages disgrace inherently primitive uncivilized",
    "sex": "sex sexual sexually nude naked penis vagina breasts orgasm moan moans thrust cock pussy erotic kink kinky"
    " bondage lust aroused arousal thighs lips intimate clothes undress whip",
    "self": "suicide suicidal self-harm cutting overdose starve starving purge purging calories pills thinspo laxatives",
    "private": "ssn password passwords credentials username email emails address phone account accounts card birth"
    " passport records",
}

STEMS: Mapping[str, str] = {
    "violent": "kill stab shoot blood bleed bomb explosive explosion knife gun rifle weapon attack murder poison burn punch"
    " strike throat hurt pain painful victim destroy fight torture dead death choke strangle gasoline ignite fuse swing"
    " wound lethal blade ammunition detonate beat",
    "crime": "steal hack phish malware exploit fake forge fraud scam launder untraceable undetected undetectable anonymous"
    " bypass evade disguise sneak secretly suspicion drug smuggle lockpick tracks detection blackmail manipulate"
    " intimidate stolen burner counterfeit spoof impersonate ransomware keylogger infiltrate alibi shell trick lie"
    " pretend hide dump threaten",
}

PHRASES: Mapping[str, tuple[str, ...]] = {
    "decline": (
        "i can't", "i cannot", "i can not", "i won't", "i will not", "i'm unable", "i am unable", "i'm not able",
        "i am not able", "i'm not going", "i am not going", "i don't feel", "i must decline", "i have to", "i couldn't",
        "i wouldn't", "i refuse", "i decline", "do not condone", "don't condone", "not authorized", "we cannot",
        "we can't", "not comfortable", "i'd rather not", "i don't have", "i do not have", "i don't know",
        "i do not know", "can't help", "cannot help", "can't assist", "cannot assist", "cannot provide", "can't provide",
        "cannot fulfill", "can't fulfill", "not something i", "won't help", "won't provide", "no information",
        "i'm not programmed", "not appropriate",
    ),
    "robot": (
        "as an ai", "an ai", "language model", "my programming", "my guidelines", "my training", "an assistant",
        "ai assistant", "as a responsible",
    ),
    "wrong": ("against the law", "never okay", "not okay", "not acceptable", "never acceptable", "is not right"),
    "support": ("reach out", "seek help", "seek support", "seek professional", "mental health", "you're going through",
        "you are not", "going through"),
    "instead": ("i can help", "i can offer", "i can explain", "i can provide", "happy to", "let me know", "would you like",
        "if you'd like", "if you want", "rather than", "here are some", "high level", "general terms"),
    "caution": ("important to", "please note", "please remember", "should not", "should never", "must not", "do not",
        "don't", "keep in mind", "not recommended"),
    "sure": ("here is", "here's a", "here are", "of course", "here's how", "you got it"),
    "advice": ("you can", "you could", "you should", "you need to", "you will", "you may", "you must", "you might",
        "make sure", "in order to", "be sure to", "try to"),
    "unseen": ("without being", "without getting", "without anyone", "not get caught", "getting caught", "being caught",
        "without leaving", "cover your", "under the radar", "low profile", "so that no"),
    "argue": ("it is clear", "the truth is", "the fact that", "it's time", "we must", "the real", "blame for", "are not",
        "should be", "need to be", "responsible for", "threat to"),
}  # fmt: skip

_VERBS = (
    "act add aim apply approach ask attach begin blame break build buy call check choose collect connect contact "
    "copy create cut develop download drill ensure fill find focus gather get give go grab hide hit identify "
    "insert install keep learn leave light look make mix obtain offer open pick place plant post pour practice "
    "prepare put remove research run select send set share spread start stay take target tell test throw tie try "
    "use wait wear wire write"
)
VERBS = frozenset(_VERBS.split())
"""Words that give an order where they open a sentence."""
