"""How hard the property tests try: `make check` a little, SURTITLE_TRIES=full a lot, and any number
of tries where that is a number, as `make soak-props` says."""

import os

from hypothesis import HealthCheck, settings

TRIES = {"quick": 25, "full": 200}

tries = os.environ.get("SURTITLE_TRIES", "quick")
settings.register_profile(
    tries,
    max_examples=TRIES.get(tries) or int(tries),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(tries)
