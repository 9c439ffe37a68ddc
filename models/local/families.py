"""Translation models in folders: which family one is of, and how its sentences are written.

CTranslate2's converters leave `model.bin` and a vocabulary; the sentencepiece models lie beside
them. Families differ in how a model is told what to translate from and into:

    opus    Opus-MT (Marian): one direction, or a token >>xx<< where there are several targets
    nllb    NLLB-200: eng_Latn before the source, spa_Latn before the answer
    m2m     M2M-100: __en__ before the source, __es__ before the answer
    madlad  MADLAD-400 (T5): <2es> before the source
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sentencepiece

from models.base import EngineError

Pair = tuple[str, str]
Family = Literal["opus", "nllb", "m2m", "madlad"]

END = "</s>"
PIECES = ("source.spm", "sentencepiece.bpe.model", "sentencepiece.model", "spiece.model")
VOCABULARIES = ("shared_vocabulary.json", "shared_vocabulary.txt", "source_vocabulary.json")
# NLLB's codes are ISO 639-3 with a script; everything else here has the short ones.
NLLB = (
    "ar:arb_Arab bg:bul_Cyrl bn:ben_Beng ca:cat_Latn cs:ces_Latn da:dan_Latn de:deu_Latn"
    " el:ell_Grek en:eng_Latn es:spa_Latn et:est_Latn fa:pes_Arab fi:fin_Latn fr:fra_Latn"
    " he:heb_Hebr hi:hin_Deva hr:hrv_Latn hu:hun_Latn id:ind_Latn it:ita_Latn ja:jpn_Jpan"
    " ko:kor_Hang lt:lit_Latn lv:lvs_Latn ms:zsm_Latn nb:nob_Latn nl:nld_Latn pl:pol_Latn"
    " pt:por_Latn ro:ron_Latn ru:rus_Cyrl sk:slk_Latn sl:slv_Latn sr:srp_Cyrl sv:swe_Latn"
    " sw:swh_Latn ta:tam_Taml th:tha_Thai tl:tgl_Latn tr:tur_Latn uk:ukr_Cyrl ur:urd_Arab"
    " vi:vie_Latn zh:zho_Hans"
)
LONG = dict(word.split(":") for word in NLLB.split())
MARK = re.compile(r"<2([a-z]{2,3})>|__([a-z]{2,3})__|>>([a-z]{2,3})(?:_[A-Za-z]+)?<<")
NAMED = re.compile(r"(?<![a-zA-Z0-9])(?=([a-z]{2})[-_]([a-z]{2})(?![a-zA-Z0-9]))")


@dataclass(frozen=True, slots=True)
class Folder:
    """A model that can be loaded."""

    path: Path
    family: Family
    pairs: tuple[Pair, ...]
    marks: frozenset[str]
    """Tokens of its vocabulary that name a language."""


def inspect(path: Path, wanted: Collection[Pair] = ()) -> Folder:
    """What the folder at `path` holds; `wanted`: only these pairs, and all of them.

    EngineError says what was looked for, and where.
    """
    if not path.is_dir():
        raise EngineError(f"{path} is no folder: name the one that holds model.bin.")
    vocabulary = _vocabulary(path)
    if not (path / "model.bin").is_file():
        raise EngineError(
            f"{path} has no model.bin: CTranslate2's converters make one, from a model of "
            "Opus-MT, NLLB, M2M-100 or MADLAD."
        )
    _pieces(path)
    marks = frozenset(token for token in vocabulary if MARK.fullmatch(token) or token in LONGS)
    family = _family(marks)
    known = _pairs(family, marks, path)
    if not known:
        raise EngineError(
            f"{path} does not say which languages it is for: end its name with them, as in "
            "opus-mt-en-es."
        )
    missing = [pair for pair in wanted if pair not in known]
    if missing:
        source, target = missing[0]
        raise EngineError(f"{path} does not translate {source}-{target}; {_some(known)}.")
    return Folder(path, family, tuple(wanted) or tuple(known), marks)


LONGS = frozenset(LONG.values())


def _vocabulary(path: Path) -> Collection[str]:
    for name in VOCABULARIES:
        file = path / name
        if file.is_file():
            try:
                text = file.read_text("utf-8")
                found = json.loads(text) if file.suffix == ".json" else text.splitlines()
            except (ValueError, RecursionError) as error:
                raise EngineError(f"{file} cannot be read: it is not a list of tokens.") from error
            if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
                raise EngineError(f"{file} is not a list of tokens.")
            return found
    raise EngineError(f"{path} has no vocabulary ({', '.join(VOCABULARIES)}).")


def _pieces(path: Path) -> Path:
    for name in PIECES:
        if (path / name).is_file():
            return path / name
    raise EngineError(
        f"{path} has no sentencepiece model ({', '.join(PIECES)}): copy it from the model that "
        "was converted."
    )


def _family(marks: Collection[str]) -> Family:
    if any(mark in LONGS for mark in marks):
        return "nllb"
    if any(mark.startswith("__") for mark in marks):
        return "m2m"
    if any(mark.startswith("<2") for mark in marks):
        return "madlad"
    return "opus"


def _pairs(family: Family, marks: Collection[str], path: Path) -> list[Pair]:
    if family == "opus":
        return NAMED.findall(path.name)[-1:]  # the last: "mt" before "en" is a language too
    short = {long: code for code, long in LONG.items()}
    found = (MARK.fullmatch(mark) for mark in marks)
    codes = {short[mark] for mark in marks if mark in short}
    codes |= {code for match in found if match for code in match.groups() if code}
    return [(a, b) for a in sorted(codes) for b in sorted(codes) if a != b]


def _some(pairs: Sequence[Pair]) -> str:
    shown = ", ".join(f"{source}-{target}" for source, target in pairs[:6])
    return f"it has {shown}" + (f" and {len(pairs) - 6} more" if len(pairs) > 6 else "")


class Wording:
    """Sentences as a folder's model reads and writes them."""

    def __init__(self, folder: Folder) -> None:
        """EngineError: its sentencepiece model is broken."""
        self._family, self._marks = folder.family, folder.marks
        source = _pieces(folder.path)
        target = folder.path / "target.spm"
        self._source = _loaded(source)
        self._target = _loaded(target) if target.is_file() else self._source

    def source(self, text: str, pair: Pair) -> list[str]:
        """The tokens of a sentence, and what they are to be translated from or into."""
        pieces: list[str] = self._source.encode(text, out_type=str)
        before = {
            "opus": [mark for mark in (f">>{pair[1]}<<",) if mark in self._marks],
            "nllb": [LONG.get(pair[0], "")],
            "m2m": [f"__{pair[0]}__"],
            "madlad": [f"<2{pair[1]}>"],
        }
        return [*before[self._family], *pieces, END]

    def target(self, text: str, pair: Pair) -> list[str]:
        """The tokens of an answer's beginning."""
        pieces: list[str] = self._target.encode(text, out_type=str) if text else []
        before = {"nllb": [LONG.get(pair[1], "")], "m2m": [f"__{pair[1]}__"]}
        return [*before.get(self._family, []), *pieces]

    def text(self, tokens: Sequence[str]) -> str:
        """The answer in words."""
        said: str = self._target.decode([one for one in tokens if not self._special(one)])
        return said.strip()

    def _special(self, token: str) -> bool:
        return token in self._marks or token in (END, "<unk>", "<pad>", "<s>")


def _loaded(file: Path) -> sentencepiece.SentencePieceProcessor:
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(file))
    except (RuntimeError, OSError) as error:
        raise EngineError(f"{file} is no sentencepiece model, or not all of one.") from error
