"""Which language is a text in? Scripts and common words of our own: enough to know what cannot be judged.

Thirty-one languages are told apart. Some neighbours are known only so that a text in them is not taken for one of
these. Short texts without a common word are undecided, which is not the same as unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Literal, NamedTuple

# The commonest words of each language, from our own knowledge of them. Words that many languages share ("a", "de")
# count less by being in several lists: see `_owners`.
_COMMON = {
    "en": "the and of to a in is it you that i for not on with as at be this are have but if or we they he"
          " she was will can can't cannot won't don't i'm it's i'll i'd you're that's isn't doesn't what which"
          " who how why when where there here your my our their his her its them do does did has had been"
          " would could should may must from by an so no yes any all some more about than then out up into"
          " over after before just only very one two please sorry help want need make use get know let like"
          " good well also because such these those other",
    "es": "el la los las un una de del y que en es no por para con se lo su sus al más pero como está son"
          " esta este eso esto ese hay muy ya o si sí me te le nos mi tu yo usted puedo puede ser tiene hacer"
          " cuando donde sobre sin también porque desde hasta entre todo todos ayudarte ayudar lo siento dos"
          " tres hoy mañana siempre nunca así otra otro quien cual qué cómo cuál",
    "fr": "le la les un une des de du et que qui en est ne pas pour avec se ce sur au aux dans plus mais"
          " comme son sa ses je tu il elle nous vous ils on cette ces mon ma mes votre vos leur si ou où y à"
          " c'est n'est j'ai d'un d'une qu'il l'on peux peut être faire sont avez suis aide aider cela ça"
          " désolé très bien tout tous sans aussi quand comment pourquoi parce puis non oui deux trois ici"
          " quant",
    "de": "der die das ein eine einen einem einer und in zu den dem des ist nicht mit von für auf im sich"
          " auch es ich du er sie wir ihr als wie bei oder aber aus an am um dass kann kannst werden wird sind"
          " hat habe haben nach noch nur so wenn was wer wo warum weil dir dich mir mich ihnen ihre ihren mein"
          " dein kein keine leider dabei dazu diese dieser dieses mehr sehr über unter vor zum zur bis durch"
          " möchte darf nein ja man schon hier",
    "it": "il lo la i gli le un uno una di del della dei delle che e in è non per con si su al alla come ma"
          " più sono questo questa questi anche ci mi ti o se posso puoi può essere fare ho hai ha dal dalla"
          " nel nella suo sua io tu noi voi loro quando dove perché cosa chi molto bene tutto tutti grazie"
          " dispiace aiutarti mio mia senza fra tra fino dopo ogni così né già due tre quindi",
    "pt": "o os as um uma de do da dos das e que em é não por para com se no na nos nas ao à mais mas como"
          " está são este esta isso isto esse essa há muito já ou sim me te lhe meu minha seu sua eu você ele"
          " ela nós posso pode ser tem fazer quando onde sobre sem também porque desde até entre tudo todos"
          " ajudar desculpe sinto pelo pela hoje amanhã então obrigado vou quem qual dois três",
    "nl": "de het een en van ik je dat die in te is niet op met voor zijn aan er maar om ook als dan wat hij"
          " ze we wij jij u mij me mijn jouw uw ons kan kunnen heeft hebben heb worden wordt bij naar uit over"
          " nog wel geen door deze dit daar hier helaas niets iets omdat waarom hoe wie waar moet mag wil zou"
          " zal of dus al tot nee ja kun bent was graag meer veel",
    "af": "die en nie het is van ek jy om te ons hulle sy vir met op wat dit kan sal moet maar ook hierdie"
          " daardie nog baie jou my asseblief jammer",
    "pl": "i w z na do nie to że się jest jak o ale po co tak za od dla ten ta tego tej tym są być może mogę"
          " możesz czy przez przy już tylko lub oraz mi mnie ci cię ja ty my wy on ona oni jego jej ich więc"
          " kiedy gdzie dlaczego bardzo proszę przykro niestety tu tam jednak pod nad bez ponieważ które który"
          " która",
    "cs": "a je na se v že to s z do jsem jsi jsme jste jsou ale jak si by tak pro po za co ten ta tento tato"
          " této toto nebo když kde proč protože mohu můžu může můžete není být byl byla už jen také tím tom"
          " vám vás mi mě bohužel lituji prosím velmi který která které já ty my vy on ona ne ano k od bez"
          " jako toho i ve",
    "sk": "a je na sa v že to s z do som si sme ste sú ale ako by tak pre po za čo ten tá toto tento alebo"
          " keď kde prečo pretože môžem môže nie byť bol bola už len tiež vám vás mi ma ľutujem prosím veľmi"
          " ktorý ktorá ktoré ja ty",
    "sv": "och att det är som en på för av jag du han hon vi ni de den med till inte har om ett i kan ska"
          " skulle vill men så från var vad hur när där här eller din min ditt mitt dig mig sig oss er också"
          " bara mycket tyvärr måste får finns blir inga ingen något någon detta denna dessa varför vem nej ja"
          " än nu kunna ha vara",
    "no": "og å det er som en på for av jeg du han hun vi dere de den med til ikke har om et i kan skal ville"
          " vil men så fra var hva hvordan når der her eller din min ditt mitt deg meg seg oss også bare mye"
          " dessverre må får finnes blir ingen noe noen dette denne disse hvorfor hvem nei ja enn nå kunne ha"
          " være beklager opp etter hverandre hjelpe gi",
    "da": "og at det er som en på for af jeg du han hun vi i de den med til ikke har om et kan skal ville vil"
          " men så fra var hvad hvordan når der her eller din min dit mit dig mig sig os også bare meget"
          " desværre må får findes bliver ingen noget nogen dette denne disse hvorfor hvem nej ja end nu kunne"
          " have være beklager op efter hinanden hjælpe mange gør",
    "is": "og að er það ekki sem ég þú við í á um en til með fyrir af hann hún þetta getur verið hefur því"
          " mér þér því",
    "fi": "ja on ei se en että joka mutta tai kun niin jos hän minä sinä me te he ne tämä tässä siitä sen"
          " ovat ole olen voi voin voit olla vain myös kuin jo nyt mitä miten missä miksi kuka koska"
          " valitettavasti pahoillani auttaa tätä tämän siihen sinun minun mukaan ennen jälkeen kanssa ilman"
          " hyvin enemmän kaikki kiitos joten kuitenkin mitään eikä ette emme siksi kyllä asiaa",
    "et": "ja on ei see et aga või kui siis ma sa ta me te nad mis kes kuidas miks seda selle ka ainult väga"
          " olen oli saa saan aidata kahjuks palun vabandust ole",
    "ca": "el la els les un una de del dels i que en és no per amb se al més però com està són aquest aquesta"
          " això hi ha molt ja o si sí em et li ens meu teu jo vostè puc pot ser té fer quan on sobre sense"
          " també perquè des fins entre tot tots ajudar ajudar-te sento ho vull ni dues dos tres a l' d' als"
          " cap malauradament què qui avui",
    "ro": "și de la în nu este un o cu pe care să din pentru mai se ce sunt dar ca sau fi am ai are acest"
          " această te mă îmi pot poate vă ajuta pare rău cum unde când foarte aceasta asta despre tău",
    "hu": "a az és hogy nem is egy van ez azt meg csak de ha mint már vagy én te ő mi ti ők ki mert kell"
          " lehet tudok sajnálom segíteni ebben ezt nagyon lesz volt itt ott hogyan miért minden neked neki"
          " kérem",
    "hr": "i u je da se na za od su ne što kao ali ili sam si smo ste ja ti on ona mi vi ovo to taj ta koji"
          " koja koje mogu može nije biti kako gdje kada zašto žao pomoći molim vrlo samo još već s iz o po"
          " vam vas bez",
    "lt": "ir yra ne kad tai su į iš bet ar kaip už aš tu jis ji mes jūs negaliu galiu padėti atsiprašau tik"
          " labai kas dėl jums šis nuo buvo",
    "lv": "un ir ne ka tas ar uz no bet vai kā par es tu viņš viņa mēs jūs nevaru varu palīdzēt atvainojiet"
          " tikai ļoti kas šo jums lai",
    "tr": "ve bir bu da de için ile ne o mi mı değil ama çok daha gibi var yok ben sen biz siz onlar bana"
          " sana size bunu şu kadar en olarak olan olabilir olur ise nasıl neden nerede kim üzgünüm maalesef"
          " konuda yardımcı olamam yapamam istemiyorum hayır evet her sonra önce veya ya ki göre hiç şey"
          " lütfen",
    "az": "və bir bu ki üçün ilə deyil amma çox daha kimi var yox mən sən biz siz necə niyə bağışlayın kömək"
          " edə bilmərəm olar",
    "id": "yang dan di ke dari untuk dengan ini itu tidak saya anda kamu kami kita dia mereka adalah akan"
          " bisa dapat pada dalam atau tetapi tapi jika karena juga sudah belum ada maaf membantu hal lebih"
          " sangat hanya saja bukan jangan oleh seperti apa siapa mana bagaimana mengapa kapan tentang setelah"
          " sebelum tanpa jadi ya secara harus soal cara sebuah agar",
    "vi": "và của là không tôi bạn có cho trong một này đó được với các những để thì mà ở về ra vào đến từ"
          " như khi nếu nhưng cũng đã sẽ đang rất xin lỗi thể giúp việc điều gì sao hãy nên phải cần làm hoặc"
          " vì bằng theo người chỉ nữa rồi lại mình chúng",
    "tl": "ang ng sa na ay mga ko mo ako ikaw siya hindi po ito iyon para kung at o pero may wala paumanhin"
          " tulungan kita maaari kayo namin",
    "sw": "na ya wa kwa ni katika hii hiyo si sio mimi wewe yeye sisi kama lakini au pia samahani siwezi"
          " kusaidia hilo kukusaidia tafadhali wako yangu kuwa jinsi nini gani cha la za",
    "sq": "dhe në të e i një për me nuk është që si nga ju unë ti ne kjo ky por ose më fal ndihmoj mund jam",
    "eu": "eta da ez bat hau hori du dut dira izan nola baina edo ezin lagundu sentitzen horrekin naiz zara"
          " zure",
    "cy": "y yr a i yn o ar mae ddim ni fi chi gyda am ond neu sut helpu sori allaf hynny gallu dim",
    "ga": "an na agus is ar i le go ní tá mé tú sé sí do mo ach nó conas leis sin féidir liom cabhrú brón orm",
    "eo": "la kaj de en estas ne mi vi li ŝi ni ili al por kun sed aŭ ke tio tiu kiel povas helpi pardonu"
          " bedaŭrinde",
    "la": "et in est non ad cum sed si quod qui quae te me tibi hoc sunt esse per ab ex aut nec enim possum",
    "mi": "te ngā nga he ko i ki o a kāore e taea au koe tēnei mō me rā tāu aroha mai",
    "so": "waa iyo in ka ku u ma la oo ah aan waan kama caawin karo taas raali iga ahow",
    "ha": "da na a ba ni ka ta ya shi ne ce wannan wannan don amma yi hakuri zan iya taimaka ba",
    "yo": "ni ti awọn si mo o kò lè ràn ọ lọ́wọ́ yìí nínú fún náà jọ̀wọ́ pẹ̀lú",
    "zu": "ngi uku ku nga mina wena futhi kodwa angikwazi ukukusiza ngiyaxolisa lokho lo",
    "ht": "mwen ou li nou yo pa ka ede sa a ak nan pou se yon men padon regrèt",
}  # fmt: skip

# Scripts that one language of ours is written in, and what stands for a neighbour in the same script.
_CYRILLIC = {
    "ru": "и в не на я что с по это как но к у мы вы он она они от из за же то так для бы мне вам вас если"
          " или только могу может нет да есть быть его её их мой ваш этом этого очень уже когда где почему"
          " чтобы также извините сожалению помочь о до буду",
    "uk": "і в не на я що з по це як але до у ми ви він вона вони від із за ж то так для би мені вам вас якщо"
          " або лише можу може ні є бути його її їх мій ваш цьому цього дуже вже коли де чому щоб також"
          " вибачте жаль та про буду й цим",
    "bg": "и в не на аз че с по това как но към ние вие той тя те от за да се ще мога може няма има бъде си"
          " са е съм съжалявам помогна този тази като при само много",
    "sr": "и у не на ја да с је се за од су што као али или сам си смо сте он она ми ви ово то који која могу"
          " може није бити како где када жао помогнем",
    "mk": "и во не на јас дека со тоа како но кон ние вие тој таа за да се ќе можам може нема има е сум си се"
          " жал помогнам овој оваа",
    "be": "і ў не на я што з па гэта як але да мы вы ён яна яны ад за ж так для мне вам калі або толькі магу"
          " можа няма ёсць быць вельмі выбачайце дапамагчы",
    "kk": "және бір бұл мен сен ол біз үшін емес бар жоқ қалай кешіріңіз көмектесе алмаймын",
}  # fmt: skip

_ARABIC = {
    "ar": "في من على إلى عن أن إن لا ما هذا هذه ذلك التي الذي كان هو هي أنا أنت نحن هم مع أو و ثم لكن إذا كل"
          " بعد قبل لم لن ليس قد يمكن أستطيع يمكنني مساعدتك آسف عذرا لك لي كيف ماذا أي بين حتى غير بعض أما ولا"
          " نعم هل كما عند بهذا هناك فلا فلن يا به بها له لها فيه ولكن",
    "fa": "و در به از که این را با است برای آن یک تا نمی توانم می من شما کمک متأسفم هم یا اگر بر خود بود نیست"
          " کنم",
    "ur": "اور کے کی کا میں ہے سے کو نہیں پر یہ ہیں وہ کہ آپ ہم معذرت مدد کر سکتا ہوں لیے اس نے بھی",
    "ps": "او په د چې نه زه تاسو دا دي کې له سره بښنه مرسته نشم کولای",
}  # fmt: skip

_DEVANAGARI = {
    "hi": "है हैं के का की में से को और नहीं पर यह वह कि मैं आप हम भी तो इस उस कर सकता सकती करता करती माफ़"
          " क्षमा मदद लिए एक ने हो था थी या जो क्या कैसे कब कहाँ क्यों बहुत ही अगर लेकिन हूँ हूं ना बारे साथ"
          " ऐसा इसमें होता होती",
    "mr": "आहे आहेत आणि मी तुम्ही हे ते नाही करू शकत मला तुम्हाला माफ करा मदत या च्या साठी पण किंवा",
    "ne": "छ छन् र म तपाईं यो त्यो हुन सक्दिन सक्छ गर्न मलाई तपाईंलाई माफ गर्नुहोस् मद्दत लागि तर वा को मा",
}  # fmt: skip

SUPPORTED = frozenset({
    "en", "es", "fr", "de", "it", "pt", "nl", "pl", "cs", "sv", "no", "da", "fi", "ca", "tr", "id", "vi", "ro", "hu",
    "hr", "ru", "uk", "bg", "el", "he", "ar", "hi", "th", "ja", "zh", "ko",
})  # fmt: skip
"""Languages that a scorer of words may say to read, by their codes of ISO 639-1."""

# Not \w: it knows no vowel signs, and words of Devanagari would fall apart.
_WORDS = re.compile(r"[^\s\d_.,;:!?¿¡(){}<>\[\]\"“”„«»‹›/|\\=+*&%$#@~`^।॥…،؛؟–—-]+")
_RANGES = (
    ("latin", 0x41, 0x24F), ("latin", 0x1E00, 0x1EFF), ("greek", 0x370, 0x3FF), ("greek", 0x1F00, 0x1FFF),
    ("cyrillic", 0x400, 0x52F), ("hebrew", 0x590, 0x5FF), ("arabic", 0x600, 0x77F), ("arabic", 0x8A0, 0x8FF),
    ("devanagari", 0x900, 0x97F), ("thai", 0xE00, 0xE7F), ("kana", 0x3040, 0x30FF), ("han", 0x3400, 0x9FFF),
    ("hangul", 0x1100, 0x11FF), ("hangul", 0x3130, 0x318F), ("hangul", 0xAC00, 0xD7AF), ("kana", 0xFF66, 0xFF9D),
)  # fmt: skip
_ONE_LANGUAGE = {"greek": "el", "hebrew": "he", "thai": "th", "hangul": "ko"}
_TABLES = {"latin": _COMMON, "cyrillic": _CYRILLIC, "arabic": _ARABIC, "devanagari": _DEVANAGARI}

ENOUGH = 4
"""Words of small letters from which a text in which no common word is known is called unknown."""


class Language(NamedTuple):
    """What a text is written in.

    Attributes:
        code: ISO 639-1, or "" where none is told.
        known: `yes`, a language of `SUPPORTED`; `no`, another one, or a script that we do not read; `undecided`, too
            little text to tell (a name, a number, a formula).
    """

    code: str
    known: Literal["yes", "no", "undecided"]


@cache
def _owners(script: str) -> dict[str, dict[str, float]]:
    """Return for each common word of a script the languages that it speaks for, and how loudly."""
    lists: dict[str, list[str]] = {}
    for code, listed in _TABLES[script].items():
        for word in set(listed.split()):
            lists.setdefault(word, []).append(code)
    return {word: {code: 1 / len(codes) ** 0.5 for code in codes} for word, codes in lists.items()}


def scripts(text: str) -> Counter[str]:
    """Count the letters of a text by script; those of a script that we do not read count as `other`."""
    found: Counter[str] = Counter()
    for char, many in Counter(text).items():
        if char.isalpha():
            code = ord(char)
            found[next((name for name, low, high in _RANGES if low <= code <= high), "other")] += many
    return found


def language(text: str, near: str = "") -> Language:
    """Tell the language of a text.

    Args:
        text: prose; code and names are best left out. At most its first 2,000 characters are read.
        near: code of the language that the text is likely in (what it answers is): decides between neighbours.

    Wrong to use on texts of several languages: the commonest words win.

    >>> language("I can't help with that."), language("Siwezi kukusaidia na hilo."), language("42")
    (Language(code='en', known='yes'), Language(code='sw', known='no'), Language(code='', known='undecided'))
    """
    text = text[:2000]
    found = scripts(text)
    if not found:
        return Language("", "undecided")
    if found["kana"] and found["kana"] + found["han"] > found["latin"]:
        return Language("ja", "yes")
    # A foreign word in Latin letters is usual in every other script, and takes more letters than it would there.
    heaviest = max(found, key=lambda name: found[name] * (0.4 if name == "latin" else 2 if name == "han" else 1))
    if heaviest == "han":
        return Language("zh", "yes")
    if heaviest in _ONE_LANGUAGE:
        return Language(_ONE_LANGUAGE[heaviest], "yes")
    if heaviest not in _TABLES:
        return Language("", "no")
    return _by_words(text, heaviest, near)


# The one pronoun that is a capital inside a sentence.
_CAPITAL = {"en": 1.0}


def _by_words(text: str, script: str, near: str) -> Language:
    text = text.replace("’", "'")
    every = [(found[0], found.start()) for found in _WORDS.finditer(text)]
    owners, score = _owners(script), dict[str, float]()
    # A capital is a name's, and tells nothing: but for "I", the text's first word, and common words.
    words = [
        word
        for word, at in every
        if word[0] == word[0].lower()
        or len(every) < ENOUGH
        or not at
        or word.partition("'")[0] == "I"
        or (word.lower() in owners and text[:at].rstrip()[-1:] in (".", "!", "?"))
    ]
    hits = 0
    for place, word in enumerate(words):
        low = word.lower()
        # What stands before an apostrophe is a word of its own in French, Italian and Catalan.
        part = low if low in owners else low.partition("'")[0] if "'" in low else ""
        if script == "latin" and word.partition("'")[0] == "I":
            spoken_for: dict[str, float] | None = _CAPITAL
        else:
            spoken_for = owners.get(part)
        if spoken_for:
            hits += 1
            sure = 1.0 if low == word or place else 0.8
            for code, weight in spoken_for.items():
                score[code] = score.get(code, 0.0) + sure * weight * (1 if code in SUPPORTED else 0.8)
    if not score:
        return Language("", "no" if len(words) >= ENOUGH else "undecided")
    if near in score:
        score[near] = score[near] * 1.1 + 0.5
    (code, best), *rest = sorted(score.items(), key=lambda item: -item[1])
    second = rest[0][1] if rest else 0.0
    if hits / len(words) < 0.12 and len(words) >= 2 * ENOUGH:
        return Language("", "no")
    if best == second or (best < 0.9 and len(words) < ENOUGH):
        return Language(code if code in SUPPORTED else "", "undecided")
    return Language(code, "yes" if code in SUPPORTED else "no")
