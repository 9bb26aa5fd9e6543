"""The rewriter that needs no model: at each word, the longest expression that a rule finds."""

from collections.abc import Sequence

from asr_app.text.itn.abbreviations import find_abbreviation
from asr_app.text.itn.codes import find_code
from asr_app.text.itn.dates import find_date
from asr_app.text.itn.digits import find_telephone
from asr_app.text.itn.electronic import find_electronic
from asr_app.text.itn.houses import find_house
from asr_app.text.itn.letters import find_letters
from asr_app.text.itn.measures import find_age, find_measure, find_pressure
from asr_app.text.itn.money import find_money
from asr_app.text.itn.quantities import find_fraction, find_number, find_ordinal
from asr_app.text.itn.ranges import levelled
from asr_app.text.itn.style import USUAL, Finder, Style
from asr_app.text.itn.times import find_time
from asr_app.text.stages import Rewrite

_FINDERS: dict[str, Finder] = {
    "electronic": find_electronic,
    "money": find_money,
    "measure": find_measure,
    "pressure": find_pressure,
    "age": find_age,
    "house": find_house,
    "time": find_time,
    "date": find_date,
    "telephone": find_telephone,
    "fraction": find_fraction,
    "decimal": find_number,
    "ordinal": find_ordinal,
    "abbreviation": find_abbreviation,
    "code": find_code,
    "letters": find_letters,
}
"""By kind; of expressions of the same length, the first kind holds."""


class RuleRewriter:
    """Inverse text normalisation by rules; what no rule knows is copied. Shared by all streams: it keeps no state."""

    def __init__(self, style: Style = USUAL) -> None:
        self._style = style

    def rewrites(self, words: Sequence[str]) -> list[Rewrite]:
        """See stages.Rewriter; takes time linear in the number of words."""
        lowered = [word.lower() for word in words]
        found: list[Rewrite] = []
        place = 0
        while place < len(lowered):
            rewrite = self._longest(lowered, place)
            if rewrite:
                found.append(rewrite)
            place = rewrite.end if rewrite else place + 1
        return found if self._style.colloquial else levelled(lowered, found)

    def _longest(self, words: list[str], place: int) -> Rewrite | None:
        best: Rewrite | None = None
        for kind, find in _FINDERS.items():
            found = find(words, place, self._style)
            if found and (best is None or found[0] > best.end):
                best = Rewrite(place, *found, kind)
        return best
