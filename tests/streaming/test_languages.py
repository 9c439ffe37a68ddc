"""Languages by code: which of those that are known covers another."""

import pytest

from streaming.languages import within


@pytest.mark.parametrize(
    ("code", "known", "covered_by"),
    [
        ("en", ["en", "es"], "en"),
        ("en-US", ["en", "es"], "en"),
        ("EN-us", ["en", "es"], "en"),
        ("zh-Hant", ["zh", "zh-Hant"], "zh-Hant"),
        ("en", ["en-US"], None),
        ("fr", ["en", "es"], None),
    ],
)
def test_a_language_covers_its_varieties(
    code: str, known: list[str], covered_by: str | None
) -> None:
    assert within(code, known) == covered_by
