"""What recognizers make up, and that people may say nearly anything."""

import numpy as np
import pytest

from models.base import Hints
from models.guards.loops import looped, unlooped
from models.guards.phantoms import is_farewell, phantom, voiced_ms, without_credits
from models.guards.speakable import foreign, least_ms, too_much
from models.guards.transcripts import Doubt, doubt, salvaged
from streaming.values import samples

RNG = np.random.default_rng(7)
QUIET = RNG.normal(0, 8, samples(4_000)).astype("<i2").tobytes()
NOISE = RNG.normal(0, 2_000, samples(4_000)).astype("<i2").tobytes()
AT = np.arange(samples(60_000)) / 16_000
SYLLABLES = np.maximum(0, np.sin(2 * np.pi * 4 * AT)) * np.sin(2 * np.pi * 180 * AT)
BABBLE = (6_000 * SYLLABLES + RNG.normal(0, 8, len(AT))).astype("<i2").tobytes()


def voice(ms: float) -> bytes:
    """Something that swells four times a second, as speech does."""
    return BABBLE[: 2 * samples(ms)]


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("no no no no no no no no", "no"),
        ("Well, I see, I see, I see, I see, I see, I s", "Well, I see,"),
        ("我觉得我觉得我觉得我觉得我觉得我觉得", "我觉得"),
        ("好" * 30, "好"),
        ("That is funny hahahahahahahahahahahahahaha", "That is funny ha"),
        ("the, the cat, the cat sat, the cat sat on, the cat sat on it", "the,"),
        ("Thank you. Thank you. Thank you. Thank you. Thank you. ", "Thank you."),
        ("네 알겠습니다 네 알겠습니다 네 알겠습니다 네 알겠습니다 네 알겠습니다", "네 알겠습니다"),
        ("ครับ" * 12, "ครับ"),
        ("We go there. And then we can see the house. " + "And then we can see the house. " * 3,
         "We go there. And then we can see the house."),
    ],
)  # fmt: skip
def test_what_goes_round_in_circles_is_cut_after_its_first_round(text: str, once: str) -> None:
    assert looped(text) and unlooped(text) == once


@pytest.mark.parametrize(
    "text",
    [
        "", "No, no, no, no, no!", "对对对对对对", "哈哈哈哈哈哈", "Very, very, very good.",
        "It costs 10000000000000 yuan.", "One two, one two, one two, testing.",
        "I know that you know that I know that she knows that we know.",
        "A rose is a rose is a rose.", "Row, row, row your boat, gently down the stream.",
        "是不是你的这个那个是不是他的那个这个", "0 0 0 0 1 2 3",
    ],
)  # fmt: skip
def test_what_people_say_again_is_no_loop(text: str) -> None:
    assert unlooped(text) == text


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Subtitles by the Amara.org community", ""),
        ("请不吝点赞 订阅 转发 打赏支持明镜与点点栏目", ""),
        ("字幕由Amara.org社区提供", ""),
        ("Good morning. Untertitelung des ZDF, 2020", "Good morning."),
        ("Sous-titres réalisés par la communauté d'Amara.org", ""),
        ("Субтитры сделал DimaTorzok", ""),
        ("MBC 뉴스 이덕영입니다.", ""),
        ("Altyazı M.K.", ""),
        ("ترجمة نانسي قنقر", ""),
        ("The subtitles are small.", "The subtitles are small."),
        ("字幕很小。", "字幕很小。"),
    ],
)
def test_nobody_says_who_made_the_subtitles(text: str, rest: str) -> None:
    assert without_credits(text) == rest


FAREWELLS = (
    "Thank you for watching!", "you", "Thank you. Bye.", "谢谢大家。谢谢观看！", "嗯。",
    "ご視聴ありがとうございました。", "시청해주셔서 감사합니다.", "Vielen Dank fürs Zuschauen!",
    "Merci d'avoir regardé cette vidéo !", "¡Suscríbete al canal!", "Obrigado por assistir.",
    "Grazie per la visione", "Спасибо за просмотр!", "Dziękuję za oglądanie.", "شكرا لكم",
    "Abone olmayı unutmayın.", "Bedankt voor het kijken.", "ขอบคุณที่รับชม", "多謝收看",
    "Cảm ơn các bạn đã theo dõi.", "Tack för att ni tittade.", "תודה שצפיתם", "Terima kasih.",
)  # fmt: skip


@pytest.mark.parametrize("text", FAREWELLS)
def test_thanks_for_watching_are_doubted_in_silence_noise_and_long_music(text: str) -> None:
    assert is_farewell(text)
    for sound in (QUIET, NOISE, voice(60_000)):
        assert phantom(text, sound)


@pytest.mark.parametrize("text", FAREWELLS)
def test_whoever_says_them_is_heard(text: str) -> None:
    assert not phantom(text, QUIET + voice(3 * least_ms(text) + 300) + QUIET)


def test_words_of_ones_own_are_never_phantoms() -> None:
    for text in ("Thank you for your help.", "谢谢你帮我", "He said goodbye and left."):
        assert not phantom(text, QUIET)


def test_voice_is_what_rises_above_its_background() -> None:
    assert voiced_ms(QUIET) < 100 and voiced_ms(NOISE) < 100 and voiced_ms(b"\0\0") == 0
    assert 800 < voiced_ms(QUIET + voice(3_000)) < 3_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("The display is very small, but you can read a whole line of text on it.", 2.6),
        ("屏幕很小但是可以读完整的一行字", 1.6),
        ("ディスプレイはとても小さいですが、一行全部読めます", 1.9),
        ("화면은 아주 작지만 한 줄을 다 읽을 수 있습니다", 2.0),
        ("Дисплей очень маленький, но строку можно прочитать целиком.", 2.3),
        ("หน้าจอเล็กมากแต่อ่านได้ทั้งบรรทัด", 1.3),
        ("الشاشة صغيرة جدا لكن يمكنك قراءة سطر كامل", 2.0),
        ("10000000000000000 2026 31.12.", 0.3),
    ],
)
def test_fast_speech_is_believed_and_what_no_mouth_could_say_is_not(
    text: str, seconds: float
) -> None:
    assert not too_much(text, 1_000 * seconds)
    assert least_ms(text) < 1_000 * seconds
    if least_ms(text):
        assert too_much(text * 4, 1_000 * seconds)


@pytest.mark.parametrize(
    ("text", "languages", "strange"),
    [
        ("你好。", ["en"], True),
        ("你好。", ["en", "zh"], False),
        ("ありがとうございました", ["zh"], True),
        ("我们用 SGLang 和 Qwen", ["zh"], False),
        ("Okay, USB.", ["zh", "ja", "ar"], False),
        ("Привет", ["en", "es"], True),
        ("Привет", ["mk"], False),
        ("안녕하세요", ["ko"], False),
        ("2026 …", ["en"], False),
        ("שלום", ["ar"], True),
    ],
)
def test_writing_of_languages_that_the_microphone_does_not_hear(
    text: str, languages: list[str], strange: bool
) -> None:
    assert foreign(text, languages) is strange


TOLD = Hints(("Surtitle", "Hei Peng", "waveguide", "SGLang"), "We ship the glasses in May.")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Well, that is what I mean.", None),
        ("Surtitle shows Hei Peng the waveguide.", None),
        ("Surtitle, Hei Peng, waveguide", Doubt.PARROT),
        ("We ship the glasses in May", Doubt.PARROT),
        ("what what what what what what what what", Doubt.LOOP),
        ("Thanks for watching!", Doubt.PHANTOM),
        ("다음 주", Doubt.FOREIGN),
        ("And so on and so forth, " + " ".join("abcdefghijklmnopqrstuvwxyz" * 5), Doubt.TOO_MUCH),
    ],
)
def test_there_is_one_reason_to_doubt_or_none(text: str, why: Doubt | None) -> None:
    assert doubt(text, QUIET, 4_000, ["en", "zh"], TOLD) is why
    assert doubt("Yes.", QUIET, 4_000, ["en"], Hints(said="Yes.")) is None


def test_of_a_loop_its_first_round_is_left_if_somebody_spoke() -> None:
    loop = "I see, " * 9
    assert salvaged(loop, voice(3_000), 3_000, ["en"]) == "I see,"
    assert salvaged(loop, QUIET, 4_000, ["en"]) == ""
    assert salvaged(loop, voice(3_000), 3_000, ["zh"]) == "I see,"  # Latin is everywhere
    assert salvaged("привет " * 9, voice(3_000), 3_000, ["en"]) == ""
