"""Spelling to sound: pronunciations of words that the lexicon lacks, so that the product needs no synthesiser.

An encoder-decoder with soft attention, as Toshniwal and Livescu use for this task (Jointly learning to align and
convert graphemes to phonemes with neural attention models, 2016).
"""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import exp, inf, log
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.attention import ScaledDotScore, attend
from models.model_files import ModelFiles

FILES = ModelFiles("g2p", "asr-app g2p")

END = 0
"""The label that begins and ends a pronunciation; the phonemes follow it."""

MAX_LETTERS = 40
LABELS_PER_LETTER = 4
"""No word has more labels than this a letter, but short ones (w is said with seven)."""

Pronunciation = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class G2pConfig:
    """Sizes of the network; encoder is a direction's width, dropout of training only."""

    embedding: int = 48
    encoder: int = 80
    encoder_layers: int = 2
    decoder: int = 144
    dropout: float = 0.1


class G2pNetwork(nn.Module):
    """A bidirectional GRU over letters, and a GRU over labels that attends to its outputs.

    The decoder is Bahdanau et al.'s (Neural machine translation by jointly learning to align and translate,
    2015, appendix A.2.2), with the scaled dot products of Vaswani et al. (2017, eq. 1) as alignment scores:

        c_t = sum_i softmax_i(W_a s_{t-1} . h_i / sqrt(D)) h_i
        s_t = GRU([E y_{t-1}; c_t], s_{t-1})
        p_t = softmax(W_o [s_t; c_t])
    """

    def __init__(self, config: G2pConfig, letters: int, labels: int) -> None:
        super().__init__()
        width = 2 * config.encoder
        self.letters = nn.Embedding(letters, config.embedding)
        between = config.dropout if config.encoder_layers > 1 else 0.0
        self.encoder = nn.GRU(
            config.embedding,
            config.encoder,
            config.encoder_layers,
            batch_first=True,
            dropout=between,
            bidirectional=True,
        )
        self.start = nn.Linear(width, config.decoder)
        self.labels = nn.Embedding(labels, config.embedding)
        self.query = nn.Linear(config.decoder, width, bias=False)
        self.score = ScaledDotScore(width, width)
        self.decoder = nn.GRUCell(config.embedding + width, config.decoder)
        self.output = nn.Linear(config.decoder + width, labels)
        self.dropout = nn.Dropout(config.dropout)

    def encode(self, letters: Tensor) -> tuple[Tensor, Tensor]:
        """Words of one length (B, L) -> what the decoder attends to (B, L, D), and its first state (B, H)."""
        memory, _ = self.encoder(self.dropout(self.letters(letters)))
        return memory, self.start(memory.mean(1)).tanh()

    def step(self, labels: Tensor, memory: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Last labels (B,), memory (B, L, D), state (B, H) -> logits of the next label (B, V), next state."""
        context = attend(self.score(self.query(state)[:, None], memory), memory)[0][:, 0]  # (B, D)
        state = self.decoder(torch.cat([self.dropout(self.labels(labels)), context], -1), state)
        return self.output(self.dropout(torch.cat([state, context], -1))), state

    def forward(self, letters: Tensor, labels: Tensor) -> Tensor:
        """Words (B, L), labels after END (B, T) -> logits of the labels one later (B, T, V)."""
        memory, state = self.encode(letters)
        logits = []
        for last in labels.unbind(1):
            step, state = self.step(last, memory, state)
            logits.append(step)
        return torch.stack(logits, 1)


@dataclass(frozen=True)
class G2p:
    """A trained network with its alphabets; shared and never changed.

    letters: what a word is spelled with, in the network's order. labels: phonemes, from the network's 1 on.
    """

    config: G2pConfig
    letters: str
    labels: tuple[str, ...]
    network: G2pNetwork
    provenance: dict[str, Any] = field(default_factory=dict)

    def letter_indices(self, word: str) -> list[int]:
        """The network's input; ValueError names a word that it cannot take."""
        if not word.strip("'") or len(word) > MAX_LETTERS:
            raise ValueError(f"{word[:MAX_LETTERS]!r} is not a word of 1 to {MAX_LETTERS} letters: spell it otherwise")
        for letter in word:
            if letter not in self.letters:
                raise ValueError(f"the word {word!r} has the character {letter!r}: use only {self.letters}")
        return [self.letters.index(letter) for letter in word]

    @torch.inference_mode()
    def pronounce(self, word: str, beam: int = 4, share: float = 0.2) -> list[tuple[Pronunciation, float]]:
        """The likeliest pronunciations and their probabilities, best first, by beam search.

        share: a pronunciation less likely than this share of the best is left out. With beam 1 the search is greedy.
        Raises ValueError for a word with other characters than letters.
        """
        memory, state = self.network.encode(torch.tensor([self.letter_indices(word)]))
        prefixes: list[Pronunciation] = [()]
        scores, last = torch.zeros(1), torch.tensor([END])
        ended: list[tuple[Pronunciation, float]] = []
        for length in range(LABELS_PER_LETTER * (len(word) + 1)):
            logits, state = self.network.step(last, memory.expand(len(prefixes), -1, -1), state)
            log_probs = scores[:, None] + logits.log_softmax(-1)  # (N, V)
            if length:  # every word sounds
                ended += zip(prefixes, log_probs[:, END].tolist(), strict=True)
            floor = _best(ended) + log(share)
            scores, places = log_probs[:, END + 1 :].flatten().topk(min(beam, len(prefixes) * len(self.labels)))
            places, scores = places[scores > floor], scores[scores > floor]
            if not len(places):
                break
            parents, phonemes = places // len(self.labels), places % len(self.labels)
            prefixes = [
                (*prefixes[i], self.labels[j]) for i, j in zip(parents.tolist(), phonemes.tolist(), strict=True)
            ]
            last, state = phonemes + END + 1, state[parents]
        floor = _best(ended) + log(share)
        ended.sort(key=lambda one: -one[1])
        return [(labels, exp(score)) for labels, score in ended if score >= floor]


def _best(ended: list[tuple[Pronunciation, float]]) -> float:
    return max((score for _, score in ended), default=-inf)


def save_g2p(folder: Path, g2p: G2p) -> None:
    """Write a model into a folder, matrices in 16 bits."""
    weights = {name: tensor.half() if tensor.dim() > 1 else tensor for name, tensor in g2p.network.state_dict().items()}
    description = {"letters": g2p.letters, "labels": g2p.labels, "network": asdict(g2p.config)}
    FILES.write(folder, weights, {**description, "provenance": g2p.provenance})


def load_g2p(folder: Path) -> G2p:
    """Read and verify a model; OSError where a file cannot be read, else ValueError in one line."""
    return FILES.read(folder, _built)


def _built(description: dict[str, Any], weights: dict[str, Tensor]) -> G2p:
    config, labels = G2pConfig(**description["network"]), tuple(description["labels"])
    network = build_network(config, description["letters"], labels)
    network.load_state_dict(weights)
    network.eval().requires_grad_(False)
    return G2p(config, description["letters"], labels, network, description["provenance"])


def read_lexicon(path: Path) -> dict[str, tuple[str, ...]]:
    """The pronunciations of each word of a lexicon file, plain or gz, their labels between spaces.

    Raises OSError for a file that cannot be read, ValueError for one that is no lexicon.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = data.decode().splitlines()
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error}): fetch the model again") from error
    lexicon: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines, 1):
        word, _, said = line.partition("\t")
        if not said:
            raise ValueError(f"{path}, line {number}: expected a word, a tab, labels: {line[:60]!r}")
        lexicon[word] = (*lexicon.get(word, ()), said)
    return lexicon


def build_network(config: G2pConfig, letters: str, labels: Sequence[str]) -> G2pNetwork:
    """A network with random weights for these alphabets."""
    return G2pNetwork(config, len(letters), 1 + len(labels))
