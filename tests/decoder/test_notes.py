import pytest

from decoder.notes import read_sentences, split_sentences

MARKDOWN = """---
title: not said
---
# A plan, in short

The *first* line goes on
in the second. Mr. Hill came at 9:30; J. Dow did not!

- [x] mend the **net**
- see [the chart](https://example.org/chart_1) or <https://example.org>
1. One more

```
x = code(1)
```
| a cell | another |
"""


def test_markdown_becomes_sentences():
    assert list(split_sentences(MARKDOWN)) == [
        "A plan, in short",
        "The first line goes on in the second",
        "Mr. Hill came at 9:30; J. Dow did not!",
        "mend the net",
        "see the chart or",
        "One more",
        "a cell another",
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Ask ann@example.org or @ann@example.social now.", ["Ask or now."]),
        ('Write <a href="x">her</a>ann@example.org now.', ["Write now."]),
        ("See [![a chart](chart.png)](page.html) there.", ["See [a chart](page.html) there."]),
    ],
)
def test_addresses_are_left_out(text, sentences):
    assert list(split_sentences(text)) == sentences


@pytest.mark.parametrize("blob", ["iVBORw0KGgo" * 30_000, "a@" * 100_000, "[" * 200_000], ids=["image", "@", "["])
def test_long_runs_without_spaces_take_no_time(blob):
    assert list(split_sentences(f"Here it is: {blob} and this follows.")) == [f"Here it is: {blob} and this follows."]


def test_sentences_are_in_the_form_of_the_recogniser(tmp_path):
    path = tmp_path / "notes.md"
    path.write_text("We met at 9:30 with Dr. Hill. It cost $20, as #2 did!\n\n* * *\n\nOdd = one.\n")
    assert list(read_sentences(path)) == [
        "we met at nine thirty with doctor hill",
        "it cost twenty dollars as number two did",
        None,
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path, encoding):
    path = tmp_path / "notes.txt"
    path.write_bytes("The café’s door.\r\nIt is open.\r\n".encode(encoding))
    assert list(read_sentences(path)) == ["the cafe's door", "it is open"]


@pytest.mark.parametrize(
    ("content", "message"), [(b"PK\x03\x04\0\0", "not plain text"), (b"caf\x81\x8d\xff", "save it as UTF-8")]
)
def test_what_is_no_text(tmp_path, content, message):
    path = tmp_path / "notes.docx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(read_sentences(path))
