"""What this survives, and the tests that hold it: each is named with its file, under tests/.

Some need root, namespaces or a disk of their own, and say so where they cannot be had. All together,
at random and with real processes, is `make chaos`; a day of it is `SOAK=24h make soak`.

 1  A client drops and comes back, at any instant: every final once, in order, and no gap untold.
      server/test_nothing_lost.py::TestNothingLost
      server/test_coming_back.py::test_a_broken_connection_is_gone_on_with
 2  The server is stopped: finals first, everybody let go within 10 s and back 2 s after it is.
      server/test_restart.py::test_a_server_that_is_stopped_finishes_its_lines_and_everybody_comes_back
      faults/test_server.py::test_2_whatever_hangs_a_server_that_is_stopped_lets_everybody_go_in_time
 3  The server is killed: with a journal no final is lost, without one a gap is told.
      server/test_restart.py::test_after_a_kill_the_journal_has_every_final
      faults/test_server.py::test_3_a_server_that_is_killed_without_a_journal_begins_anew_and_says_what_is_lost
 4  A model server refuses or crashes: the words as they were said, marked, and soon as before.
      server/test_models_gone.py::test_without_its_translator_a_room_reads_the_words_themselves_until_it_is_back
      server/test_models_gone.py::test_without_its_recognizer_a_room_is_told_since_when_and_hears_again_soon
      server/test_models_gone.py::test_what_is_said_while_the_recognizer_is_away_is_captioned_late
      models/sglang/test_breaker.py::test_a_server_that_is_gone_is_not_called_twice
      models/sglang/test_servers.py::test_a_server_that_comes_back_is_asked_again_within_a_second
 5  A model server hangs: a deadline, few questions open, and nobody else waits.
      faults/test_models.py::test_5_a_translator_that_hangs_has_one_question_of_each_speaker_and_language
      faults/test_models.py::test_5_a_question_that_is_late_is_taken_back_and_its_reader_told
      models/sglang/test_servers.py::test_closing_the_answer_drops_the_stream
 6  A model server answers garbage, or without end: it is not read to its end, and nobody sees it.
      server/test_models_gone.py::test_without_its_translator_a_room_reads_the_words_themselves_until_it_is_back
      server/test_translation.py::test_an_answer_without_end_is_left
      fuzz/test_model_servers.py::test_frames_that_are_none_end_an_answer
 7  A recognizer's process crashes or hangs: another hears the sentence from its beginning.
      faults/test_models.py::test_7_a_recognizers_process_that_dies_is_replaced_and_hears_the_sentence_again
      models/embedded/test_pocketsphinx.py::test_a_crash_disturbs_no_other_process
      models/embedded/test_pocketsphinx.py::test_a_process_is_late_by_its_oldest_request_and_not_by_those_it_has_answered
 8  The card is full: the model server is started again with less, or given up with an exit code of
    its own; new speakers are refused by what it then takes, and nobody who is in has to go.
      models/sglang/test_launcher_words.py::test_a_death_for_want_of_memory_is_known_by_its_words
      models/sglang/test_launcher_serving.py::test_on_a_full_card_it_is_started_with_less_until_it_fits_and_never_with_more_again
      models/sglang/test_launcher_serving.py::test_a_model_that_does_not_fit_has_an_exit_code_of_its_own
      models/sglang/test_slots.py::test_a_server_that_comes_back_with_less_or_more_is_followed
      server/test_carrying.py::test_a_model_server_that_comes_back_with_less_costs_nobody_his_place
 9  A client reads slowly or not at all: it is let go in seconds, nobody notices, and it may resume.
      server/test_connection.py::test_who_never_reads_is_let_go_in_seconds_and_costs_no_memory_meanwhile
      server/test_resume.py::test_a_reader_too_far_behind_is_closed_and_gets_all_of_it_when_he_is_back
      streaming/test_outbox.py::test_a_final_is_never_removed
10  Packets of a call are lost: nearly all that arrive are heard, and soon.
      streaming/test_jitter.py::test_on_a_bad_network_nearly_all_that_arrives_is_heard_and_soon
      server/webrtc/test_bad_network.py::test_what_a_bad_network_delivers_of_a_call_is_heard_and_captioned
11  Packets of a WebSocket are lost: every line comes, and a microphone does not fall behind.
      faults/test_network.py::test_over_a_bad_network_every_line_comes_once_and_in_order
      clients/test_microphone_sending.py::test_while_the_network_holds_it_up_sound_is_dropped_and_told_as_a_gap
12  Packets come late, twice, or in another order: nothing is heard twice, and order is kept.
      streaming/test_jitter.py::test_every_frame_once_in_order_at_its_position_and_none_waits_long
      streaming/test_jitter.py::test_a_packet_that_comes_too_late_or_twice_is_not_heard_again
      faults/test_network.py::test_over_a_bad_network_every_line_comes_once_and_in_order
13  The network is away for seconds, or one has another address: one goes on as who one was.
      faults/test_network.py::test_13_in_a_blackout_nobody_is_lost_and_what_was_said_is_captioned
      faults/test_network.py::test_13_with_another_address_one_is_still_who_one_was
      clients/glasses/test_bad_network.py::test_what_is_said_while_the_network_is_away_comes_late
      server/webrtc/test_bad_network.py::test_who_walks_into_another_network_loses_no_final
14  Clocks are wrong or jump by a day: nothing happens.
      faults/test_time.py::test_14_however_the_time_of_day_jumps_every_caption_is_as_it_would_have_been
      faults/test_time.py::test_14_nobody_has_to_leave_because_the_time_of_day_was_put_right
      faults/test_time.py::test_14_a_server_with_tokens_keeps_time_that_nobody_puts_right
15  What comes is no message, no sound, no offer: a sentence, and nothing is left of it.
      server/test_connection.py::test_bad_input_is_named_and_disturbs_nobody_else
      fuzz/test_words.py::test_what_clients_say_is_understood_or_refused_in_a_sentence
      fuzz/test_sound.py::test_opus_of_any_kind_is_heard_or_refused
      fuzz/test_calls.py::test_an_offer_is_taken_or_refused_in_a_sentence
      fuzz/test_live.py::test_whatever_frames_strangers_send_a_neighbour_is_captioned
16  What comes is too long, or unpacks to too much: refused, and memory stays as it was.
      server/test_connection.py::test_bad_input_is_named_and_disturbs_nobody_else
      fuzz/test_bombs.py::test_a_compressed_frame_is_no_frame_here
      fuzz/test_bombs.py::test_a_packed_body_is_not_unpacked
17  Too many connections, messages, or seconds of sound: refused, and nobody else is disturbed.
      server/test_limits.py::test_floods_are_closed_and_disturb_nobody_else
      server/test_limits.py::test_an_address_that_comes_and_goes_has_to_wait
      server/test_limits.py::test_who_is_one_too_many_is_refused_and_may_ask_again
      streaming/test_sound.py::test_a_speaker_may_run_thirty_seconds_ahead_and_no_further
18  A request drips in or never ends, a peer is gone without a word: noticed at both ends.
      server/test_limits.py::test_who_connects_and_asks_for_nothing_is_closed
      server/test_connection.py::test_who_never_says_hello_is_let_go
      faults/test_network.py::test_18_who_is_gone_without_a_word_is_missed_at_both_ends
      faults/test_network.py::test_18_a_server_that_hangs_up_before_it_has_answered_is_tried_again
      faults/test_network.py::test_18_who_is_gone_before_he_was_answered_costs_nothing_and_no_line_in_the_log
19  A token is none, or ends in a call: nothing is told of the room; a minute's notice, then 4401.
      server/test_tokens.py::test_who_may_not_come_in_learns_nothing
      server/test_tokens.py::test_a_token_opens_the_room_and_a_later_hello_brings_the_next
      server/test_nothing_lost.py::TestNothingLost
20  The disk is full or cannot be written: captions go on, and everybody knows they are not kept.
      faults/test_server.py::test_20_when_the_disk_is_full_captions_go_on_and_everybody_knows_they_are_not_kept
      faults/test_server.py::test_20_on_a_disk_that_cannot_be_written_a_server_that_must_keep_does_not_start
21  There are no descriptors left: new ones wait, and those who are in go on.
      faults/test_server.py::test_21_without_descriptors_new_ones_wait_and_those_who_are_in_go_on
22  It runs for a day: memory, descriptors, tasks and latency stay as they were.
23  The event loop stands still: it is seen on /metrics, and no offer may cause it.
      faults/test_time.py::test_23_an_event_loop_that_stands_still_is_seen_by_the_operator
      server/webrtc/test_offer.py::test_an_offer_that_is_none_gets_a_sentence
24  A microphone goes, comes back at another rate, or is silent for long: the first word is kept.
      faults/test_time.py::test_24_after_ten_minutes_of_silence_the_first_word_is_kept
      faults/test_time.py::test_24_a_microphone_that_was_away_for_ten_minutes_goes_on_where_it_says
      clients/test_microphone.py::test_a_device_that_vanishes_is_said_and_tried_until_it_is_back
      clients/test_microphone.py::test_another_device_takes_over_when_none_was_named
"""  # noqa: E501

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = re.findall(r"^ ?(\d+)  \w.*\n(?:    \w.*\n)*((?:      \S+\n)*)", __doc__, re.MULTILINE)
NAMED = sorted({name for _, tests in ROWS for name in tests.split()})
BY_HAND = {"22": "make soak"}


@cache
def defined(file: str) -> set[str]:
    """What a file of tests has: functions, and the classes that hypothesis makes."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    found = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assigned = [node.targets for node in tree.body if isinstance(node, ast.Assign)]
    return found | {one.id for targets in assigned for one in targets if isinstance(one, ast.Name)}


def test_each_of_the_faults_has_a_test_or_a_command() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 25))
    assert {number for number, tests in ROWS if not tests} == set(BY_HAND)
    makefile = (TESTS.parent / "Makefile").read_text(encoding="utf-8")
    for command in BY_HAND.values():
        assert f"\n{command.removeprefix('make ')}:" in makefile


@pytest.mark.parametrize("name", NAMED)
def test_the_test_that_holds_it_is_there(name: str) -> None:
    file, _, test = name.partition("::")
    assert test in defined(file), f"{file} has no {test}"
