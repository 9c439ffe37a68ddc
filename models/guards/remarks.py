"""What models say about their work or instead of doing it, in the languages they say it in.

People say such things, too: nothing is held against an answer where its source speaks of the same.
"""

import re


def _any(patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns.split("\n")), re.IGNORECASE)


_REMARK = _any(
    r"""\bhere(['’]?s| is) (the|your|a|my) (\w+ )?translation
\btranslation (is|of|would be)\b
\bas an? (ai|language model|artificial)
\b(ai|language) model\b
\btranslat(e|ing) (that|this)\b
以下是.{0,12}(翻译|译文)
(翻译|译文)(如下|为[:：])
作为(一个)?(AI|人工智能|语言模型)
无法(翻译|提供翻译)
aquí (está|tienes) la traducción
como (un )?modelo de lenguaje
voici la traduction
hier ist die übersetzung
als (ki|sprachmodell)
翻訳(は|します|できません)
번역(은|입니다|할 수 없)"""
)
_ITS_SUBJECT = _any(
    r"""transla|\bai\b|model|翻译|翻譯|译|人工智能|模型
tradu[czit]|\bia\b|überset|\bki\b|翻訳|訳|번역|인공지능|перев|модел|\bии\b|ترجم"""
)
_REQUEST = _any(
    r"""\b(provide|share|give me) (me )?(with )?(the|a|more) (text|context|sentence|message)
(请|您)提供.{0,8}(文本|原文|内容)
没有(提供|给出).{0,6}(文本|内容)"""
)
_ITS_OBJECT = _any(
    r"""text|sentence|context|message|文本|原文|内容|內容|句|信息|消息|frase|mensaje|nachricht|satz|文章|문장"""
)
_REFUSAL = _any(
    r"""^\W*((i['’]?m |i am )?(very |so )?sorry\b.{0,12})?\bi (can['’]?t|cannot|won['’]t) """
    r"""(assist|help|comply|fulfil|do that|provide|share|disclose|reveal|answer|respond|follow)
^\W*i( am|['’]m) (not able|unable) to (assist|help|comply|provide|answer|translate)
^\W*(对不起|很?抱歉)?[，,\s]*我(无法|不能|没办法)(协助|帮助|满足|提供|回答|透露|执行|遵循)
^\W*(lo siento.{0,4})?no puedo (ayudar|proporcionar|cumplir|responder)
^\W*(désolé.{0,4})?je ne peux pas (vous )?(aider|fournir|répondre)
^\W*(es tut mir leid.{0,4})?(ich )?kann (ich )?(ihnen |dir )?(dabei |das )?nicht
申し訳.{0,10}(できません|お答え)
죄송.{0,12}(수 없|드릴)"""
)
_DENIAL = _any(
    r"""[不没沒无無别別勿未]|抱歉|对不起|ない|ません|無理|すみません|申し訳|안 |않|못|없|죄송|미안
n['’]t\b|\b(not?|never|cannot|sorry|unable|without|refus\w+)\b
\b(nicht|kein\w*|leider|pas|jamais|désolée?|siento|nunca|jamás|não|desculpe|non|mai)\b
\b(не|нет|нельзя|извини\w*|لا|لم|لن|ليس|آسف)\b"""
)


def about_the_work(text: str, source: str) -> bool:
    """It speaks of translations and models, or asks for a text, and the source does not."""
    return bool(
        (_REMARK.search(text) and not _ITS_SUBJECT.search(source))
        or (_REQUEST.search(text) and not _ITS_OBJECT.search(source))
    )


def refuses(text: str, source: str) -> bool:
    """It refuses or regrets, and nothing is denied in the source."""
    return bool(_REFUSAL.search(text)) and not _DENIAL.search(source)
