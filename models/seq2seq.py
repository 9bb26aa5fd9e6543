"""Encoder-decoders that turn one sequence of symbols into another, and the search for the likeliest output."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.attention import SCORES
from models.recurrent import CELLS, RecurrentDecoder, RecurrentEncoder, State
from models.transformer import TransformerDecoder, TransformerEncoder

END = 0
"""The symbol that begins and ends every output."""


@dataclass(frozen=True, slots=True)
class Seq2seqConfig:
    """Kinds and sizes of the parts.

    kind: of encoder and decoder. dim: width of the embeddings, and of a Transformer. hidden: of a recurrent direction,
    or of a Transformer's feed-forward part. bidirectional, score: of recurrent ones. heads: of a Transformer.
    dropout: in training only.
    """

    kind: str = "gru"
    dim: int = 64
    hidden: int = 128
    encoder_layers: int = 1
    decoder_layers: int = 1
    bidirectional: bool = True
    score: str = "bilinear"
    heads: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.kind != "transformer" and self.kind not in CELLS:
            raise ValueError(f"an encoder-decoder is one of {', '.join(CELLS)}, transformer, not {self.kind!r}")
        if self.score not in SCORES:
            raise ValueError(f"a score of attention is one of {', '.join(SCORES)}, not {self.score!r}")
        if min(self.dim, self.hidden, self.encoder_layers, self.decoder_layers) < 1 or self.dim % 2:
            raise ValueError("sizes must be 1 or more, and the embeddings' width even")


class Seq2seq(nn.Module):
    """Embeddings, an encoder, a decoder with attention, and logits of the next symbol.

    (Sutskever et al., Sequence to sequence learning with neural networks, 2014; Bahdanau et al., 2015.)
    """

    def __init__(self, config: Seq2seqConfig, sources: int, targets: int) -> None:
        super().__init__()
        self.config = config
        self.sources = nn.Embedding(sources, config.dim)
        self.targets = nn.Embedding(targets, config.dim)
        self.encoder, self.decoder = _parts(config)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(self.decoder.output_dim, targets)

    def encode(self, sources: Tensor, mask: Tensor) -> Tensor:
        """Symbols (B, L), mask bool (B, L), True before a row's padding -> memory (B, L, D)."""
        return self.encoder(self.dropout(self.sources(sources)), mask)  # type: ignore[no-any-return]

    def forward(self, sources: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """Sources (B, L), mask (B, L), outputs after END (B, T) -> logits of the symbols one later (B, T, V)."""
        embedded = self.dropout(self.targets(targets))
        return self.output(self.dropout(self.decoder(embedded, self.encode(sources, mask), mask)))  # type: ignore[no-any-return]

    def begin(self, memory: Tensor, mask: Tensor) -> State:
        """The decoder's state before the first symbol."""
        return self.decoder.begin(memory, mask)

    def step(self, last: Tensor, memory: Tensor, mask: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Last symbols (B,) -> logits of the next (B, V), attention weights (B, L), next state."""
        output, weights, state = self.decoder.step(self.targets(last), memory, mask, state)
        return self.output(output), weights, state


def _parts(
    config: Seq2seqConfig,
) -> tuple[RecurrentEncoder | TransformerEncoder, RecurrentDecoder | TransformerDecoder]:
    dim, hidden, dropout = config.dim, config.hidden, config.dropout
    if config.kind == "transformer":
        return (
            TransformerEncoder(dim, config.encoder_layers, config.heads, hidden, dropout),
            TransformerDecoder(dim, config.decoder_layers, config.heads, hidden, dropout),
        )
    encoder = RecurrentEncoder(config.kind, dim, hidden, config.encoder_layers, config.bidirectional, dropout)
    # dot products compare states with the memory as they are
    state = encoder.output_dim if config.score in ("dot", "scaled dot") else hidden
    return encoder, RecurrentDecoder(
        config.kind, dim, state, config.decoder_layers, encoder.output_dim, config.score, dropout
    )


@dataclass(frozen=True, slots=True)
class Output:
    """A found sequence: its symbols without END, its log-probability in nats, and how each symbol was found.

    score: the log-probability by the length penalty. weights: attention (T + 1, L), END's row last.
    """

    symbols: tuple[int, ...]
    log_prob: float
    score: float
    weights: Tensor


def penalty(length: int, alpha: float) -> float:
    """((5 + n) / 6)^alpha, of n symbols with END (Wu et al., Google's NMT system, 2016, eq. 14)."""
    return math.pow((5 + length) / 6, alpha)


@torch.inference_mode()
def search(network: Seq2seq, source: list[int], longest: int, beam: int = 4, alpha: float = 0.0) -> list[Output]:
    """Up to `beam` outputs of one source, best score first; with beam 1 the search is greedy.

    longest: symbols at most; an output that does not end in time is none. alpha: of the length penalty; 0 compares
    probabilities, larger ones favour longer outputs. The list is empty where nothing ends.
    """
    memory = network.encode(torch.tensor([source]), mask := torch.ones(1, len(source), dtype=torch.bool))
    state = network.begin(memory, mask)
    prefixes: list[tuple[int, ...]] = [()]
    paths = torch.zeros(1, 0, len(source))
    scores, last = torch.zeros(1), torch.tensor([END])
    ended: list[Output] = []
    for length in range(1, longest + 2):
        rows = len(prefixes)
        logits, weights, state = network.step(last, memory.expand(rows, -1, -1), mask.expand(rows, -1), state)
        log_probs = scores[:, None] + logits.log_softmax(-1)  # (N, V)
        paths = torch.cat([paths, weights[:, None]], 1)
        scores, places = log_probs.flatten().topk(min(beam, log_probs.numel()))
        parents, symbols = places // log_probs.shape[1], places % log_probs.shape[1]
        for parent, log_prob in zip(parents[symbols == END].tolist(), scores[symbols == END].tolist(), strict=True):
            ended.append(Output(prefixes[parent], log_prob, log_prob / penalty(length, alpha), paths[parent]))
        going = symbols != END
        parents, symbols, scores = parents[going], symbols[going], scores[going]
        # what goes on can only lose probability, and at best is judged by the largest penalty
        if not len(scores) or _beaten(ended, scores, longest, alpha):
            break
        prefixes = [(*prefixes[i], j) for i, j in zip(parents.tolist(), symbols.tolist(), strict=True)]
        paths, last, state = paths[parents], symbols, tuple(tensor[parents] for tensor in state)
    return sorted(ended, key=lambda one: -one.score)[:beam]


def _beaten(ended: list[Output], scores: Tensor, longest: int, alpha: float) -> bool:
    """Whether no unfinished output can become the best."""
    best = max((one.score for one in ended), default=-torch.inf)
    return float(scores.max()) / penalty(longest + 1, max(alpha, 0.0)) <= best
