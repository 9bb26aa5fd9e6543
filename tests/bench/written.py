"""The tables of docs/written-text.md: inverse text normalisation by rules, or by models that the rules guard.

python tests/bench/written.py [--models FOLDER] [--failures CLASS]      (needs ../shared/text)

Exact match on NeMo's test cases, agreement with aligned sentences that were used in development, and how often words
of ordinary sentences are changed that need no change.
"""

import argparse
import gzip
import json
import lzma
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from measure import REPOSITORY, record

from asr_app.text.beside import load_text_models
from asr_app.text.guard import Guarded
from asr_app.text.itn.numbers import SCALES, SMALL, TENS
from asr_app.text.itn.rules import RuleRewriter
from asr_app.text.itn.style import PLAIN, USUAL, Style
from asr_app.text.stages import Rewrite, Rewriter
from decoder.normalize import normalize

TEXT = REPOSITORY.parent / "shared" / "text"
NEMO = TEXT / "itn/nemo/tests/nemo_text_processing/en/data_inverse_text_normalization"
ORDINARY = ("dialogue-self", "meetings-ami-icsi", "tatoeba-eng", "novels-eltec-1880-1920", "wikipedia-new-2018-2021")
ORDINARY_SENTENCES = 10_000
PARTS = 5
"""Every fifth sentence is held back from development: the last part of each five."""
CARDINALS = {word for word, value in SMALL.items() if value > 12} | set(TENS) | set(SCALES) | {"hundred"}
LARGE = CARDINALS | {f"{word}th" for word in CARDINALS} | {f"{word[:-1]}ieth" for word in TENS}


def written(rewriter: Rewriter, words: list[str]) -> list[str]:
    """The words with what is rewritten."""
    return pieces(words, 0, rewriter.rewrites(words))


def pieces(words: list[str], begin: int, rewrites: Sequence[Rewrite]) -> list[str]:
    """The words, the first of which has the place begin, with the rewrites that lie in them."""
    made, at = [], begin
    for rewrite in rewrites:
        made += [*words[at - begin : rewrite.start - begin], rewrite.text]
        at = rewrite.end
    return made + words[at - begin :]


def nemo_cases(cased: bool) -> Iterator[tuple[str, str, str]]:
    """Class, spoken, written."""
    for path in sorted(NEMO.glob("test_cases_*.txt")):
        name = path.stem.removeprefix("test_cases_")
        if name.endswith("_cased") == cased:
            for line in path.read_text(encoding="utf-8").splitlines():
                spoken, tilde, expected = line.partition("~")
                if tilde:
                    yield name.removesuffix("_cased"), spoken, expected


def exact_match(rewriter: Rewriter, cased: bool, shown: str | None) -> dict[str, tuple[int, int]]:
    """Right and all cases of each class. Cased cases are compared in lower case: capitals are another stage's work."""
    right: Counter[str] = Counter()
    cases: Counter[str] = Counter()
    for name, spoken, expected in nemo_cases(cased):
        got = " ".join(written(rewriter, spoken.split()))
        same = got == expected.strip() or (cased and got.lower() == expected.strip().lower())
        cases[name] += 1
        right[name] += same
        if name == shown and not same:
            sys.stdout.write(f"{spoken} -> {got}, expected {expected}\n")
    return {name: (right[name], cases[name]) for name in cases}


def regions(expected: list[tuple[str, str]], rewrites: Sequence[Rewrite]) -> Iterator[tuple[str, list[str], bool]]:
    """Where aligned tokens and rewrites overlap: the expected text, the words, whether anything was rewritten."""
    spans, at = [], 0
    for text, spoken in expected:
        end = at + len(spoken.split())
        spans.append((at, end, text))
        at = end
    todo = list(rewrites)
    while spans:
        begin, end, text = spans.pop(0)
        touched = False
        while (todo and todo[0].start < end) or (spans and spans[0][0] < end):
            if todo and todo[0].start < end:
                end, touched = max(end, todo.pop(0).end), True
            else:
                _, stop, more = spans.pop(0)
                end, text = max(end, stop), f"{text} {more}"
        yield text, [begin, end], touched


def squeezed(text: str) -> str:
    """A text without case, spaces and the points that conventions differ in."""
    return "".join(character for character in text.lower() if character not in " ,.")


def aligned(rewriter: Rewriter, held_back: bool, shown: bool) -> dict[str, float]:
    """Percent of Proteno's expressions with digits that are written alike, and of its other tokens that are left alone.

    Case, spaces, commas and full stops do not count. held_back: every fifth sentence, which development did not look
    at, or else the others.
    """
    right = numbers = kept = others = 0
    with gzip.open(TEXT / "itn/proteno-english-aligned.jsonl.gz", "rt", encoding="utf-8") as file:
        for index, line in enumerate(file):
            if (index % PARTS == PARTS - 1) != held_back:
                continue
            sentence = json.loads(line)
            expected = [(w, s.lower()) for w, s in zip(sentence["written"], sentence["spoken"], strict=True) if s]
            words = " ".join(spoken for _, spoken in expected).split()
            rewrites = rewriter.rewrites(words)
            for text, (begin, end), touched in regions(expected, rewrites):
                inside = [rewrite for rewrite in rewrites if begin <= rewrite.start < end]
                got = " ".join(pieces(words[begin:end], begin, inside))
                alike = squeezed(got) == squeezed(text)
                if any(character.isdigit() for character in text):
                    numbers, right = numbers + 1, right + alike
                else:
                    others, kept = others + 1, kept + (alike or not touched)
                if shown and not alike and touched:
                    sys.stdout.write(f"{' '.join(words[begin:end])} -> {got} | {text}\n")
    return {"numbers": numbers, "right": 100 * right / numbers, "others": others, "kept": 100 * kept / others}


def ordinary_sentences(name: str, held_back: bool) -> Iterator[tuple[str, list[str]]]:
    """Sentences without figures, symbols or a spelled number above twelve, and the words of them that are heard."""
    with lzma.open(TEXT / "lm" / f"{name}.txt.xz", "rt", encoding="utf-8") as file:
        for index, line in enumerate(file):
            if (index % PARTS == PARTS - 1) != held_back or any(c.isdigit() or c in "$%£€@#&" for c in line):
                continue
            words = (normalize(line) or "").split()
            if words and not LARGE & set(words):
                yield line, words


def false_changes(rewriter: Rewriter, held_back: bool, shown: bool) -> dict[str, object]:
    """Words changed otherwise than their author wrote them, by kind, in sentences that need no figures."""
    words, changed = 0, Counter[str]()
    each = ORDINARY_SENTENCES // len(ORDINARY)
    for name in ORDINARY:
        for _, (line, sentence) in zip(range(each), ordinary_sentences(name, held_back), strict=False):
            words += len(sentence)
            for rewrite in rewriter.rewrites(sentence):
                if squeezed(rewrite.text) in squeezed(line):
                    continue  # Mr., U.S.
                changed[rewrite.kind] += rewrite.end - rewrite.start
                if shown:
                    said = " ".join(sentence[max(0, rewrite.start - 4) : rewrite.end + 3])
                    sys.stdout.write(f"{rewrite.kind}: {said} -> {rewrite.text}\n")
    percent = 100 * changed.total() / words
    return {"words": words, "changed": changed.total(), "percent": percent, "kinds": dict(changed)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failures", help="show what differs in a class of NeMo's, in `aligned`, or in `ordinary`")
    parser.add_argument("--models", type=Path, help="a recogniser's folder with a tagger and a writer")
    parser.add_argument("--development", action="store_true", help="the parts that rules may be developed on")
    arguments = parser.parse_args()
    if not Path(NEMO).is_dir():
        sys.exit("this benchmark needs ../shared/text")
    held_back, shown = not arguments.development, arguments.failures
    model = load_text_models(arguments.models).rewriter if arguments.models else None

    def rewriter(style: Style) -> Rewriter:
        rules = RuleRewriter(style)
        return Guarded(model, rules) if model else rules

    who = "models" if model else "rules"
    if held_back:
        tables = {cased: exact_match(rewriter(PLAIN), cased, shown) for cased in (False, True)}
        sys.stdout.write("| class | lower case | cased |\n|---|---|---|\n")
        for name in tables[False]:
            cells = [f"{100 * r / n:.1f} ({r}/{n})" for r, n in (tables[cased][name] for cased in tables)]
            sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")
        totals = {
            ("cased" if cased else "lower"): [sum(c) for c in zip(*t.values(), strict=True)]
            for cased, t in tables.items()
        }
        shares = {name: 100 * right / cases for name, (right, cases) in totals.items()}
        record("written: NeMo's cases", {"by": who, **shares})
    usual = rewriter(USUAL)
    record("written: aligned sentences", {"by": who, **aligned(usual, held_back, shown == "aligned")})
    record("written: ordinary sentences", {"by": who, **false_changes(usual, held_back, shown == "ordinary")})


if __name__ == "__main__":
    main()
