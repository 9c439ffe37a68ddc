"""The fewest cards that hold, and what they cost."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

from clients.console import Problem

from .conversation import simulated
from .queueing import SAMPLES, Outcome, Setting, Speech, load
from .times import Times

CARDS_AT_MOST = 1_000
TRIES = 60
ALONE = 400  # captions of a speaker whom nobody disturbs
BUSY = 0.6  # of a card's time in full batches: nobody is in time with much more


@dataclass(frozen=True, slots=True)
class Sized:
    """What it takes."""

    card: str
    setting: Setting
    outcome: Outcome
    busy: tuple[float, float]
    """Cards' worth of recognizing and translating, at the least."""
    processes: int
    an_hour: float
    """Dollars."""

    @property
    def a_speaker_minute(self) -> float:
        """Dollars for a minute of one speaker."""
        return self.an_hour / 60 / self.setting.speakers


def sized(
    times: Times,
    card: str,
    speakers: int,
    languages: int,
    speech: Speech,
    budget: float,
    price: float | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
    samples: int = SAMPLES,
) -> Sized:
    """The fewest cards with which that many stay within the budget (ms).

    One card for both engines, if that holds; otherwise cards of their own, from the fewest that
    could do the work on, one more each time where that helps most. Problem: no number of them
    holds. `samples`: captions that each try is judged by, about.
    """
    busy = load(times, card, speakers, languages, speech)
    per_process = times.server.speakers(languages)
    if not per_process:
        raise Problem(f"one process cannot carry a speaker with {languages} languages")
    alone = Setting(1, languages, 1, min(1, languages), False, speech, ALONE)
    if not (found := simulated(times, card, alone)).holds(budget):
        raise Problem(
            f"not even one speaker with a {card} of his own for everything is within"
            f" {budget:g} ms: {late(found)}"
        )
    setting = Setting(speakers, languages, 1, min(1, languages), True, speech, samples)
    outcome = simulated(times, card, setting) if sum(busy) < 1 else None
    if outcome is None or not outcome.holds(budget):
        setting, outcome = apart(times, card, replace(setting, together=False), busy, budget, tell)
    processes = ceil(speakers / per_process)
    hour = times.price(card).hour if price is None else price
    an_hour = setting.cards * hour + processes * times.price("core").hour
    return Sized(card, setting, outcome, busy, processes, an_hour)


def apart(
    times: Times,
    card: str,
    setting: Setting,
    busy: tuple[float, float],
    budget: float,
    tell: Callable[[str], None],
) -> tuple[Setting, Outcome]:
    """The fewest with recognition and translation on cards of their own."""
    hear, tell_ = (max(1, ceil(one / BUSY)) for one in busy)
    setting = replace(setting, recognizers=hear, translators=tell_)
    if not setting.languages:
        setting = replace(setting, translators=0)  # nobody needs one
    if setting.cards > CARDS_AT_MOST:
        raise Problem(f"that takes more than {CARDS_AT_MOST} cards: ask for fewer speakers")
    for _ in range(TRIES):
        outcome = simulated(times, card, setting)
        if outcome.holds(budget):
            return fewer(times, card, setting, outcome, budget)
        tell(f"{cards(setting)}: {late(outcome)}")
        setting = grown(times, card, setting, outcome)
    raise Problem(f"{setting.cards} cards do not hold {budget:g} ms either")


def grown(times: Times, card: str, setting: Setting, outcome: Outcome) -> Setting:
    """More cards where they help most.

    A stage's waiting falls about as its cards grow, so one more of n saves an n-th of it.
    """
    hears, tells = times.on(card, "recognition"), times.on(card, "translation")
    hearing = telling = 0.0
    if outcome.recognizing:
        hearing = (outcome.recognizing.p95 - hears.lasts(1)) / setting.recognizers
    if setting.languages and outcome.translating:
        alone = tells.lasts(1) * max(tells.passes)
        telling = (outcome.translating.p95 - alone) / setting.translators
    if telling > hearing:
        return replace(setting, translators=setting.translators + step(setting.translators))
    return replace(setting, recognizers=setting.recognizers + step(setting.recognizers))


def step(count: int) -> int:
    """How many at once: a tenth. `fewer` takes back what was too much."""
    return max(1, count // 10)


def fewer(
    times: Times, card: str, setting: Setting, outcome: Outcome, budget: float
) -> tuple[Setting, Outcome]:
    """Take away what can be missed, one by one."""
    for name in ("recognizers", "translators"):
        while (count := getattr(setting, name)) > 1:
            less = replace(setting, **{name: count - 1})
            tried = simulated(times, card, less)
            if not tried.holds(budget):
                break
            setting, outcome = less, tried
    return setting, outcome


def cards(setting: Setting) -> str:
    """In words."""
    if setting.together:
        return "1 card for both"
    return f"{setting.recognizers} to recognize, {setting.translators} to translate"


def late(outcome: Outcome) -> str:
    """In words."""
    found = outcome.translations or outcome.transcripts
    if found is None or outcome.age is None:
        return "nothing comes in time"
    return f"chunk to caption {found.p95:.0f} ms, age {outcome.age.p95:.0f} ms at p95"
