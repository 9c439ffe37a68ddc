"""What recognizers write down when nobody speaks: the last words of the videos they learned from.

Subtitles of silence and music name who made them, or thank for watching; so models learned to write
that for silence and music, in every language. The credits here are of no conversation and go
whenever they stand alone or in a sentence of their own. The farewells people do say: they go where
the line is nothing else and its sound gives no reason for it, too little voice or far too much.

Collected from reports about Whisper and its kin: https://github.com/openai/whisper/discussions/679,
https://github.com/Vexa-ai/vexa/pull/619, https://github.com/woheller69/whisperIME/issues/57; and
"Investigation of Whisper ASR Hallucinations Induced by Non-Speech Audio",
https://arxiv.org/abs/2501.11378. Qwen3-ASR adds "Uh huh." and 嗯.
"""

import re
import unicodedata

import numpy as np

from models.guards.speakable import least_ms
from streaming.units import sentences
from streaming.values import milliseconds, samples

# Parts of lines about who made the subtitles. Letters and digits only, lower case.
CREDITS = """\
en subtitlesby subtitledby captionedby transcriptionby amaraorg castingwords
zh 请不吝点赞 請不吝點贊 明镜与点点 明鏡與點點 字幕by 字幕志愿者 字幕志願者 优优独播剧场
zh 優優獨播劇場 中文字幕组 字幕由
ja 字幕作成 字幕制作
ko 자막제공 자막by 한글자막 mbc뉴스
de untertitelungdeszdf untertitelimauftragdeszdf untertitelungimauftragdeszdf copyrightwdr
fr soustitragest501 soustitragefr soustitresréalisés soustitresfaits soustitreurcom
es subtítulosrealizados subtítulosporlacomunidad
it sottotitolicreati sottotitoliacuradi qtss
pt legendaspelacomunidade legendadopor
nl ondertitelsingediend ondertitelingdoor tvgelderland
ru субтитрысделал субтитрысоздавал субтитрыделал субтитрыподогнал dimatorzok редакторсубтитров
pl napisystworzone
cs titulkyvytvořil johnyx
sv undertexterfrån undertextningav svensktextningnu
da dansketeksteraf
nb tekstingav undertekstingav nicolaiwinther
fi suomentekstitys
tr altyazımk
el υπότιτλοιauthorwave
ar ترجمةنانسيقنقر تمتالترجمة
vi kênhghiềnmìgõ
"""

# Whole lines of farewell, and sounds of assent. Letters and digits only, lower case.
FAREWELLS = """\
en thankyou thanks thankyouverymuch thankyousomuch thankyouforwatching thanksforwatching
en thankyouforlistening thankyouforyourattention thanksforwatchingeveryone
en pleasesubscribe pleasesubscribetomychannel likeandsubscribe dontforgettosubscribe
en seeyounexttime seeyouinthenextvideo illseeyounexttime illseeyouinthenextone
en bye byebye goodbye you uhhuh mmhmm hmm music applause silence blankaudio theend
zh 谢谢 謝謝 谢谢大家 謝謝大家 谢谢观看 謝謝觀看 感谢观看 感謝觀看 感谢收看 感謝收看 谢谢收看
zh 谢谢您的观看 多谢您的观看
zh 我们下期再见 下期再见 我们下集再见 请订阅 請訂閱 订阅我的频道 記得訂閱 嗯 嗯嗯 啊 哦 音乐
zh 掌声
yue 多謝 多謝收看 多謝晒 係
ja ご視聴ありがとうございました ご視聴ありがとうございます ご清聴ありがとうございました
ja ありがとうございました ありがとうございます
ja 最後までご視聴いただきありがとうございました チャンネル登録お願いします
ja チャンネル登録よろしくお願いします
ja 高評価とチャンネル登録をお願いします 次の動画でお会いしましょう また次回お会いしましょう
ja おやすみなさい うん はい
ko 감사합니다 시청해주셔서감사합니다 봐주셔서감사합니다 구독과좋아요부탁드립니다
ko 다음영상에서만나요 다음시간에만나요 네 음
de danke vielendank dankefürszuschauen vielendankfürszuschauen vielendankfürdieaufmerksamkeit
de biszumnächstenmal tschüss musik
fr merci mercidavoirregardé mercidavoirregardécettevidéo abonnezvous àlaprochaine
es gracias muchasgracias graciasporver graciasporverelvideo graciasporverelvídeo suscríbete
es suscríbetealcanal nosvemosenelpróximovideo música hastalapróxima
it grazie grazieatutti grazieperlavisione graziepervisione
it graziepervisualizzareilvideo iscrivetevialcanale
pt obrigado obrigada obrigadoporassistir muitoobrigado inscrevasenocanal atéapróxima
nl dankjewel bedankt bedanktvoorhetkijken totdevolgendekeer
ru спасибо спасибозапросмотр спасибозавнимание продолжениеследует подписывайтесьнаканал
ru допобачення
ru досвидания музыка аплодисменты
pl dziękuję dziękujęzaoglądanie dziękujęzauwagę subskrybujcie
cs děkuji děkujizapozornost děkujizasledování
sv tack tackförattnitittade tackförattdutittade
da tak takfordimed takfordufulgtemed
fi kiitos kiitoskunkatsoit kiitoskunkatsoitte
hu köszönöm köszönömafigyelmet köszönömhogymegnézted
ro mulțumesc vămulțumimpentruvizionare nuuitațisădațilikeșisubscribe
tr teşekkürler teşekkürederim izlediğiniziçinteşekkürler izlediğiniziçinteşekkürederim
tr aboneolmayıunutmayın altyazı
el ευχαριστώ σαςευχαριστώγιατηνπαρακολούθηση
he תודה תודהשצפיתם
ar شكرا شكرالكم شكرالكمعلىالمشاهدة اشتركوافيالقناة لاتنسواالاشتراكفيالقناة
fa ممنون باتشکرازتوجهشما
hi धन्यवाद देखनेकेलिएधन्यवाद
id terimakasih terimakasihtelahmenonton
ms terimakasihkeranamenonton
vi cảmơn cảmơncácbạnđãtheodõi cảmơncácbạnđãxemvideo hẹngặplại
th ขอบคุณ ขอบคุณที่รับชม โปรดติดตามตอนต่อไป
fil salamat salamatsapanonood
mk благодарам благодарамштогледавте
"""

FRAME = samples(20)
AUDIBLE_DB = -55.0  # full scale = 0
ABOVE_DB = 9.0  # over the sound's quietest tenth: speech swings by more, noise and hum by less
TOO_LONG, TOO_LONG_MS = 8.0, 3_000.0  # times what the words take, and beside that


def plain(text: str) -> str:
    """Letters and digits alone, lower case: what phrases are compared by."""
    kept = unicodedata.normalize("NFC", text).casefold()
    # Vowels and tones that combine with a letter are part of it.
    return "".join(char for char in kept if unicodedata.category(char)[0] in "LNM")


def _table(lines: str) -> list[str]:
    phrases = [plain(phrase) for line in lines.splitlines() for phrase in line.split()[1:]]
    return sorted(set(phrases), key=len, reverse=True)


_CREDIT = re.compile("|".join(_table(CREDITS)))
_FAREWELL = re.compile(f"(?:{'|'.join(_table(FAREWELLS))})+")


def without_credits(text: str) -> str:
    """The text without sentences about who made the subtitles."""
    if not _CREDIT.search(plain(text)):
        return text
    closed, rest = sentences(text)
    return "".join(one for one in (*closed, rest) if not _CREDIT.search(plain(one))).strip()


def is_farewell(text: str) -> bool:
    """The text is nothing but phrases that end videos."""
    return bool(_FAREWELL.fullmatch(plain(text)))


def phantom(text: str, pcm: bytes) -> bool:
    """The text is a farewell, and its sound gives no reason for it."""
    return is_farewell(text) and not voiced(text, pcm)


def voiced(text: str, pcm: bytes) -> bool:
    """The sound has as much voice in it as it takes to say the text, and not many times that."""
    least = least_ms(text)
    return least <= voiced_ms(pcm) <= TOO_LONG * least + TOO_LONG_MS


def voiced_ms(pcm: bytes) -> float:
    """How much of the sound (16 kHz mono) rises above its background as voices do."""
    sound = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    if not len(frames):
        return 0.0
    level = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-12)
    background = float(np.quantile(level, 0.1))
    loud = level > max(AUDIBLE_DB, background + ABOVE_DB)
    return milliseconds(int(loud.sum()) * FRAME)
