"""Minimum word error training: n-best lists of our own search, weighed by the student's likelihoods."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from decoder.acoustic_scores import RAREST
from decoder.lexicon import Lexicon
from decoder.lexicon_beam import LexiconBeamDecoder, LexiconBeamOptions
from decoder.lm import NgramLM
from decoder.metrics import word_errors
from models.checkpoint import read_description
from models.ctc import BLANK
from models.frontend import FrontendConfig
from models.g2p import read_lexicon
from models.layers import Subsampling
from models.recipes.data.batches import Batch
from models.recipes.data.samples import HEADS, WORD_DELIMITER
from models.recipes.losses import expected_errors, frames_needed, log_likelihoods
from models.recipes.recipe import SequenceTraining
from models.recipes.student import Encoded

_PHONEMES, _CHARACTERS = HEADS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A hypothesis of an n-best list: its labels (L,), weighted language-model score and word errors."""

    labels: Tensor
    lm_score: float
    errors: int


class ExpectedWordErrors:
    """The objective `word errors`: what the search is to expect of its n-best lists, a word of the references.

    The lists come from the beam search through the lexicon, without recombination, which keeps no alternatives, and
    without commitment, which keeps those of the last words only. A hypothesis is weighed as the search weighs it, by
    the CTC probability of its labels, through which the gradient flows, and its language-model score. Of words with
    several pronunciations the first in the lexicon counts, as it does in the labels.
    """

    def __init__(self, config: SequenceTraining, data: Path) -> None:
        """Raise OSError or ValueError for a lexicon, a language model or priors that cannot be read."""
        lexicon = Lexicon.read(data / config.lexicon, _PHONEMES.labels)
        lm = NgramLM(data / config.lm, lexicon.words) if config.lm else None
        frontend = FrontendConfig()
        frame_duration_s = Subsampling.FACTOR * frontend.hop_length / frontend.sample_rate
        options = LexiconBeamOptions(
            alpha=config.alpha,
            beta=config.beta,
            beam_width=config.beam_width,
            recombine=False,
            commit_after_s=math.inf,
            confidence_delay_s=math.inf,
        )
        self._decoder = LexiconBeamDecoder(lexicon, _PHONEMES.labels, BLANK, lm, frame_duration_s, options)
        self._expected = config.prior_scale * _log_priors(data / config.priors) if config.priors else torch.zeros(())
        self._pronunciations = _first_pronunciations(data / config.lexicon)
        self._nbest = config.nbest

    def __call__(self, encoded: Encoded, batch: Batch) -> dict[str, Tensor]:
        """The expected word errors of the transcribed utterances over the words of their references."""
        if not batch.transcribed.any():
            return {}
        log_probs = encoded.log_probs[_PHONEMES.name][batch.transcribed]
        log_probs = functional.log_softmax(log_probs - self._expected.to(log_probs.device), dim=-1)
        lengths = encoded.lengths[batch.transcribed]
        texts = references(batch)
        heard = log_probs.detach().cpu()
        lists = [
            self._candidates(rows[:length], text)
            for rows, length, text in zip(heard, lengths.tolist(), texts, strict=True)
        ]
        sizes = [len(candidates) for candidates in lists]
        if not sum(sizes):
            return {}
        owner = torch.repeat_interleave(torch.tensor(sizes)).to(log_probs.device)
        every = [candidate for candidates in lists for candidate in candidates]
        labels = [candidate.labels.to(log_probs.device) for candidate in every]
        scores = log_likelihoods(log_probs[owner], lengths[owner], labels)
        scores = scores + scores.new_tensor([candidate.lm_score for candidate in every])
        errors = scores.new_tensor([candidate.errors for candidate in every])
        filled = [size for size in sizes if size]
        expected = expected_errors(
            pad_sequence(list(torch.split(scores, filled)), batch_first=True, padding_value=-math.inf),
            pad_sequence(list(torch.split(errors, filled)), batch_first=True),
        )
        return {"word errors": expected.sum() / max(1, sum(len(text.split()) for text in texts))}

    def _candidates(self, log_probs: Tensor, text: str) -> list[Candidate]:
        """The n-best list of one utterance (T, V), without what CTC cannot say in so many frames."""
        session = self._decoder.session()
        session.accept(log_probs.numpy())
        session.finish()
        found = []
        for hypothesis in session.nbest(self._nbest):
            words = [word.text for word in hypothesis.words]
            spelled = [label for word in words for label in self._pronunciations[word]]
            labels = torch.tensor(spelled, dtype=torch.long)
            if frames_needed(labels) <= len(log_probs):
                errors = word_errors(text, hypothesis.text).errors
                found.append(Candidate(labels, hypothesis.lm_score, errors))
        return found


def references(batch: Batch) -> list[str]:
    """The words of each transcribed utterance, from the labels of the character head."""
    spelled = torch.split(batch.labels[_CHARACTERS.name].cpu(), batch.label_lengths[_CHARACTERS.name].tolist())
    letters = ("".join(_CHARACTERS.labels[label] for label in labels.tolist()) for labels in spelled)
    return [text.replace(WORD_DELIMITER, " ") for text in letters]


def _log_priors(checkpoint: Path) -> Tensor:
    """Natural logarithms (V,) of the priors of the phonemes, as decoder.acoustic_scores takes them off."""
    priors = read_description(checkpoint).get("label_priors", {}).get("beam", ())
    if len(priors) != len(_PHONEMES.labels):
        raise ValueError(f"{checkpoint} has no priors of the {len(_PHONEMES.labels)} phonemes: run `asr tune --save`")
    return (torch.tensor(priors) + RAREST).log()


def _first_pronunciations(path: Path) -> dict[str, list[int]]:
    """Label indices of each word's first pronunciation in a lexicon that Lexicon.read accepts."""
    index = {label: number for number, label in enumerate(_PHONEMES.labels)}
    return {word: [index[label] for label in said[0].split()] for word, said in read_lexicon(path).items()}
