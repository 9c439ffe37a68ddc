"""The languages that can be named: ISO 639-1 codes and what English calls them.

A code may carry a script or region (`zh-Hant`, `pt-BR`); what engines are asked about is its first
part. Three-letter codes stand for languages that have no two-letter one and that engines know.
"""

import re
from collections.abc import Collection
from functools import lru_cache

NAMES: dict[str, str] = {
    code: name
    for code, _, name in (
        line.partition(" ")
        for line in """\
aa Afar
ab Abkhazian
af Afrikaans
ak Akan
am Amharic
an Aragonese
ar Arabic
as Assamese
ast Asturian
av Avaric
ay Aymara
az Azerbaijani
ba Bashkir
be Belarusian
bg Bulgarian
bm Bambara
bn Bengali
bo Tibetan
br Breton
bs Bosnian
ca Catalan
ce Chechen
ceb Cebuano
ckb Sorani Kurdish
co Corsican
cs Czech
cv Chuvash
cy Welsh
da Danish
de German
dv Divehi
dz Dzongkha
ee Ewe
el Greek
en English
eo Esperanto
es Spanish
et Estonian
eu Basque
fa Persian
ff Fulah
fi Finnish
fil Filipino
fj Fijian
fo Faroese
fr French
fy Western Frisian
ga Irish
gd Scottish Gaelic
gl Galician
gn Guarani
gu Gujarati
ha Hausa
haw Hawaiian
he Hebrew
hi Hindi
hr Croatian
ht Haitian Creole
hu Hungarian
hy Armenian
ia Interlingua
id Indonesian
ig Igbo
is Icelandic
it Italian
iu Inuktitut
ja Japanese
jv Javanese
ka Georgian
kk Kazakh
km Khmer
kn Kannada
ko Korean
ku Kurdish
ky Kyrgyz
la Latin
lb Luxembourgish
lg Ganda
ln Lingala
lo Lao
lt Lithuanian
lv Latvian
mg Malagasy
mi Maori
mk Macedonian
ml Malayalam
mn Mongolian
mr Marathi
ms Malay
mt Maltese
my Burmese
nb Norwegian Bokmål
ne Nepali
nl Dutch
nn Norwegian Nynorsk
no Norwegian
ny Chichewa
oc Occitan
om Oromo
or Odia
os Ossetian
pa Punjabi
pl Polish
ps Pashto
pt Portuguese
qu Quechua
rm Romansh
rn Rundi
ro Romanian
ru Russian
rw Kinyarwanda
sa Sanskrit
sc Sardinian
sd Sindhi
se Northern Sami
si Sinhala
sk Slovak
sl Slovenian
sm Samoan
sn Shona
so Somali
sq Albanian
sr Serbian
ss Swati
st Southern Sotho
su Sundanese
sv Swedish
sw Swahili
ta Tamil
te Telugu
tg Tajik
th Thai
ti Tigrinya
tk Turkmen
tl Tagalog
tn Tswana
to Tongan
tr Turkish
ts Tsonga
tt Tatar
ug Uyghur
uk Ukrainian
ur Urdu
uz Uzbek
ve Venda
vi Vietnamese
wa Walloon
wo Wolof
xh Xhosa
yi Yiddish
yo Yoruba
yue Cantonese
za Zhuang
zh Chinese
zu Zulu""".splitlines()
    )
}

UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my", "bo", "dz"})
"""Written without spaces between words: their pieces join without one."""

VERB_LAST = frozenset(
    {
        *("am", "az", "bn", "bo", "eu", "gu", "hi", "ja", "ka", "kk", "kn", "ko", "ku", "ky", "ml"),
        *("mn", "mr", "my", "ne", "pa", "ps", "fa", "si", "ta", "te", "tk", "tr", "tt", "ug"),
        *("ur", "uz"),
    }
)
"""The verb, and with it what is denied or asked, comes at the end of a sentence."""

_SAID = re.compile(
    r"(?:です|ます|でした|ました|ません|でしょう|ましょう|ください)(?:か|ね|よ|が|けど|から|ので)?"
    r"\W*\w{0,2}\W*$"
)
"""A polite end of a Japanese clause, what may hang on to it, and at most a word more. Hardly
anything else is written like one; plain verbs stand before nouns as well, and tell nothing."""


@lru_cache(1_000)
def base(code: str) -> str:
    """The language itself, without script or region: "zh" of "zh-Hant"."""
    return code.partition("-")[0].lower()


def within(code: str, known: Collection[str]) -> str | None:
    """The one of `known` that covers this: the same, or the language without script and region.

    What hears "en" hears "en-US" too; None if there is neither.
    """
    return next((one for one in (code, base(code)) if one in known), None)


def word(code: str) -> int:
    """About how many units of a text (units.py) make a word."""
    if base(code) in UNSPACED:
        return 2 if base(code) in ("zh", "yue", "ja") else 3
    return 1


def reorders(source: str, target: str) -> bool:
    """The verb comes last in one of the two only: what is said late is wanted early, or the other
    way round."""
    return (base(source) in VERB_LAST) != (base(target) in VERB_LAST)


def concluded(code: str, text: str) -> bool:
    """The verb that the sentence waited for is among the last words of the text. Known of Japanese
    only, where words are not apart: elsewhere the next word tells it as soon."""
    return base(code) == "ja" and _SAID.search(text) is not None


def name(code: str) -> str:
    """What English calls it; the code itself when it has no name here."""
    return NAMES.get(base(code), code)


def check(code: str) -> str:
    """Return the code; ValueError, in words, if no such language is known."""
    if base(code) not in NAMES or len(code) > 16 or not code.replace("-", "").isalnum():
        raise ValueError(
            f"unknown language {code[:20]!r}: use ISO 639-1 codes, such as en, es or zh"
        )
    return code
