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
        ("the room is three oh four and it is three oh four", "the room is 304 and it is 3:04"),
        ("at sixteen forty five", "at 16:45"),
        ("a thirty second break on the thirty second day", "a 30 second break on the 32nd day"),
        ("version two point zero point one or two dot one", "version 2.0.1 or 2.1"),
        ("h two o and c o two", "H2O and CO2"),
        ("f b i and c i a on the t v i saw", "FBI and CIA on the TV i saw"),
        ("kowalski that's k o w a l s k i i think", "kowalski that's K-O-W-A-L-S-K-I i think"),
        ("smith s m i t h", "smith S-M-I-T-H"),
        ("it is oh two oh seven nine four six oh nine five eight", "it is 020 7946 0958"),
        ("zero seven seven double zero nine zero zero one two three", "07700 900123"),
        ("a boeing seven forty seven in room two fifteen", "a boeing 747 in room 215"),
        ("my address is twelve main street", "my address is 12 main street"),
        ("at seven fifteen main street", "at 715 main street"),
        ("ten downing street", "10 downing street"),
        ("from the ninth to the eleventh of march", "from 9 to 11 March"),
        ("it costs nineteen ninety nine or twelve fifty each", "it costs 19.99 or 12.50 each"),
        ("it cost nineteen eighty four dollars", "it cost 1984 dollars"),
        ("two twenty dollar bills and a two fifty dollar ticket", "two $20 bills and a $250 ticket"),
        ("a fifty fifty chance of twenty twenty vision", "a fifty-fifty chance of 20/20 vision"),
        ("open twenty four seven", "open 24/7"),
        ("open report dot p d f or notes dot md", "open report.pdf or notes.md"),
        ("plus or minus five percent", "plus or minus 5%"),
        ("blood pressure one twenty over eighty", "blood pressure 120/80"),
        ("b p is ninety over sixty then one oh five over seventy", "BP is 90/60 then 105/70"),
        ("a twenty five year old and three two year olds", "a 25-year-old and three two-year-olds"),
        ("a one year old girl is one year old", "a one-year-old girl is one year old"),
        ("two c sections and an a one c of seven percent", "two C-sections and an A1C of 7%"),
        ("s p o two ninety eight percent b u n eighteen", "SPO2 98% BUN 18"),
        ("l four l five and r two d two", "L4-L5 and R2D2"),
        ("order four five seven two dash one nine", "order 4572-19"),
        ("model x j dash nine hundred", "model XJ-900"),
        ("form ten forty on port eighty eighty", "form 1040 on port 8080"),
        ("london s w one a one a a", "london SW1A 1AA"),
        ("a seven fifteen a m flight", "a 7:15 a.m. flight"),
        ("the a four page is an a five page", "the A4 page is an A5 page"),
        ("one z nine double a two", "1Z9AA2"),
        ("your letter of january the fifth twenty twenty", "your letter of January 5, 2020"),
        ("q four twenty twenty five", "Q4 2025"),
        ("on five slash twelve slash twenty five", "on 5/12/25"),
        ("at oh nine hundred hours and twenty hundred hours", "at 0900 hours and 2000 hours"),
        ("one sixty west fifty second street", "160 west 52nd street"),
        ("open report underscore final dot p d f", "open report_final.pdf"),
        ("look at config dot json", "look at config.json"),
        ("dear doctor patel", "dear Dr. patel"),
    ],
)
def test_what_is_written_otherwise(spoken: str, expected: str) -> None:
    assert written(spoken) == expected


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("ten to fifteen minutes", "10 to 15 minutes"),
        ("between five and twenty", "between 5 and 20"),
        ("between fifty and sixty dollars", "between $50 and $60"),
        ("between one hundred and two hundred euros", "between €100 and €200"),
        ("one or two percent", "1 or 2%"),
        ("five to ten kilometers", "5 to 10 km"),
        ("two point five to three million", "2.5 to 3 million"),
        ("from nine to five thirty", "from 9 to 5:30"),
        ("eight to five p m", "8 to 5 p.m."),
        ("from ten to two p m", "from 10 to 2 p.m."),
        ("a twelve by fifteen room", "a 12 by 15 room"),
        ("ten to one hundred", "10 to 100"),
    ],
)
def test_numbers_of_a_range_are_both_in_figures(spoken: str, expected: str) -> None:
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
        "two to three hundred dollars or fifteen or twenty thousand people",
        "one or two of them and between five and ten of us",
        "between nine and half past ten",
        "it's twenty to nine or twenty five past eight",
        "he paid two fifty or one twenty",
        "the dot com bubble",
        "a five minute drive",
        "may the fourth be with you",
        "my dear doctor cried paul",
        "a hundred yard dash one more",
        "five twelve by five twelve",
        "he went one twenty over the limit",
        "gate b two minutes away",
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
        ("five to fifteen", "five to 15"),
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
