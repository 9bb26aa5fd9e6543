"""Recurrent encoders and decoders for sequences of symbols: simple recurrence, GRU or LSTM."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from models.attention import SCORES, attend

CELLS: dict[str, type[nn.RNN | nn.GRU | nn.LSTM]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
"""Elman, Finding structure in time (1990); Cho et al. (2014); Hochreiter and Schmidhuber (1997).

h_t = tanh(W x_t + U h_{t-1} + b); torch's documentation has the equations of the gated ones.
"""

State = tuple[Tensor, ...]
"""What a decoder carries from step to step: tensors with the batch first, so that a search picks rows."""


class RecurrentEncoder(nn.Module):
    """Several layers over embedded symbols, in one direction or in both (Schuster and Paliwal, 1997)."""

    def __init__(self, cell: str, dim: int, hidden: int, layers: int, bidirectional: bool, dropout: float) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.layers = CELLS[cell](dim, hidden, layers, batch_first=True, dropout=between, bidirectional=bidirectional)
        self.output_dim = hidden * (1 + bidirectional)

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """Embedded (B, L, E), mask bool (B, L), True before a row's padding -> memory (B, L, D)."""
        packed = pack_padded_sequence(embedded, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        memory, _ = pad_packed_sequence(self.layers(packed)[0], batch_first=True, total_length=embedded.shape[1])
        return memory


class RecurrentDecoder(nn.Module):
    """Layers that are given what the attention of their last output found (Bahdanau et al., 2015, section 3.1).

        c_t = attend(s_{t-1}, memory)
        s_t = cell([y_{t-1}; c_t], s_{t-1})
        o_t = [s_t; c_t]

    s_0 is made of the memory's mean.
    """

    def __init__(self, cell: str, dim: int, hidden: int, layers: int, memory: int, score: str, dropout: float) -> None:
        super().__init__()
        self.start = nn.Linear(memory, layers * hidden)
        self.score = SCORES[score](hidden, memory)
        between = dropout if layers > 1 else 0.0
        self.layers = CELLS[cell](dim + memory, hidden, layers, batch_first=True, dropout=between)
        self.hidden = hidden
        self.output_dim = hidden + memory

    def begin(self, memory: Tensor, mask: Tensor) -> State:
        """Memory (B, L, M), mask bool (B, L) -> hidden, of an LSTM also cell, (B, layers, H)."""
        mean = (memory * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        hidden = self.start(mean).tanh().unflatten(-1, (-1, self.hidden))
        return (hidden, torch.zeros_like(hidden)) if isinstance(self.layers, nn.LSTM) else (hidden,)

    def step(self, embedded: Tensor, memory: Tensor, mask: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """The last symbol (B, E) -> output (B, H + M), attention weights (B, L), next state."""
        query = state[0][:, -1:]  # (B, 1, H)
        context, weights = attend(self.score(query, memory), memory, mask[:, None])
        before = tuple(tensor.transpose(0, 1).contiguous() for tensor in state)
        inputs = torch.cat([embedded[:, None], context], -1)
        output, after = self.layers(inputs, before if len(before) > 1 else before[0])
        state = tuple(tensor.transpose(0, 1) for tensor in (after if isinstance(after, tuple) else (after,)))
        return torch.cat([output, context], -1)[:, 0], weights[:, 0], state

    def forward(self, embedded: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Embedded symbols (B, T, E), each the one before what is to be said -> outputs (B, T, H + M)."""
        state = self.begin(memory, mask)
        outputs = []
        for last in embedded.unbind(1):
            output, _, state = self.step(last, memory, mask, state)
            outputs.append(output)
        return torch.stack(outputs, 1)
