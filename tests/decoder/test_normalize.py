import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.normalize import normalize
from decoder.number_words import LARGEST, cardinal, digits, ordinal, plural, year

FORM = re.compile(r"[a-z]+(?:'[a-z]+)*(?: [a-z]+(?:'[a-z]+)*)*")

SPOKEN = {
    # plain text
    "Hello, World!": "hello world",
    "  two   spaces \n": "two spaces",
    "a well-known, half-finished thing": "a well known half finished thing",
    "One—two – three… four": "one two three four",
    "Café naïve Ærø Łódź Straße": "cafe naive aero lodz strasse",
    # apostrophes and quotes
    "It’s the boys’ ‘own’ game.": "it's the boys own game",
    "“Don't,” she said, 'never!'": "don't she said never",
    "rock 'n' roll at five o'clock": "rock n roll at five o'clock",
    "'Tis O'Brien's.": "tis o'brien's",
    # brackets
    "He was (born here) a man [sic].": "he was a man",
    "(According to her, yes.)": "according to her yes",
    # cardinals and ordinals
    "0 and 7 and 21": "zero and seven and twenty one",
    "105 of 1,205": "one hundred and five of one thousand two hundred and five",
    "1,000,001": "one million and one",
    "the 49ers": "the forty nine ers",
    "the 3rd and 21st and 12th": "the third and twenty first and twelfth",
    "2,000th": "two thousandth",
    "3.05 and .5": "three point zero five and point five",
    "-4 or +3": "minus four or plus three",
    "007 and 94103": "zero zero seven and nine four one zero three",
    "call 415-555-0123": "call four one five five five five zero one two three",
    "5-6 of 3-year-olds": "five to six of three year olds",
    "1/2 of 2½ and 3/4": "a half of two and a half and three quarters",
    "No. 5 is #1": "number five is number one",
    # years
    "in 1984": "in nineteen eighty four",
    "in 1905": "in nineteen oh five",
    "in 1900 and 2000": "in nineteen hundred and two thousand",
    "in 2007 and 2014": "in two thousand and seven and twenty fourteen",
    "1066": "ten sixty six",
    "1914–1918": "nineteen fourteen to nineteen eighteen",
    "1990–95": "nineteen ninety to ninety five",
    "the 1990s, the '80s, the 60's": "the nineteen nineties the eighties the sixties",
    "2005's best": "two thousand and five's best",
    "March 4th, 1861": "march fourth eighteen sixty one",
    # dates
    "on July 4, 1976": "on july fourth nineteen seventy six",
    "the 19 August or 1st May 2014": "the nineteenth of august or the first of may twenty fourteen",
    # money
    "$1": "one dollar",
    "$5.50": "five dollars and fifty cents",
    "£1.01": "one pound and one penny",
    "€1,200.00": "one thousand two hundred euros",
    "$0.25 or 25¢": "twenty five cents or twenty five cents",
    "US$7.4 billion": "seven point four billion dollars",
    "$20m": "twenty million dollars",
    # times
    "at 7:30": "at seven thirty",
    "at 7:05 pm": "at seven oh five p m",
    "at 7:00.": "at seven o'clock",
    "at 7:00 a.m. today": "at seven a m today",
    "4pm to 19:30": "four p m to nineteen thirty",
    # percent, units
    "12.5%": "twelve point five percent",
    "20°C and 5 km": "twenty degrees celsius and five kilometers",
    # abbreviations, initials, acronyms
    "Mr. and Mrs. Smith met Dr. No": "mister and missus smith met doctor no",
    "St. John's on 4th St.": "saint john's on fourth street",
    "J. R. R. Tolkien of the U.S. Army": "j r r tolkien of the u s army",
    "AT&T and the BBC's DVDs": "a t and t and the b b c's d v d's",
    "NATO vs. the FBI, etc.": "nato versus the f b i et cetera",
    "Brown & Co.": "brown and company",
    "OK": "okay",
    "World War II and Elizabeth II": "world war two and elizabeth the second",
    "R2-D2 has CO2": "r two d two has c o two",
    "CHAPTER IV.": "chapter four",
    "the part I like is part I": "the part i like is part one",
    "In Chapter I and chapter i": "in chapter one and chapter i",
    # a sentence in capitals holds no acronyms
    "WE CALL IT BEAR": "we call it bear",
}


@pytest.mark.parametrize(("written", "spoken"), SPOKEN.items())
def test_is_said_as_expected(written, spoken):
    assert normalize(written) == spoken


@pytest.mark.parametrize(
    "uncertain",
    [
        "",
        " ... ",
        "on 3/4/2019",
        "version 1.2.3",
        "5 m²",
        "x = y",
        "me@home",
        "Привет",
        "一",
        "1,5",
        "$5-10",
        "C6H12O6",
        "1" * 5000,
        "$" + "9" * 5000,
        "1" + ",000" * 2000,
    ],
    ids=lambda text: text[:12],
)
def test_uncertain_sentences_have_no_form(uncertain):
    assert normalize(uncertain) is None


@given(st.text() | st.text("abcM rstDTPIV.'-’0123456789$£%:,()&/½é \n"))
def test_the_form_is_strict_and_idempotent(text):
    form = normalize(text)
    if form is not None:
        assert FORM.fullmatch(form)
        assert normalize(form) == form


def test_numbers_have_names_up_to_the_largest():
    assert cardinal(LARGEST).startswith("nine hundred and ninety nine quadrillion")
    assert cardinal(1000) == "one thousand"
    assert cardinal(1_000_100) == "one million one hundred"
    with pytest.raises(ValueError, match="in words"):
        cardinal(LARGEST + 1)
    with pytest.raises(ValueError, match="in words"):
        cardinal(-1)


def test_parts_of_numbers():
    assert [ordinal(number) for number in (1, 5, 9, 20, 100)] == [
        "first",
        "fifth",
        "ninth",
        "twentieth",
        "one hundredth",
    ]
    assert [year(number) for number in (1100, 1803, 2001)] == [
        "eleven hundred",
        "eighteen oh three",
        "two thousand and one",
    ]
    assert [plural(words) for words in ("sixty", "six", "hundred")] == ["sixties", "sixes", "hundreds"]
    assert digits("+1 20-3") == "one two zero three"


@given(st.integers(0, 10**12))
def test_agrees_with_num2words(number):
    num2words = pytest.importorskip("num2words", reason="num2words is not installed").num2words
    assert cardinal(number) == num2words(number).replace("-", " ").replace(",", "")
    assert ordinal(number) == num2words(number, to="ordinal").replace("-", " ").replace(",", "")
