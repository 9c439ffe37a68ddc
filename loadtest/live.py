"""What is to be seen while a load runs: who, how fast, where the time goes."""

from collections import deque
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .host import Host
from .load import Load
from .result import Moment
from .runs import Show
from .verdict import BEHIND_MS, BUSY, STAGES, WHOLE_MS, Bars, told_of

EVERY_S = 5  # seconds between two lines of text
SECONDS = 60  # that the curves show
BLOCKS = " ▁▂▃▄▅▆▇█"
BAR = 30  # columns of the longest stage
WIDE = 100


def watching(bars: Bars, plain: bool) -> Show:
    """Lines of text, or the terminal's own view."""
    return Lined() if plain else Drawn(bars)


class Lined:
    """A line every few seconds."""

    def begin(self, load: Load, host: Host) -> None:
        """Everybody is in."""
        self.load = load
        print(f"{load.name}: everybody is in, {load.lasts:.0f} s to go", flush=True)

    def moment(self, moment: Moment) -> None:
        """A second is over."""
        if round(moment.at) % EVERY_S == 0:
            print(line(moment, self.load), flush=True)

    def end(self) -> None:
        """So is all of it."""


def line(moment: Moment, load: Load) -> str:
    """One second in words."""
    server = "" if moment.server_cpu is None else f", server {moment.server_cpu:.0f} %"
    return (
        f"{moment.at:5.0f} s ({part(moment, load)}): {moment.speaking} speak,"
        f" {moment.captions} captions a second, chunk to caption {ms(moment.shown_p50)},"
        f" 95 % within {ms(moment.shown_p95)}, age 95 % within {ms(moment.age_p95)};"
        f" tester {moment.tester_cpu:.0f} % and {moment.late:.1f} ms late at most{server}"
    )


def part(moment: Moment, load: Load) -> str:
    """Which part of a run this is."""
    begin, end = load.counted
    if moment.at < load.ramp:
        return "coming in"
    return "warming up" if moment.at < begin else "counted" if moment.at < end else "ending"


def ms(value: float | None) -> str:
    """A time, or a dash."""
    return "–" if value is None else f"{value:.0f} ms"


def curve(values: Sequence[float | None], top: float) -> str:
    """The newest values as blocks, none above `top`."""
    return "".join(
        "·" if value is None else BLOCKS[min(8, max(1, round(8 * value / top)))] for value in values
    )


class Drawn:
    """In the terminal, drawn anew every second."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.moments: deque[Moment] = deque(maxlen=SECONDS)

    def begin(self, load: Load, host: Host) -> None:
        """Everybody is in."""
        self.load, self.host = load, host
        self.moments.clear()
        self.live = Live(self.picture(), auto_refresh=False, transient=True)
        self.live.start(refresh=True)

    def moment(self, moment: Moment) -> None:
        """A second is over."""
        self.moments.append(moment)
        self.live.update(self.picture(), refresh=True)

    def end(self) -> None:
        """So is all of it."""
        self.live.stop()

    def picture(self) -> RenderableType:
        """All of it."""
        host = self.host.engine or self.host.url
        if not self.moments:
            parts: list[RenderableType] = [Text("everybody is in")]
        else:
            newest = self.moments[-1]
            parts = [self._way(newest), self._who(newest), Text(), self._how_fast(newest)]
            parts += [Text(), self._where(newest)] if newest.stages else []
        title = f"[b]surtitle loadtest[/]  {escape(self.load.name)}, {escape(host)}"
        return Panel(Group(*parts), title=title, title_align="left", border_style="dim", width=WIDE)

    def _way(self, moment: Moment) -> RenderableType:
        grid = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=self.load.lasts, completed=moment.at, width=40)
        of = f"{moment.at:.0f} of {self.load.lasts:.0f} s"
        grid.add_row(bar, of, Text(part(moment, self.load), style="bold"))
        return grid

    def _who(self, moment: Moment) -> RenderableType:
        said = f"{moment.speaking} speak"
        said += f", {self.load.readers} read" if self.load.readers else ""
        said += f"   {moment.captions} captions a second"
        if moment.server_cpu is not None:
            said += f"   server {moment.server_cpu:.0f} %, {moment.memory_mb or 0:.0f} MB"
        tester = Text(f"   tester {moment.tester_cpu:.0f} %, {moment.late:.0f} ms late")
        tester.stylize("bold red" if moment.tester_cpu > BUSY or moment.late > BEHIND_MS else "dim")
        return Text(said) + tester

    def _how_fast(self, moment: Moment) -> RenderableType:
        budget = self.bars.budget or WHOLE_MS
        grid = Table.grid(padding=(0, 2))
        rows = (
            ("chunk to caption", moment.shown_p50, "shown_p95", budget),
            ("caption age", None, "age_p95", budget + self.bars.hop),
        )
        for name, middle, newest, limit in rows:
            values = [getattr(it, newest) for it in self.moments]
            style = "red" if values[-1] is not None and values[-1] > limit else "green"
            grid.add_row(
                name,
                Text(f"{ms(middle):>8}", style="dim"),
                Text(f"95 % {ms(values[-1]):>8}", style=f"bold {style}"),
                Text(f"of {limit:.0f}", style="dim"),
                Text(curve(values, limit), style=style),
            )
        return grid

    def _where(self, moment: Moment) -> RenderableType:
        longest = max(max(moment.stages.values()), 1.0)
        grid = Table.grid(padding=(0, 2))
        for stage in told_of(moment.stages):
            took = moment.stages[stage]
            bar = "█" * max(0, round(BAR * took / longest))
            words = Text(STAGES[stage], style="dim")
            grid.add_row(words, f"{took:8.1f} ms", Text(bar, style="cyan"))
        return grid
