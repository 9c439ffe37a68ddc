"""A palette as what Textual and Rich draw with; without colours, as weight, slant and lines."""

from dataclasses import dataclass

from rich.style import Style
from textual.theme import Theme

from .colours import PALETTES, Palette


@dataclass(frozen=True, slots=True)
class Look:
    """The styles of the captions."""

    page: Style
    """Behind everything."""
    text: Style
    draft: Style
    source: Style
    source_draft: Style
    found: Style
    current: Style
    speakers: tuple[Style, ...]


def look(palette: Palette, colours: bool = True) -> Look:
    """The styles of a palette, or of a terminal without colours."""
    if not colours:
        return PLAIN
    text = Style(color=palette.text)
    source = Style(color=palette.source, italic=True)
    return Look(
        page=Style(color=palette.text, bgcolor=palette.background),
        text=text,
        draft=Style(color=palette.draft),
        source=source,
        source_draft=Style(color=palette.draft, italic=True),
        found=Style(color=palette.on_found, bgcolor=palette.found),
        current=Style(color=palette.on_found, bgcolor=palette.current, bold=True),
        speakers=tuple(Style(color=colour, bold=True) for colour in palette.speakers),
    )


PLAIN = Look(
    page=Style(),
    text=Style(),
    draft=Style(dim=True),
    source=Style(italic=True),
    source_draft=Style(italic=True, dim=True),
    found=Style(underline=True),
    current=Style(reverse=True, bold=True),
    speakers=(Style(bold=True),) * len(PALETTES[0].speakers),
)


def theme(palette: Palette, colours: bool = True) -> Theme:
    """The same for Textual's own widgets."""
    return Theme(
        name=palette.name,
        primary=palette.speakers[0],
        secondary=palette.speakers[0],
        accent=palette.speakers[1],
        warning=palette.warning,
        error=palette.warning,
        success=palette.good,
        foreground=palette.text,
        background=palette.background,
        surface=palette.panel,
        panel=palette.panel,
        dark=palette.dark,
        variables={
            "footer-key-foreground": palette.speakers[0],
            "footer-description-foreground": palette.text,
            "footer-background": palette.panel,
            "scrollbar": palette.faint,
            "scrollbar-background": palette.background,
            "input-selection-background": palette.found,
            "faint": palette.faint,
            "block-cursor-text-style": "bold" if colours else "bold underline",
        },
    )
