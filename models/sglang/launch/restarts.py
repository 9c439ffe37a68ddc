"""When to start a server again that has died.

died, after it had served      -> again in 1 s, then 2, 4, ... 30
served for a minute            -> as if it had never died
died `PATIENCE` times in a row before it was ready -> never: it cannot start like this
    unless it is to be started otherwise -> as after the first death
"""

from dataclasses import dataclass

PATIENCE = 3
FIRST_S, LONGEST_S = 1.0, 30.0
STEADY_S = 60.0  # having served so long, it died of something else than its start


@dataclass(slots=True)
class Restarts:
    """Asked at every death. `now`: seconds of any clock, the same for all calls."""

    unready: int = 0
    """Deaths in a row before it was ready."""
    deaths: int = 0
    """Deaths in a row, each within STEADY_S of being ready."""

    def died(self, now: float, ready_at: float | None, other: bool = False) -> float | None:
        """Seconds to wait before the next start; None: give up.

        `ready_at`: when this one became ready; None if it never did. `other`: the next one is not
        started like this one, so how often this one failed says nothing of it.
        """
        self.unready = self.unready + 1 if ready_at is None and not other else 0
        if self.unready >= PATIENCE:
            return None
        steady = ready_at is not None and now - ready_at >= STEADY_S
        self.deaths = 1 if steady else self.deaths + 1
        return float(min(LONGEST_S, FIRST_S * 2 ** (self.deaths - 1)))
