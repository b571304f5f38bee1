"""Lengths of time as clinicians write them: exact minutes, vague ones, blanks, and spans by the clock."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.durations import Kind
from fhir_mapping.sentences import sentences
from tests.mapping.charts import note_rules


def told(note: str) -> list[tuple[Kind, int]]:
    marked = [note_rules().grammar.mark(sentence.text) for sentence in sentences(note)]
    return [(one.kind, one.minutes) for sentence in marked for one in sentence.durations]


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("34 minutes", 34),
        ("34 min.", 34),
        ("34-minute", 34),
        ("34mins", 34),
        ("0 minutes", 0),
        ("twenty-five minutes", 25),
        ("Twenty Five Minutes", 25),
        ("thirty-three (33) minutes", 33),
        ("33 (thirty-three) minutes", 33),
        ("sixty-one minutes", 61),
        ("one hundred and five minutes", 105),
        ("one hundred minutes", 100),
        ("1 hour", 60),
        ("one hour", 60),
        ("an hour", 60),
        ("1 hour 5 min", 65),
        ("1 hr, 10 min", 70),
        ("1h 5m", 65),
        ("an hour and ten minutes", 70),
        ("two hours and five minutes", 125),
        ("an hour and a half", 90),
        ("one and a half hours", 90),
        ("1.5 hours", 90),
        ("0.75 hr", 45),
        ("half an hour", 30),
        ("a half hour", 30),
        ("three quarters of an hour", 45),
        ("a quarter of an hour", 15),
        ("24 hours", 1440),
        ("one-half hour", 30),
        ("half-an-hour", 30),
        ("one quarter of an hour", 15),
        ("two and one-half hours", 150),
        ("1 hour(s) 30 minute(s)", 90),
        ("thirtyfour minutes", 34),
        ("two hundred and one minutes", 201),
        ("two (2) hours", 120),
        ("٣٤ minutes", 34),
        ("**34 minutes**", 34),
        ("*34 minutes*", 34),
        ("level 4, 34 minutes", 34),
        ("PHQ-9 12, 34 minutes", 34),
        ("COVID-19, 34 minutes", 34),
        ("99214-95, 34 minutes", 34),
        ("99214 34 minutes", 34),
        ("10+24 = 34 minutes", 34),
        ("at this point 34 minutes", 34),
        ("November 20, 34 minutes", 34),
        ("November 20, 2026, 34 minutes", 34),
        ("11/20/2026 34 minutes", 34),
        ("2026-11-20 34 minutes", 34),
        ("34 minutes 11/20/2026", 34),
        ("34 minutes 99214", 34),
        ("34 min. 3 problems were addressed", 34),
        ("34 minutes one-on-one", 34),
        ("1 hour, 3 problems", 60),
        ("1 hour, 20 of which for orders", 60),
        ("34 minutes 15 seconds", 34),
        ("34 mins 0 secs", 34),
        ("34 min 30 sec", 34),
        ("34 minutes 59 seconds", 34),
        ("thirty-four minutes and ten seconds", 34),
        ("1 hour 5 minutes 30 seconds", 65),
        ("1.5 hours and 5 minutes", 95),
        ("34 minutes x 1 visit", 34),
        ("+40 minutes", 40),
        ("1 hr(s) 5 min(s)", 65),
        ("level (4) 34 minutes", 34),
    ],
)
def test_an_exact_length_of_time_is_read_in_whole_minutes(written: str, minutes: int) -> None:
    assert told(f"I spent {written} on this.") == [(Kind.EXACT, minutes)]


@pytest.mark.parametrize(
    "written",
    [
        "25-30 minutes",
        "25 - 30 min",
        "25 to 30 minutes",
        "twenty to thirty minutes",
        "between 25 and 30 minutes",
        "1-2 hours",
        "20 minutes to 25 minutes",
        "at least 30 minutes",
        "a minimum of 30 minutes",
        "approximately 30 minutes",
        "approx. 30 minutes",
        "about half an hour",
        "~30 minutes",
        "> 30 minutes",
        "over 30 minutes",
        "more than 30 minutes",
        "less than 30 minutes",
        "up to 30 minutes",
        "nearly an hour",
        "30+ minutes",
        "30 minutes or so",
        "30 minutes plus",
        "30 minutes approximately",
        "34 (43) minutes",
        "two (3) hours",
        "2000 minutes",
        "34 minutes?",
        "34 minutes (about)",
    ],
)
def test_a_length_of_time_that_is_not_exact_is_vague_and_has_no_minutes(written: str) -> None:
    assert told(f"I spent {written} on this.") == [(Kind.VAGUE, 0)]


@pytest.mark.parametrize(
    "written",
    [
        # words that are no one number
        *("one point five hours", "point seven five hours", "thirty six point five minutes", "zero five minutes"),
        *("three five minutes", "twenty-thirty minutes", "nine thirty minutes", "five and thirty minutes"),
        *("two dozen minutes", "one thousand and five minutes", "a score and ten minutes", "half a hundred minutes"),
        *(
            "thrity four minutes",
            "twnety-four minutes",
            "one hundrd five minutes",
            "tow hundred minutes",
            "2 hundred minutes",
        ),
        # one number beside another
        *("twenty, thirty minutes", "20, 30 minutes", "20 30 minutes", "20 and 30 minutes", "20 or 30 minutes"),
        *("20~30 minutes", "20\u201230 minutes", "20\u221230 minutes", "20\uff5e30 minutes", "20...30 minutes"),
        *("10 + 24 minutes", "3 x 10 minutes", "3\xd710 minutes", "20/30 minutes", "40\xb15 minutes", "20|30 minutes"),
        *("thirty-\u2014four minutes", "34-40-45 minutes", "three or thirty minutes", "3 4 minutes"),
        # digits that are not all read
        *(
            "1,034 minutes",
            "1 034 minutes",
            "1'034 minutes",
            "1\u066c034 minutes",
            "1\xb7034 minutes",
            "1;034 minutes",
            "1.034 minutes",
            "1,5 hours",
            "34.567 hours",
        ),
        *(
            "12345 minutes",
            "12:34 minutes",
            "1:30 hours",
            "34^1 minutes",
            "1^34 minutes",
            "-34 minutes",
            "\u221234 minutes",
        ),
        *(
            "34\xb9 minutes",
            "\xb34 minutes",
            "34 \xb9 minutes",
            "3\u03364 minutes",
            "\u202e43 minutes",
            "\ufffd34 minutes",
        ),
        *("34[1] minutes", "34* minutes", "34\u2020 minutes", "34(?) minutes", "34? minutes", "34\uf0a3 minutes"),
        # fractions
        *("\xbd hour", "1\xbd hours", "34\xbd minutes", "3/4 hour", "1-1/2 hours", "two and a quarter hours"),
        *("one and three quarters of an hour", "a third of an hour", "two thirds of an hour", "75% of an hour"),
        *("most of an hour", "a tenth of an hour", "half to an hour", "34 and a half minutes", "3/4 34 minutes"),
        # a length that goes on
        *("1 hour 30", "1 h 5 m", "1h30", "1 hour and 30", "one hour, thirty", "one hour five", "1 hr. 30 today"),
        *("one hour oh five minutes", "an hour and about 20 minutes", "an hour and a quarter", "1 hour & a half"),
        *("an hour and \xbd", "1 hour 1/2", "1 hour 30-40 minutes", "30 minutes 75 seconds", "30 min 20"),
        *("thirty minutes and some seconds", "1 hr and change", "30 minutes and then some", "30 minutes and a half"),
        *("1 hour 60 minutes", "1.5 hours 30 minutes", "hour and 20 minutes", "a hundred minutes thirty"),
        # another limit, or more than one of them
        *(
            "30 minutes to an hour",
            "1 hour to 90 minutes",
            "34 minutes or 40",
            "34 minutes/40 minutes",
            "1 hour - 2 hours",
        ),
        *("2 hours less 10 minutes", "45 minutes, minus 10 minutes", "34 minutes x 3", "34 minutes times two"),
        *("34 minutes each", "34 minutes per visit", "34 minutes/session", "34-ish minutes", "thirty-odd minutes"),
        # a footnote
        *("34 minutes\xb9", "34 minutes^1", "34 minutes.^1", "34 minutes*", "34 minutes\u2020", "34 minutes [1]"),
        # shares, lists, limits, hours that go on, and words that are a number to a reader alone
        "34 of 60 minutes",
        "34 out of 60 minutes",
        "20, 10, and 5 minutes",
        "10, 20, and 34 minutes",
        "ten, twenty, and thirty-four minutes",
        "half of 68 minutes",
        "half of one hour",
        "50% of 68 minutes",
        "34% of 60 minutes",
        "3/4 of 60 minutes",
        "0.5 of 60 minutes",
        "three quarters of 60 minutes",
        "most of 60 minutes",
        "part of 60 minutes",
        "a fraction of 60 minutes",
        "twenty out of sixty minutes",
        "1 of 60 minutes",
        "a sixth of an hour",
        "20 of 30 minutes",
        "a total of 20 out of 45 minutes",
        "one (1) five hours",
        "one\x02five hours",
        "1\u3001 5 hours",
        "\xb75 hours",
        "max 34 minutes",
        "maximum 34 minutes",
        "maximum of 34 minutes",
        "max of 40 min",
        "at most 40 minutes",
        "at the most 40 minutes",
        "34 minutes at most",
        "40 minutes tops",
        "40 minutes or fewer",
        "40 minutes or under",
        "below 40 minutes",
        "shy of 40 minutes",
        "just shy of 40 minutes",
        "five short of 40 minutes",
        "min. 40 minutes",
        "min 30 max 40 minutes",
        "30 some odd minutes",
        "40 some minutes",
        "est 40 minutes",
        "40 minutes est.",
        "40 minutes (estimate)",
        "40 minutes, roughly",
        "40 minutes-ish",
        "negative thirty minutes",
        "\u223c39 minutes",
        "1 hour + 5 min",
        "1 hr+5 min",
        "1h+5m",
        "1 hour; 5",
        "1 hour: 05",
        "1 hour:05",
        "1 hour (+5 minutes)",
        "1 hour (65 minutes)",
        "1 hour then 5 minutes",
        "1 hour followed by 5 minutes",
        "1 hour with 5 minutes",
        "1 hour another 5 minutes",
        "1 hour additional 5 minutes",
        "1 hour and an additional 5 minutes",
        "1 hour \u2022 5",
        "1 hour \u2022 5 minutes",
        "1 hour | 5",
        "1 hour | 5 minutes",
        "quarter past one hours",
        "half past one hour",
        "hours: 1 minutes: 5",
        "1 hour + 5 minutes total",
        "five minutes short of an hour",
        "double 20 minutes",
        "triple 20 minutes",
        "th\u0131rty-four minutes",
        "th\u0131rty four minutes",
        "th\xefrty-four minutes",
        "th\xefrty four minutes",
        "\u0442hirt\u0443-four minutes",
        "\u0442hirt\u0443 four minutes",
        "tr\xe8nte four minutes",
        "th1rty-four minutes",
        "th1rty four minutes",
        "umpteen four minutes",
        "XX five minutes",
        "(thirty) four minutes",
        '"thirty" four minutes',
        "\u201cthirty\u201d four minutes",
        "thirty [and] four minutes",
        "thirty: four minutes",
        "thirty (30) four minutes",
        "(30) four minutes",
        "(3) 4 minutes",
        "3) 4 minutes",
        "[3] 4 minutes",
        '"3" 4 minutes',
        "[3]4 minutes",
        "thirty\x96four minutes",
        "thirty\x02four minutes",
        "3\x024 minutes",
        "34 minutes x 1.5",
        "40 <> 45 minutes",
        "1 day 34 minutes",
        "34 minutes, corrected to 24 minutes",
        "40 minutes, no, 30 minutes",
    ],
)
def test_a_number_of_which_only_a_piece_is_understood_is_vague(written: str) -> None:
    assert {kind for kind, _ in told(f"I spent {written}")} == {Kind.VAGUE}
    assert {kind for kind, _ in told(f"I spent {written} on this.")} == {Kind.VAGUE}


@pytest.mark.parametrize("written", ["10:05 to 10:30 or 10:40", "10:05-10:30-10:45", "about 2:10 to 2:31 pm"])
def test_a_span_by_the_clock_that_goes_on_or_is_hedged_is_vague(written: str) -> None:
    assert told(f"The call went {written}.") == [(Kind.VAGUE, 0)]


def test_what_is_joined_is_quoted_whole() -> None:
    (one,) = note_rules().grammar.mark("Total time: thirty six point five minutes.").durations
    assert one.said == "thirty six point five minutes"


TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SMALL = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"]
SMALL += ["fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]


def in_words(number: int, between: str) -> str:
    if number >= 100:
        rest = number % 100
        return f"{SMALL[number // 100 - 1]} hundred" + (f" and {in_words(rest, between)}" if rest else "")
    if number < 20:
        return SMALL[number - 1]
    return TENS[number // 10 - 2] + (between + SMALL[number % 10 - 1] if number % 10 else "")


def in_any_words(number: int) -> str:
    return in_words(number, " ").replace("hundred and ", "hundred (?:and )?").replace(" ", "[ \u2010\u2011-]?")


NUMBERS = st.integers(min_value=1, max_value=240)
WRITTEN = NUMBERS.flatmap(
    lambda number: st.tuples(
        st.just(number), st.sampled_from([str(number), in_words(number, "-"), in_words(number, " ")])
    )
)
JOINTS = [*(" ", "-", ",", ", ", ".", "/", "'", "^", "+", "~", "\xb1", "\xd7", "\u2010", "\u2011", "\u2012", "\u2013")]
JOINTS += [
    *("\u2212", "\xad", "\u200b", " and ", " or ", " to ", " point ", " oh ", " times ", " minus ", " - ", "...")
]


@given(written=WRITTEN)
def test_every_number_is_read_in_digits_and_in_words(written: tuple[int, str]) -> None:
    number, said = written
    assert told(f"I spent {said} minutes on this.") == [(Kind.EXACT, number)]
    assert told(f"I spent {said} hours on this.")[0][1] == (number * 60 if number <= 24 else 0)


@given(first=WRITTEN, joint=st.sampled_from(JOINTS), second=WRITTEN, unit=st.sampled_from(["minutes", "hours"]))
def test_two_numbers_that_are_joined_never_leave_the_tail(
    first: tuple[int, str], joint: str, second: tuple[int, str], unit: str
) -> None:
    """One hundred and five, twenty-five and 3.5 are one number; of any other pair nothing is read."""
    whole = f"{first[1]}{joint}{second[1]}"
    minutes = [minutes for kind, minutes in told(f"I spent {whole} {unit} on this.") if kind is Kind.EXACT]
    seen = whole.replace("\xad", "").replace("\u200b", "")
    size = 60 if unit == "hours" else 1
    if seen.replace(".", "", 1).isdigit():
        assert {*minutes} <= {int(float(seen) * size)}
    else:
        assert {*minutes} <= {number * size for number in range(1, 241) if re.fullmatch(in_any_words(number), seen)}


AFTER = [
    "{}",
    " {}",
    " and {}",
    ", {}",
    "-{}",
    " oh {}",
    " {} seconds",
    " and {} sec",
    " to {}",
    " or {} minutes",
    "/{}",
]
AFTER += [
    " and a half",
    " \xbd",
    "\xbd",
    " and a quarter",
    " and change",
    " x {}",
    "^{}",
    " [1]",
    "*",
    "?",
    " each",
    " minus {}",
]


@given(written=WRITTEN, unit=st.sampled_from(["hour", "hours", "hr", "h"]), after=st.sampled_from(AFTER), more=WRITTEN)
def test_hours_that_go_on_are_read_whole_or_not_at_all(
    written: tuple[int, str], unit: str, after: str, more: tuple[int, str]
) -> None:
    tail = after.format(more[1])
    found = told(f"I spent {written[1]} {unit}{tail}")
    whole = {written[0] * 60 + 30} if tail == " and a half" else set()
    assert {minutes for kind, minutes in found if kind is Kind.EXACT} <= whole


@pytest.mark.parametrize("written", ["*** minutes", "___ min", "[ ] minutes", "{time:1234} minutes", "@TIME@ min"])
def test_a_blank_that_was_never_filled_in_is_a_blank(written: str) -> None:
    assert told(f"I spent {written} on this.") == [(Kind.BLANK, 0)]


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("from 2:10 to 2:31 pm", 21),
        ("10:05-10:30", 25),
        ("10:05 AM - 10:30 AM", 25),
        ("11:50 am until 12:20 pm", 30),
        ("11:50-12:20", 30),
        ("12:50 to 1:10", 20),
        ("14:05-14:31", 26),
        ("start time: 10:05, end time: 10:30", 25),
        ("start 10:05 stop 10:30", 25),
    ],
)
def test_a_span_by_the_clock_is_counted_across_noon_too(written: str, minutes: int) -> None:
    assert told(f"The call went {written}.") == [(Kind.CLOCK, minutes)]


@pytest.mark.parametrize(
    "sentence",
    [
        "BP 120/80 on 3/4, weight 34 kg.",
        "Metoprolol 25 mg q15min prn.",
        "Minimal pain, seminar in administration.",
        "She is 34 years old and lives at 60 Minton Road.",
        "Ratio 1:20, room 10:05.",
    ],
)
def test_numbers_of_other_things_are_no_length_of_time(sentence: str) -> None:
    assert told(sentence) == []


@pytest.mark.parametrize(
    "sentence", ["Ah, she spoke for 34 minutes.", "Seen by the AH team, 34 minutes.", "Ahr 34 min"]
)
def test_an_ah_is_no_hour(sentence: str) -> None:
    assert told(sentence) == [(Kind.EXACT, 34)]


def test_each_length_of_time_is_marked_where_it_stood() -> None:
    marked = note_rules().grammar.mark("Chart 10 min, visit 20-25 min, note *** min").text
    assert marked == "chart ⟦m0⟧, visit ⟦v1⟧, note ⟦b2⟧"


def test_a_mark_written_by_hand_is_never_taken_for_one() -> None:
    assert "⟦" not in note_rules().grammar.mark("I spent ⟦m0⟧ on this.").text
