"""Pictures of the app, compared with those in `snapshots/`.

A picture that differs is written beside the one it should be, as NAME.now.svg: open both in a
browser. After a change that is meant, take the new ones, look at them, and commit them:

    SURTITLE_SNAPSHOTS=renew python -m pytest tests/clients/test_tui_screens.py

They are as Textual exports them, without what cannot be seen: fonts on the web, names made of
checksums, a clip for every row, what is of one style in pieces. Each element has a row of its own,
so that differences can be read. They depend on the versions of Textual and Rich in `requirements/`,
and on no machine.
"""

import difflib
import os
import re
from pathlib import Path
from typing import Any

from textual.app import App

from loadtest.show import without_fonts

SNAPSHOTS = Path(__file__).parent / "snapshots"
TOLD = 40  # rows of differences worth printing: the pictures say the rest
FOLDER = SNAPSHOTS.relative_to(Path(__file__).parents[2])


def picture(app: App[Any]) -> str:
    """What is on the screen, as SVG."""
    svg = without_fonts(app.export_screenshot(title="surtitle", simplify=True))
    svg = re.sub(r"terminal-\d+-", "", svg)
    svg = re.sub(r'\s*<clipPath id="line-\d+">.*?</clipPath>', "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="url\(#line-\d+\)"', "", svg)
    svg = svg.replace(' shape-rendering="crispEdges"', "")
    svg = svg.replace("<svg ", '<svg shape-rendering="crispEdges" ', 1)
    svg = re.sub(r"(/>|</text>)(?=<)", r"\1\n", svg)
    return "".join(f"{row.strip()}\n" for row in svg.splitlines() if row.strip())


def compare(name: str, app: App[Any]) -> None:
    """It looks as it did; the new picture is kept where that is wanted."""
    file, beside = SNAPSHOTS / f"{name}.svg", SNAPSHOTS / f"{name}.now.svg"
    shown = picture(app)
    if os.environ.get("SURTITLE_SNAPSHOTS") == "renew":
        file.write_text(shown, encoding="utf-8")
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    beside.unlink(missing_ok=True)
    if before == shown:
        return
    beside.write_text(shown, encoding="utf-8")
    changes = [
        row.replace("&#160;", " ")
        for row in difflib.unified_diff(before.splitlines(), shown.splitlines(), n=0)
        if row[0] in "+-" and row[1] == "<"
    ]
    told = "\n".join(changes[:TOLD])
    raise AssertionError(
        f"{name} looks different: compare {FOLDER / file.name} with {beside.name} beside it; if it"
        f" is meant, run again with SURTITLE_SNAPSHOTS=renew and commit the picture.\n{told}"
    )
