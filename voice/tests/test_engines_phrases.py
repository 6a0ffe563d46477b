"""The small language model of what callers say."""

from __future__ import annotations

from pathlib import Path

import pytest

from voice.audio import mulaw_decode
from voice.engines import phrase_model
from voice.engines.voicing import speech_bounds


def sentences(text: str) -> list[set[str]]:
    return [{" ".join(words) for words in line} for line in phrase_model.read_phrases(text)]


def test_a_line_stands_for_all_its_sentences() -> None:
    text = "# a remark\nday = (monday|next friday)\n[please] (call|ring) me <day>\n\nno\n"
    assert sentences(text) == [
        {
            f"{please}{verb} me {day}"
            for please in ("", "please ")
            for verb in ("call", "ring")
            for day in ("monday", "next friday")
        },
        {"no"},
    ]


def test_a_line_counts_once_however_many_sentences_it_stands_for() -> None:
    text = "digit = (one|two|three|four|five|six|seven)\n<digit> <digit> <digit> <digit>\nno"
    for line in phrase_model.read_phrases(text):
        assert 0 < len(line) <= phrase_model.MOST_SENTENCES
        assert sum(line.values()) == pytest.approx(1)


@pytest.mark.parametrize("line", ["(a|b", "a]", "(a]", "<nowhere> a"])
def test_a_line_that_cannot_be_understood_is_named(line: str) -> None:
    with pytest.raises(phrase_model.PhraseError) as refused:
        phrase_model.read_phrases(line)
    assert line in str(refused.value)


def test_the_probabilities_after_every_history_sum_to_one() -> None:
    lines = phrase_model.read_phrases("(a|b) c\na b c\nc")
    tables: dict[tuple[str, ...], tuple[float, float]] = {}
    for entry in phrase_model.arpa(lines).splitlines():
        if "\t" in entry:
            share, words, *backoff = entry.split("\t")
            tables[tuple(words.split())] = float(share), float(*backoff or ["0"])

    def probability(*ngram: str) -> float:
        if ngram in tables:
            return 10 ** tables[ngram][0]
        return 10 ** tables.get(ngram[:-1], (0, 0))[1] * probability(*ngram[1:])

    vocabulary = [*phrase_model.vocabulary(lines), "</s>"]
    for history in [(), ("a",), ("<s>", "a"), ("b", "c"), ("c", "a")]:
        total = sum(probability(*history, word) for word in vocabulary)
        assert total == pytest.approx(1, abs=1e-3)


def test_our_phrases_can_be_read_and_hold_the_words_that_must_not_be_missed() -> None:
    said = {
        " ".join(words)
        for line in phrase_model.read_phrases(phrase_model.PHRASES.read_text())
        for words in line
    }
    assert {"stop calling me", "take me off your list", "you have the wrong number", "yes"} <= said


def test_the_bounds_of_speech_leave_out_the_quiet_around_it() -> None:
    audio = (Path(__file__).parent / "audio" / "rms_i_am_not_interested.ulaw").read_bytes()
    spoken = mulaw_decode(audio)
    begin, end = speech_bounds(bytes(8000) + spoken + bytes(8000), 8000) or (0, 0)
    assert begin >= 500
    assert end <= 500 + len(spoken) // 16
    assert speech_bounds(bytes(8000), 8000) is None
