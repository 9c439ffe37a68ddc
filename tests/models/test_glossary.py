"""A glossary's terms are found as whole words, in any case, the longest first."""

import pytest

from models.glossary import split

GLOSSARY = (("wave", "onda"), ("wave guide", "guía"), ("波导", "waveguide"), ("c++ (new)", "ce"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a Wave guide here", {"Wave guide": "guía"}),
        ("two waves, a wave's end", {"waves": "onda", "wave's": "onda"}),
        ("wavelet and microwave", {}),
        ("一个波导在这里", {"波导": "waveguide"}),
        ("use c++ (new) now", {"c++ (new)": "ce"}),
        ("wave\u00a0 guide", {"wave\u00a0 guide": "guía"}),
        ("", {}),
    ],
)
def test_terms_are_found(text: str, found: dict[str, str]) -> None:
    pieces = split(text, GLOSSARY)
    assert "".join(piece for piece, _ in pieces) == text
    assert {piece: wanted for piece, wanted in pieces if wanted is not None} == found


def test_without_a_glossary_the_text_is_one_piece() -> None:
    assert split("as it is", [("  ", "nothing")]) == [("as it is", None)]
