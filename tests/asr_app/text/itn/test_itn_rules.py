"""What the rules write, and what they leave alone."""

import itertools

import pytest

from asr_app.text.itn.rules import RuleRewriter
from asr_app.text.itn.style import PLAIN, USUAL, Style


def written(text: str, style: Style = USUAL) -> str:
    words, pieces, at = text.split(), [], 0
    for rewrite in RuleRewriter(style).rewrites(words):
        pieces += [*words[at : rewrite.start], rewrite.text]
        at = rewrite.end
    return " ".join(pieces + words[at:])


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("twenty three dollars and five cents", "$23.05"),
        ("march third twenty twenty one", "March 3, 2021"),
        ("it cost one point five million euros", "it cost €1.5 million"),
        ("five pounds fifty", "£5.50"),
        ("he weighs sixty pounds", "he weighs 60 pounds"),
        ("a hundred and twenty people", "120 people"),
        ("one hundred and twenty three thousand four hundred and fifty six", "123,456"),
        ("three million people", "3 million people"),
        ("minus twenty degrees celsius", "-20°C"),
        ("three point one four", "3.14"),
        ("zero point five percent", "0.5%"),
        ("on the fifth of january two thousand and twelve", "on 5 January 2012"),
        ("born in may nineteen sixty eight", "born in May 1968"),
        ("in the nineteen eighties", "in the 1980s"),
        ("in five hundred b c", "in 500 BC"),
        ("the twenty first century", "the 21st century"),
        ("seven fifteen p m e s t", "7:15 p.m. EST"),
        ("see you at two thirty", "see you at 2:30"),
        ("at seven p m", "at 7 p.m."),
        ("two hundred kilometers per hour", "200 km/h"),
        ("five kilograms of flour", "5 kg of flour"),
        ("three quarters of an inch", "3/4 of an inch"),
        ("fifteen and a half", "15 1/2"),
        ("call five five five one two three four", "call 555-1234"),
        ("two one two five five five one two three four", "212-555-1234"),
        ("one eight hundred five five five one two one two", "1 800-555-1212"),
        ("the eight hundred five of them", "the 805 of them"),
        ("plus one five five five one two three one two three four", "+1 555-123-1234"),
        ("one nine two dot one six eight dot zero dot one", "192.168.0.1"),
        ("room two oh four", "room 204"),
        ("flight b a two seven three", "flight BA273"),
        ("write to john dot smith at gmail dot com", "write to john.smith@gmail.com"),
        ("w w w dot example dot co dot uk slash news", "www.example.co.uk/news"),
        ("see w w w dot daily planet dot com and then stop", "see www.dailyplanet.com and then stop"),
        ("h t t p s colon slash slash github dot com", "https://github.com"),
        ("mister smith works for i b m in the u s a", "Mr. smith works for IBM in the USA"),
        ("two d v d's and the u k's tax", "two DVDs and the UK's tax"),
        ("doctor smith came to saint louis", "Dr. smith came to St. louis"),
        ("apples pears et cetera", "apples pears etc."),
        ("big cats e g lions i e predators", "big cats e.g. lions i.e. predators"),
        ("she works in r and d at acme incorporated", "she works in R&D at acme Inc."),
        ("we live at twelve main street", "we live at 12 main street"),
        ("o k an x ray and a t shirt", "OK an X-ray and a T-shirt"),
    ],
)
def test_what_is_written_otherwise(spoken: str, expected: str) -> None:
    assert written(spoken) == expected


@pytest.mark.parametrize(
    "text",
    [
        "one of them had second thoughts about a quarter of them and no one knew",
        "first of all two or three people came twice",
        "at this point two of them left",
        "you may first try it and march second in the parade",
        "half past two is a quarter to three for him at five o'clock",
        "a hundred times a thousand",
        "i saw six feet of snow in one second",
        "look at the dot on the map at home",
        "the i and the a of it y y you know",
        "two thirds of them are in the second half",
        "he gave me a one two punch",
        "the doctor said to call a doctor and doctor please come",
        "we came to one long road at one end of the street and to two lane street",
        "no saint was incorporated in the city versus the country",
        "",
        "東京 😀 naïve",
    ],
)
def test_words_that_need_no_change(text: str) -> None:
    assert written(text) == text


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("march third twenty twenty one", "march 3 2021"),
        ("at half past two", "at 02:30"),
        ("quarter to three p m", "02:45 p.m."),
        ("ten thousand two hundred", "10200"),
        ("fifty percent", "50 %"),
        ("five cents", "$0.05"),
        ("twenty gigahertz", "20 ghz"),
        ("point five", ".5"),
    ],
)
def test_plain_style(spoken: str, expected: str) -> None:
    assert written(spoken, PLAIN) == expected


def test_rewrites_say_where_and_what_they_are() -> None:
    (rewrite,) = RuleRewriter().rewrites(["We", "paid", "Twenty", "Dollars", "today"])
    assert (rewrite.start, rewrite.end, rewrite.text, rewrite.kind) == (2, 4, "$20", "money")


def test_a_long_text_takes_time_in_proportion() -> None:
    words = ("one hundred and two point five and twenty " * 1250).split()
    rewrites = RuleRewriter().rewrites(words)
    assert len(words) == 10_000
    assert rewrites[-1].end == 10_000
    assert all(a.end <= b.start for a, b in itertools.pairwise(rewrites))
