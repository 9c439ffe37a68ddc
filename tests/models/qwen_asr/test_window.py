"""What is heard again at each hop, and what is said again: bounded, and nothing lost or twice."""

from hypothesis import given
from hypothesis import strategies as st

from models.qwen_asr.window import KEPT, LONGEST, WHOLE, Window, said_again
from streaming.units import joins
from streaming.values import samples

HOP = samples(320)


def sound(count: int, value: int = 1) -> bytes:
    return value.to_bytes(2, "little") * count


def test_all_of_a_short_segment_is_heard_and_its_promise_continued() -> None:
    window = Window()
    window.push(sound(HOP), "")
    window.push(sound(HOP), "good morning every")
    view = window.view()
    assert (len(view.sound), view.before, view.promised) == (4 * HOP, "", "good morning ")
    assert view.text(" everybody.") == "good morning everybody."


def test_words_leave_with_their_sound_and_stay_in_the_line() -> None:
    window, said = Window(), ""
    for n in range(60):
        window.push(sound(HOP), said)
        said += f"w{n} "
    view = window.view()
    assert view.before and view.promised and view.before + view.promised == said[: -len("w58 w59 ")]
    assert view.text(" w58 w59 w60") == f"{said}w60"


def test_no_word_goes_before_its_sound_has_gone() -> None:
    """Word n is spoken in hop n, and promised two hops later."""
    window = Window()
    for n in range(150):
        window.push(sound(HOP), "".join(f"w{k} " for k in range(max(0, n - 2))))
        view = window.view()
        heard_from = (window.length - len(view.sound) // 2) / HOP
        assert len(view.before.split()) <= heard_from


def test_sound_comes_again_at_once_after_a_failure_with_all_its_words() -> None:
    window = Window()
    window.push(sound(14 * samples(1_000)), "one two three four")
    view = window.view()
    assert (view.before, view.promised) == ("", "one two three ")
    assert len(view.sound) == 2 * LONGEST


def test_an_hour_costs_at_each_hop_what_its_first_seconds_did() -> None:
    window, said, most = Window(), "", 0
    for n in range(3_600 * 1_000 // 320):
        if n % 2:
            said += f"w{n} "
        window.push(sound(HOP), said)
        if n % 50 == 0:
            view = window.view()
            assert len(view.sound) <= 2 * LONGEST
            most = max(most, len(view.promised))
            if n > 100:
                assert len(view.sound) > 2 * (KEPT - HOP)
    assert most < 200
    whole = window.whole()
    assert len(whole.sound) == 2 * WHOLE
    assert len(whole.before) > len(said) - 400


def test_the_end_hears_everything_and_is_held_to_nothing() -> None:
    window = Window()
    for _ in range(50):
        window.push(sound(HOP), "one two three")
    view = window.whole()
    assert (len(view.sound), view.before, view.promised) == (2 * 50 * HOP, "", "")


def test_pieces_are_joined_as_their_script_is_written() -> None:
    window = Window()
    for said in ("", "我们 ", "我们今天去"):
        window.push(sound(HOP), said)
    assert window.view().text(" 去公园") == "我们今去公园"
    window = Window()
    assert window.view().text(" Hello. ") == "Hello."


@given(st.text(st.sampled_from("ab é́ि你好กิ้한 .👩‍💻"), max_size=12))
def test_what_is_kept_of_a_promise_never_ends_inside_a_grapheme(promised: str) -> None:
    kept = said_again(promised)
    assert promised.startswith(kept)
    rest = promised[len(kept) :]
    assert not kept or not joins(rest[0])


def test_a_word_or_two_characters_are_said_again() -> None:
    assert said_again("where is the glass") == "where is the "
    assert said_again("眼镜很小但是") == "眼镜很小"
    assert said_again("glass") == said_again("") == ""
