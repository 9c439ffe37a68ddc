"""What the panels say, as lines of text: who is here, and where the time goes. Pure."""

from collections.abc import Sequence

from clients.latency import BUDGET_MS, Meter, Stages
from clients.plain import clean, columns, rows
from streaming.messages import Participant

NAME = 18  # columns for a name in the panel
BAR = 12  # columns of a bar


def people(present: Sequence[Participant], me: str, others: int = 0) -> str:
    """Who is here, in a table: who speaks, who is muted, and in which languages. `others`: how many
    more there are."""
    if not present:
        return "Nobody is here yet."
    here = len(present) + others
    head = f"{here} here" if here > 1 else "You are alone here"
    rest = [f"  and {others} more who read"] if others else []
    return "\n".join([head, "", *(person(one, one.id == me) for one in present), *rest])


def person(one: Participant, me: bool) -> str:
    """One line: a mark for speaking, the name, the languages, and what that mark means."""
    mark = "×" if one.muted else "●" if one.speaking else " " if not one.hears else "○"
    name = cut(clean(one.name), NAME)
    way = f"{','.join(one.hears) or '–'} → {','.join(one.reads) or 'all'}"
    doing = "muted" if one.muted else "speaks" if one.speaking else "" if one.hears else "reads"
    you = "you" if me else ""
    return f"{mark} {padded(name, NAME)} {way:<12} {', '.join(filter(None, (you, doing)))}".rstrip()


def latency(
    stages: Stages, late: Meter | None, age: Meter | None, troubles: Sequence[str] = ()
) -> str:
    """Where the time goes, the two figures that are promised first."""
    lines = [f"{'within so many ms:':<38}{'half':>7}{'95 %':>7}"]
    lines += promised("chunk to caption", late)
    lines += promised("caption age", age)
    lines.append("")
    lines += [stage(Stages.NAMES[name], meter) for name, meter in stages.meters.items()]
    if late is None:
        lines += ["", "The way from microphone to screen is", "measured where one speaks oneself."]
    for sentence in troubles:
        lines += ["", *wrapped(sentence, 50)]
    return "\n".join(lines)


def promised(name: str, meter: Meter | None) -> list[str]:
    """A figure beside its budget; nothing where it cannot be measured."""
    worst = meter.percentile(95) if meter is not None else None
    if meter is None or worst is None:
        return []
    kept = "kept" if worst < BUDGET_MS else "MISSED"
    return [f"{stage(name, meter)}  of {BUDGET_MS}: {kept}"]


def stage(name: str, meter: Meter) -> str:
    """One line: a bar of the budget it takes, half of all within, 95 % within."""
    half, worst = meter.percentile(50), meter.percentile(95)
    if half is None or worst is None:
        return f"{name:<26}{'·' * BAR}{'–':>7}{'–':>7}"
    filled = min(BAR, round(worst / BUDGET_MS * BAR))
    return f"{name:<26}{'█' * filled:·<{BAR}}{number(half):>7}{number(worst):>7}"


def number(ms: float) -> str:
    """Without digits that nobody needs."""
    return f"{ms:.1f}" if ms < 10 else f"{ms:.0f}"


def speaking(present: Sequence[Participant]) -> str:
    """Who speaks right now, as a sentence: "Alan and Rosa speak"."""
    talking = [cut(clean(one.name), NAME) for one in present if one.speaking and not one.muted]
    if not talking:
        return ""
    if len(talking) == 1:
        return f"{talking[0]} speaks"
    return f"{', '.join(talking[:-1])} and {talking[-1]} speak"


def cut(text: str, width: int) -> str:
    """At most so many columns of it."""
    if columns(text) <= width:
        return text
    if width < 1:
        return ""
    kept = ""
    for character in text:
        if columns(kept + character) > width - 1:
            break
        kept += character
    return kept.rstrip() + "…"


def padded(text: str, width: int) -> str:
    """The text and spaces, so many columns."""
    return text + " " * max(0, width - columns(text))


def wrapped(text: str, width: int) -> list[str]:
    """Its rows."""
    return [text[start:end] for start, end in rows(text, width)]
