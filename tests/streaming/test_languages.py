"""Languages by code: which of those that are known covers another."""

import pytest

from streaming.languages import concluded, within


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


@pytest.mark.parametrize(
    ("code", "text", "known"),
    [
        ("ja", "母は中国語しか話しません", True),
        ("ja-JP", "教えてもらえますか？", True),
        ("ja", "買いたかったのですが、もう", True),
        ("ja", "読みました。どう", True),
        ("ja", "読みました。どうやって", False),  # of the next sentence nothing is known
        ("ja", "友達のマリアが昨日見せてくれた", False),  # it may stand before a noun
        ("ja", "読みま", False),
        ("ja", "", False),
        ("ko", "시작합니다", False),
        ("en", "she said です", False),
    ],
)
def test_a_polite_verb_tells_that_all_was_said(code: str, text: str, known: bool) -> None:
    assert concluded(code, text) is known
