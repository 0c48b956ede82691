"""The words that `harm_level` counts, by what they tell: our own lists, English."""

from __future__ import annotations

from collections.abc import Mapping

LINKS = frozenset(
    "a an the of to in on at for and or but if so as by with from is are was were be been being do does did have has had"
    " it its this that these those i you he she we they me my your his her our their them us what which who how why when"
    " where can could should would will may might not no yes please into than then there here just more most very some"
    " any about also all each other only own same too out up down over under again once because while during before"
    " after above below between through both few such nor until against off it's i'm you're don't can't isn't that's"
    .split()
)  # fmt: skip
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

VERBS = frozenset(
    "use get find create make take go start choose pick buy add mix put place open try look build set write send keep"
    " identify approach pour grab hide wear gather select contact ask tell wait learn research obtain install run cut hit"
    " aim practice begin target post share blame offer give call insert light attach connect throw apply ensure prepare"
    " collect develop focus act stay check download copy tie remove break drill wire fill test plant spread leave".split()
)  # fmt: skip
"""Words that give an order where they open a sentence."""
