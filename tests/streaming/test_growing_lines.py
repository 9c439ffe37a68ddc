"""Lines that grow, in eight languages, as tables: what is heard or told, and what is seen of it.

Real sentences, with what is hard about each language: marks that come late, numbers that are words
at first, names half heard, Latin words in Han, Thai without spaces, Arabic with its vowels, German
compounds and its verb at the end, translations that gain words in their middle.
"""
# ruff: noqa: E501 - a row is a line

import pytest

from streaming.agreement import Agreement, several
from streaming.dial import Dial, mask
from streaming.retranslation import Retranslation
from streaming.units import pieces
from streaming.values import Hypothesis, SpeechSegment, Transcript

# Each row: a recognizer's hypothesis | what is promised | what a reader of `live` sees
HEARD = {
    "zh": """
        我们 |  |
        我们的 |  | 我们
        我们的GP | 我们 | 我们的
        我们的GPU很 | 我们的 | 我们的
        我们的GPU很忙 | 我们的 | 我们的GPU很
        我们的GPU很忙，所以 | 我们的GPU很 | 我们的GPU很忙
        我们的GPU很忙，所以二十 | 我们的GPU很忙 | 我们的GPU很忙，所以
        我们的GPU很忙，所以25个 | 我们的GPU很忙，所以 | 我们的GPU很忙，所以
        我们的GPU很忙，所以25个人在等 | 我们的GPU很忙，所以 | 我们的GPU很忙，所以25个
        """,
    "ja": """
        昨日 |  |
        昨日マリア |  | 昨日
        昨日マリアさん | 昨日 | 昨日マリア
        昨日マリアさんが | 昨日マリア | 昨日マリアさん
        昨日マリアさんが来 | 昨日マリアさん | 昨日マリアさんが
        昨日マリアさんが来ました | 昨日マリアさんが | 昨日マリアさんが来
        昨日マリアさんが来ました。でも | 昨日マリアさんが来 | 昨日マリアさんが来ました
        昨日、マリアさんが来ました。でも私 | 昨日マリアさんが来ました | 昨日マリアさんが来ました。でも
        """,
    "ko": """
        내일 |  |
        내일 아홉 |  | 내일
        내일 아홉 시에 | 내일 | 내일 아홉
        내일 9시에 서울 | 내일 | 내일 아홉
        내일 9시에 서울역에서 | 내일 | 내일 9시에
        내일 9시에 서울역에서 만나요 | 내일 9시에 | 내일 9시에 서울역에서
        내일 9시에 서울역에서 만나요. | 내일 9시에 서울역에서 | 내일 9시에 서울역에서
        """,
    "en": """
        Doctor |  |
        Doctor Smit |  | Doctor
        Doctor Smith will | Doctor | Doctor
        Doctor Smith will see | Doctor | Doctor Smith will
        Doctor Smith will see twenty | Doctor Smith will | Doctor Smith will see
        Doctor Smith will see 25 people | Doctor Smith will see | Doctor Smith will see
        Doctor Smith will see 25 people. Then | Doctor Smith will see | Doctor Smith will see 25 people
        Doctor Smith will see 25 people. Then he | Doctor Smith will see 25 people | Doctor Smith will see 25 people. Then
        """,
    "es": """
        ¿Dónde |  |
        ¿Dónde está |  | ¿Dónde
        ¿Dónde está la | ¿Dónde | ¿Dónde está
        ¿Dónde está la estación | ¿Dónde está | ¿Dónde está la
        ¿Dónde está la estación? Mi | ¿Dónde está la | ¿Dónde está la estación
        ¿Dónde está la estación? Mi tren | ¿Dónde está la estación | ¿Dónde está la estación? Mi
        ¿Dónde está la estación? Mi tren sale | ¿Dónde está la estación? Mi | ¿Dónde está la estación? Mi tren
        """,
    "de": """
        Ich habe |  |
        Ich habe den |  | Ich habe
        Ich habe den Donau | Ich habe | Ich habe den
        Ich habe den Donaudampfer | Ich habe den | Ich habe den
        Ich habe den Donaudampfer gestern | Ich habe den | Ich habe den Donaudampfer
        Ich habe den Donaudampfer gestern nicht | Ich habe den Donaudampfer | Ich habe den Donaudampfer gestern
        Ich habe den Donaudampfer gestern nicht gesehen | Ich habe den Donaudampfer gestern | Ich habe den Donaudampfer gestern nicht
        """,
    "ar": """
        قَرَأتُ |  |
        قَرَأتُ عن |  | قَرَأتُ
        قَرَأتُ عن نظاراتكم | قَرَأتُ | قَرَأتُ عن
        قَرَأتُ عن نظاراتكم الأسبوع | قَرَأتُ عن | قَرَأتُ عن نظاراتكم
        قَرَأتُ عن نظاراتكم الأسبوع الماضي | قَرَأتُ عن نظاراتكم | قَرَأتُ عن نظاراتكم الأسبوع
        قَرَأتُ عن نظاراتكم الأسبوع الماضي، هل | قَرَأتُ عن نظاراتكم الأسبوع | قَرَأتُ عن نظاراتكم الأسبوع الماضي
        قَرَأتُ عن نظاراتكم الأسبوع الماضي، هل هي | قَرَأتُ عن نظاراتكم الأسبوع الماضي | قَرَأتُ عن نظاراتكم الأسبوع الماضي، هل
        """,
    "th": """
        น้ำ |  |
        น้ำเย |  | น้ำ
        น้ำเย็น | น้ำ | น้ำ
        น้ำเย็นอยู่ | น้ำ | น้ำเย็น
        น้ำเย็นอยู่ใน | น้ำเย็น | น้ำเย็นอยู่
        น้ำเย็นอยู่ในตู้ | น้ำเย็นอยู่ | น้ำเย็นอยู่ใน
        น้ำเย็นอยู่ในตู้เย็น | น้ำเย็นอยู่ใน | น้ำเย็นอยู่ในตู้
        """,
}


def rows(table: str) -> list[list[str]]:
    """The cells of each row."""
    return [[cell.strip() for cell in row.split("|")] for row in table.strip().splitlines()]


@pytest.mark.parametrize("language", HEARD)
def test_what_is_heard(language: str) -> None:
    agreement, dial, shown = Agreement(several(320)), Dial("live", mask(language, "transcript")), ""
    for hypothesis, promised, seen in rows(HEARD[language]):
        line = agreement.push(hypothesis)
        text = dial.push(line)
        shown = shown if text is None else str(text)
        assert (line.promised.rstrip(), shown.rstrip()) == (promised, seen), hypothesis


# Each row: a source, what is promised of it before the stroke | the answer, all of it, and with a
#           stroke behind a sentence that closes | what a reader of `live` sees | closed sentences' translations | frozen behind them
TOLD = {
    "en zh": """
        /Good morning | 早上好 |  |  |
        Good /morning. We | 早上好。我们 | 早上好 |  |
        Good morning. /We have 25 | 早上好。 / 我们有25 | 早上好。我们 | 早上好。 |
        Good morning. We /have 25 people | 早上好。我们有25个人 | 早上好。我们有25 | 早上好。 |
        Good morning. We have /25 people here | 早上好。我们这里有25个人 | 早上好。我们有25 | 早上好。 |
        Good morning. We have 25 /people here today | 早上好。我们今天这里有25个人 | 早上好。我们有25 | 早上好。 |
        """,
    "en ja": """
        /Good morning | おはよう |  |  |
        Good /morning. We | おはようございます。私たちは | おはよう |  |
        Good morning. /We have 25 | おはようございます。 / 25 | おはようございます。 | おはようございます。 |
        Good morning. We /have 25 people | おはようございます。25人います | おはようございます。25 | おはようございます。 |
        Good morning. We have /25 people here | おはようございます。ここに25人います | おはようございます。25 | おはようございます。 |
        Good morning. We have 25 /people here today | おはようございます。今日はここに25人います | おはようございます。25 | おはようございます。 |
        """,
    "en ko": """
        /Good morning | 좋은 아침 |  |  |
        Good /morning. We | 좋은 아침입니다. 우리는 | 좋은 |  |
        Good morning. /We have 25 | 좋은 아침입니다. / 25 | 좋은 아침입니다. | 좋은 아침입니다. |
        Good morning. We /have 25 people | 좋은 아침입니다. 25명이 있습니다 | 좋은 아침입니다. | 좋은 아침입니다. |
        Good morning. We have /25 people here | 좋은 아침입니다. 여기 25명이 있습니다 | 좋은 아침입니다. | 좋은 아침입니다. |
        Good morning. We have 25 /people here today | 좋은 아침입니다. 오늘 여기 25명이 있습니다 | 좋은 아침입니다. | 좋은 아침입니다. |
        """,
    "en es": """
        /Good morning | Buenos días |  |  |
        Good /morning. We | Buenos días. Nosotros | Buenos días |  |
        Good morning. /We have 25 | Buenos días. / Tenemos 25 | Buenos días. | Buenos días. |
        Good morning. We /have 25 people | Buenos días. Tenemos 25 personas | Buenos días. Tenemos 25 | Buenos días. |
        Good morning. We have /25 people here | Buenos días. Tenemos 25 personas aquí | Buenos días. Tenemos 25 personas | Buenos días. |
        Good morning. We have 25 /people here today | Buenos días. Tenemos a 25 personas aquí hoy | Buenos días. Tenemos 25 personas | Buenos días. |
        """,
    "en de": """
        /Good morning | Guten Morgen |  |  |
        Good /morning. We | Guten Morgen. Wir | Guten Morgen |  |
        Good morning. /We have 25 | Guten Morgen. / Wir haben 25 | Guten Morgen. Wir | Guten Morgen. |
        Good morning. We /have 25 people | Guten Morgen. Wir haben 25 Leute | Guten Morgen. Wir haben 25 | Guten Morgen. |
        Good morning. We have /25 people here | Guten Morgen. Wir haben hier 25 Leute | Guten Morgen. Wir haben 25 | Guten Morgen. |
        Good morning. We have 25 /people here today | Guten Morgen. Wir haben heute 25 Leute hier | Guten Morgen. Wir haben 25 | Guten Morgen. |
        """,
    "en ar": """
        /Good morning | صباح الخير |  |  |
        Good /morning. We | صباح الخير. نحن | صباح الخير |  |
        Good morning. /We have 25 | صباح الخير. / لدينا 25 | صباح الخير. | صباح الخير. |
        Good morning. We /have 25 people | صباح الخير. لدينا 25 شخصًا | صباح الخير. لدينا 25 | صباح الخير. |
        Good morning. We have /25 people here | صباح الخير. لدينا 25 شخصًا هنا | صباح الخير. لدينا 25 شخصًا | صباح الخير. |
        Good morning. We have 25 /people here today | صباح الخير. لدينا 25 شخصًا هنا اليوم | صباح الخير. لدينا 25 شخصًا هنا | صباح الخير. |
        """,
    "en th": """
        /Good morning | สวัสดีตอนเช้า |  |  |
        Good /morning. We | สวัสดีตอนเช้า เรา | สวัสดีตอนเช้ |  |
        Good morning. /We have 25 | สวัสดีตอนเช้า / เรามี 25 | สวัสดีตอนเช้า เร | สวัสดีตอนเช้า |
        Good morning. We /have 25 people | สวัสดีตอนเช้า เรามีคน 25 คน | สวัสดีตอนเช้า เรามี | สวัสดีตอนเช้า |
        Good morning. We have /25 people here | สวัสดีตอนเช้า เรามีคน 25 คนที่นี่ | สวัสดีตอนเช้า เรามีคน 25 ค | สวัสดีตอนเช้า |
        Good morning. We have 25 /people here today | สวัสดีตอนเช้า เรามีคน 25 คนที่นี่วันนี้ | สวัสดีตอนเช้า เรามีคน 25 คนที่นี่ | สวัสดีตอนเช้า |
        """,
    "zh en": """
        /早上好 | Good morning |  |  |
        早上/好。我们 | Good morning. We | Good morning |  |
        早上好。/我们有 | Good morning. / We have | Good morning. | Good morning. |
        早上好。我们/有25个 | Good morning. We have 25 | Good morning. We have | Good morning. |
        早上好。我们有/25个人在 | Good morning. We have 25 people | Good morning. We have 25 | Good morning. |
        早上好。我们有25个/人在这里 | Good morning. There are 25 people here | Good morning. We have 25 | Good morning. |
        """,
    "ja en": """
        /昨日マリアさん | Maria yesterday |  |  |
        昨日/マリアさんが | Maria yesterday |  |  |
        昨日マリアさん/が来 | Maria came yesterday | Maria |  |
        昨日マリアさん/が来まし | Maria came yesterday | Maria |  |
        昨日マリアさんが/来ました | Maria came yesterday | Maria |  |
        昨日マリアさんが来まし/た。で | Maria came yesterday | Maria came |  |
        昨日マリアさんが来ました。/でも | Maria came yesterday. / But | Maria came yesterday. | Maria came yesterday. |
        昨日マリアさんが来ました。でも/会えま | Maria came yesterday. But I meet | Maria came yesterday. But | Maria came yesterday. |
        昨日マリアさんが来ました。でも会え/ません | Maria came yesterday. But I could not meet | Maria came yesterday. But I | Maria came yesterday. |
        昨日マリアさんが来ました。でも会えません/でした | Maria came yesterday. But I could not meet her | Maria came yesterday. But I could not meet | Maria came yesterday. |
        昨日マリアさんが来ました。でも会えませんでし/た。残 | Maria came yesterday. But I could not meet her. | Maria came yesterday. But I could not meet | Maria came yesterday. |
        """,
    "ko en": """
        /어제 | Yesterday |  |  |
        어제/ 마리아가 | Maria yesterday |  |  |
        어제 마리아가 /서울에 | Maria to Seoul yesterday | Maria |  |
        어제 마리아가 서울에 /왔지만 | Maria came to Seoul yesterday, but | Maria |  |
        어제 마리아가 서울에 왔지만 /못 | Maria came to Seoul yesterday, but not | Maria |  |
        어제 마리아가 서울에 왔지만 못 /만났습니다 | Maria came to Seoul yesterday, but I could not meet her | Maria came to Seoul yesterday, but |  |
        어제 마리아가 서울에 왔지만 못 만났습니다./ 다음에 | Maria came to Seoul yesterday, but I could not meet her. / Next time | Maria came to Seoul yesterday, but I could not meet her. | Maria came to Seoul yesterday, but I could not meet her. |
        어제 마리아가 서울에 왔지만 못 만났습니다. 다음에 /만나겠습니다 | Maria came to Seoul yesterday, but I could not meet her. I will meet her next time | Maria came to Seoul yesterday, but I could not meet her. | Maria came to Seoul yesterday, but I could not meet her. |
        """,
    "en es, long": """
        /I wanted to buy the blue one that my friend | Quería comprar la azul que mi amigo |  |  |
        I wanted to buy /the blue one that my friend Maria showed | Quería comprar la azul que mi amiga María me enseñó y | Quería comprar la azul que mi |  |
        I wanted to buy the blue one /that my friend Maria showed me yesterday | Quería comprar la azul que mi amiga María me enseñó ayer en la tienda | Quería comprar la azul que mi amiga María me enseñó |  | Quería comprar
        I wanted to buy the blue one that my friend /Maria showed me yesterday but it was sold | Quería comprar la azul que mi amiga María me enseñó ayer pero ya estaba vendida | Quería comprar la azul que mi amiga María me enseñó ayer |  | Quería comprar la
        """,
    "en zh, long": """
        /I wanted to buy the blue one that my friend | 我想买那个蓝色的，我朋友 |  |  |
        I wanted to buy /the blue one that my friend Maria showed | 我想买我朋友Maria给我看的那个蓝色的 | 我想买 |  |
        I wanted to buy the blue one /that my friend Maria showed me yesterday | 我想买我朋友Maria昨天给我看的那个蓝色的眼镜 | 我想买我朋友Maria |  |
        I wanted to buy the blue one that my friend /Maria showed me yesterday but it was sold | 我想买我朋友Maria昨天给我看的那个蓝色的眼镜，可是已经卖掉了 | 我想买我朋友Maria昨天给我看的那个蓝色的眼镜 |  | 我想买我
        """,
    "en th, long": """
        /I wanted to buy the blue one that my friend | ผมอยากซื้ออันสีฟ้าที่เพื่อน |  |  |
        I wanted to buy /the blue one that my friend Maria showed | ผมอยากซื้ออันสีฟ้าที่เพื่อนผมมาเรียให้ | ผมอยากซื้ออันสีฟ้าที่เพื่อน |  |
        I wanted to buy the blue one /that my friend Maria showed me yesterday | ผมอยากซื้ออันสีฟ้าที่เพื่อนผมมาเรียให้ผมดูเมื่อวาน | ผมอยากซื้ออันสีฟ้าที่เพื่อนผมมาเรียให้ |  |
        I wanted to buy the blue one that my friend /Maria showed me yesterday but it was sold | ผมอยากซื้ออันสีฟ้าที่เพื่อนผมมาเรียให้ผมดูเมื่อวานแต่มันขายไปแล้ว | ผมอยากซื้ออันสีฟ้าที่เพื่อนผมมาเรียให้ผมดูเมื่อวาน |  | ผมอยา
        """,
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told(name: str) -> None:
    source, target = name.split(",")[0].split()
    machine, dial, shown = (
        Retranslation(source, target, True),
        Dial("live", mask(target, "translation")),
        "",
    )
    for said, answer, seen, closed, frozen in rows(TOLD[name]):
        promised, _, rest = said.partition("/")
        found, sure = tuple(pieces(promised + rest)), len(pieces(promised))
        line = Hypothesis(found, sure, sure)
        whole, _, last = answer.rpartition(" / ")
        for ask in machine.push(Transcript(SpeechSegment(0, 0, 0, 0, 0), source, line)):
            told = whole if ask.closes else last.removeprefix("".join(machine.told)).lstrip()
            assert told.startswith(ask.prefix.rstrip()), "an answer begins with what is settled"
            text = dial.push(machine.take(ask, told.removeprefix(ask.prefix.rstrip()).lstrip()))
            shown = shown if text is None else str(text)
        settled = "".join(machine.told).rstrip(), "".join(machine.frozen).rstrip()
        assert (shown.rstrip(), *settled) == (seen, closed, frozen), answer
