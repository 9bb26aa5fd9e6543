"""A personal language model: word errors of speech that is like its texts and of other speech, by its share.

python tests/bench/personal_lm.py [--shares 0.1 0.3 0.5]      (needs ../shared/speech; dev splits)

The texts are the train transcripts of a corpus, without the sentences that dev or test have. One JSON line a corpus and
share: WER of each dev corpus in per cent, the one that the texts are of among them.
"""

import argparse
import tempfile
from pathlib import Path

from beam_accuracy import figures
from decoders import FRAME_S, in_chunks
from measure import SHARED_SPEECH, record
from posteriors import heard

from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.lm import NgramLM
from decoder.mixed_lm import MixedLM
from decoder.normalize import normalize
from decoder.personal_lm import build_personal_model
from models.recipes.data.manifest import read_manifests

CORPORA = ("alphanumeric", "speechocean762")
"""Their users say what they have said before; of LibriSpeech's and fsdd's train texts nothing follows for dev."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.3, 0.5])
    arguments = parser.parse_args()
    speech = heard("beam")
    search = speech.recognizer.decoder
    assert isinstance(search, LexiconBeamDecoder)
    assert search.lm is not None
    record("personal_lm", {"texts": None, "share": 0, **figures(in_chunks(search), speech)})
    for corpus in CORPORA:
        personal = personal_model(corpus, search.lexicon.words)
        for share in arguments.shares:
            mixed = MixedLM(search.lm, personal, share)
            decoder = LexiconBeamDecoder(search.lexicon, search.labels, search.blank, mixed, FRAME_S, search.options)
            record("personal_lm", {"texts": corpus, "share": share, **figures(in_chunks(decoder), speech)})


def personal_model(corpus: str, words: tuple[str, ...]) -> NgramLM:
    """What `asr lm build` makes of the train transcripts of a corpus."""
    manifest = SHARED_SPEECH / corpus / "manifest.jsonl"
    train, dev, test = (read_manifests([manifest], split) for split in ("train", "dev", "test"))
    held_back = {normalize(one.text or "") for one in (*dev, *test)}
    sentences = dict.fromkeys(normalize(one.text or "") for one in train)
    with tempfile.TemporaryDirectory() as folder:
        notes, model = Path(folder) / "notes.txt", Path(folder) / "personal.arpa"
        notes.write_text("\n".join(one for one in sentences if one and one not in held_back), encoding="utf-8")
        build_personal_model([notes], model)
        return NgramLM(model, words)


if __name__ == "__main__":
    main()
