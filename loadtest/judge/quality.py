"""Scores of texts and of lag, each by the library that its field agrees on.

Word and character error rates are jiwer's, BLEU and chrF sacrebleu's, LongYAAL OmniSTEval's (Polák
et al. 2025, https://arxiv.org/abs/2509.17349), which cuts captions to the reference's sentences.
"""

import math
import unicodedata
from collections.abc import Sequence

import jiwer
import sacrebleu
from omnisteval import Word as Emitted
from omnisteval import resegment
from omnisteval.scoring import YAALScorer

from loadtest.scores import normalised
from streaming.languages import base

from .corpus import Recording
from .emissions import Moment, Word

BY_CHARACTER = {"zh", "yue", "ja", "th", "lo", "km", "my"}
BLEU = {"zh": "zh", "yue": "zh", "ja": "char", "th": "char", "ko": "char"}


def dense(language: str) -> bool:
    """It is written without spaces, and counted by characters."""
    return base(language) in BY_CHARACTER


def plain(text: str, language: str) -> str:
    """Only what was said: small letters, no marks, single spaces or none."""
    if base(language) == "en":
        return normalised(text)
    kept = "".join(
        " " if unicodedata.category(char)[0] in "PSZC" else char for char in text.lower()
    )
    return "".join(kept.split()) if dense(language) else " ".join(kept.split())


def error_rate(said: str, heard: str, language: str) -> float | None:
    """Wrong words, or characters, for each that was said; None if nothing was."""
    reference = plain(said, language)
    if not reference:
        return None
    rate = jiwer.cer if dense(language) else jiwer.wer
    return float(rate(reference, plain(heard, language)))


def bleu(references: Sequence[str], translations: Sequence[str], language: str) -> float:
    """Of whole recordings, 0 to 100."""
    tokenizer = BLEU.get(base(language), "13a")
    found = sacrebleu.corpus_bleu(list(translations), [list(references)], tokenize=tokenizer)
    return float(found.score)


def chrf(references: Sequence[str], translations: Sequence[str]) -> float:
    """Of whole recordings, 0 to 100."""
    return float(sacrebleu.corpus_chrf(list(translations), [list(references)]).score)


def lag(
    recordings: Sequence[tuple[Recording, Sequence[Word], float]], language: str, settled: bool
) -> tuple[float, float] | None:
    """LongYAAL in ms, (computation aware, not aware); None where no word came in time.

    Each recording with its captions' words and its length in ms. `settled`: a word counts from when
    it was changed last, not from when it was shown first.
    """
    spoken: list[list[Emitted]] = []
    emitted: list[list[Emitted]] = []
    segments: list[dict[str, float]] = []
    sentences: list[str] = []
    by_character = dense(language)
    for number, (recording, words, length) in enumerate(recordings):
        spoken.append([])
        for place, said in enumerate(recording.said):
            text = said.texts.get(language, "")
            units = list(text.replace(" ", "")) if by_character else text.split()
            spoken[-1] += [
                Emitted(unit.lower(), emission_cu=said.start, seq_id=len(segments))
                for unit in units
            ]
            sentences.append("".join(units) if by_character else text)
            segments.append(
                {
                    "offset": said.start, "duration": said.end - said.start,
                    "doc_id": number, "seg_id": place,
                    "time_to_recording_end": length - said.start,
                }
            )  # fmt: skip
        emitted.append([_emitted(word, word.settled if settled else word.first) for word in words])
    instances, _ = resegment(spoken, emitted, segments, sentences, char_level=by_character)
    aware, ideal = (YAALScorer(computed, is_longform=True)(instances) for computed in (True, False))
    return None if math.isnan(aware) or math.isnan(ideal) else (float(aware), float(ideal))


def _emitted(word: Word, moment: Moment) -> Emitted:
    return Emitted(
        word.text.lower(), emission_cu=moment.heard, emission_ca=moment.arrived, original=word.text
    )
