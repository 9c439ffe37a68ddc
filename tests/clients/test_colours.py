"""The colours of the screen: what stands out from what, and whose is which."""

import subprocess
import sys

import pytest

from clients.tui.colours import CONTRAST, DARK, LIGHT, PALETTES, Palette, Speakers, after, contrast
from clients.tui.colours import palette as named

LEAST = 4.5  # WCAG 2.2, 1.4.3
ENHANCED = 7.0  # 1.4.6


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("palette", PALETTES, ids=lambda one: one.called)
def test_whatever_is_read_stands_out(palette: Palette) -> None:
    least = ENHANCED if palette is CONTRAST else LEAST
    words = [palette.text, palette.draft, palette.source, palette.faint, palette.warning]
    for colour in [*words, *palette.speakers]:
        assert contrast(colour, palette.background) >= least, colour
    for colour in [palette.text, palette.faint, palette.warning, *palette.speakers]:
        assert contrast(colour, palette.panel) >= least, colour
    for behind in (palette.found, palette.current):
        assert contrast(palette.on_found, behind) >= least


def test_drafts_are_fainter_than_what_is_certain() -> None:
    for one in PALETTES:
        assert contrast(one.draft, one.background) < contrast(one.text, one.background) * 0.6


def test_a_name_has_the_same_colour_in_every_process() -> None:
    names = ["Ana", "Ben", "Chen", "王小明", "أمل"]
    here = [Speakers()[name] for name in names]
    program = f"from clients.tui.colours import Speakers; print([Speakers()[n] for n in {names}])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.stdout.strip() == str(here)


def test_those_who_are_here_together_have_different_colours() -> None:
    speakers = Speakers()
    assert len({speakers[f"guest {number}"] for number in range(speakers.count)}) == speakers.count
    assert 0 <= speakers["one too many"] < speakers.count


def test_capitals_and_spaces_do_not_change_a_colour() -> None:
    speakers = Speakers()
    assert speakers["Ana"] == speakers[" ana "]


def test_palettes_by_name_and_in_turn() -> None:
    assert named("light") is LIGHT and named("nonsense") is DARK
    assert [after(DARK), after(LIGHT), after(CONTRAST)] == [LIGHT, CONTRAST, DARK]
