"""A tiny language model for the decoders' tests."""

from pathlib import Path

import pytest

WORDS = ("a", "ab", "bad", "cab", "dad", "abba")

ARPA = """\\data\\
ngram 1=9
ngram 2=7
ngram 3=3

\\1-grams:
-2.1\t<unk>
-99\t<s>\t-0.4
-0.9\t</s>
-0.8\ta\t-0.3
-1.1\tab\t-0.2
-1.2\tbad\t-0.4
-1.0\tcab\t-0.1
-1.3\tdad\t-0.3
-1.9\tabba\t-0.2

\\2-grams:
-0.4\t<s> a\t-0.1
-0.9\t<s> dad\t-0.2
-0.3\ta bad\t-0.3
-0.5\ta cab\t-0.2
-0.6\tbad cab\t-0.1
-0.5\tcab </s>
-0.7\tdad a\t-0.2

\\3-grams:
-0.2\t<s> a bad
-0.1\ta bad cab
-0.3\tdad a cab

\\end\\
"""


@pytest.fixture(scope="session")
def tiny_arpa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trigram of six words over the letters a to d."""
    path = tmp_path_factory.mktemp("lm") / "tiny.arpa"
    path.write_text(ARPA)
    return path


@pytest.fixture(scope="session")
def tiny_words() -> tuple[str, ...]:
    """The words of the tiny language model."""
    return WORDS
