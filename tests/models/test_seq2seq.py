import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from models.seq2seq import END, Seq2seq, Seq2seqConfig, penalty, search

SYMBOLS, STEPS = 6, 100
CONFIGS = {
    "rnn, dot": Seq2seqConfig("rnn", 16, 24, score="dot"),
    "gru, additive": Seq2seqConfig("gru", 16, 24, score="additive"),
    "gru, scaled dot, one way": Seq2seqConfig("gru", 16, 24, bidirectional=False, score="scaled dot"),
    "lstm, bilinear, deep": Seq2seqConfig("lstm", 16, 24, 2, 2),
    "transformer": Seq2seqConfig("transformer", 32, 64, 2, 2),
}


@pytest.fixture(params=CONFIGS, name="network")
def made(request: pytest.FixtureRequest) -> Seq2seq:
    torch.manual_seed(0)
    return Seq2seq(CONFIGS[request.param], SYMBOLS, SYMBOLS).eval()


def log_prob(network: Seq2seq, source: list[int], symbols: tuple[int, ...]) -> float:
    """By teacher forcing."""
    targets = torch.tensor([[END, *symbols, END]])
    mask = torch.ones(1, len(source), dtype=torch.bool)
    with torch.inference_mode():
        logits = network(torch.tensor([source]), mask, targets[:, :-1])
    return logits[0].log_softmax(-1).gather(1, targets[0, 1:, None]).sum().item()


def test_steps_equal_the_whole(network: Seq2seq) -> None:
    sources, targets = torch.randint(1, SYMBOLS, (2, 5)), torch.randint(0, SYMBOLS, (2, 4))
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    whole = network(sources, mask, targets)
    assert whole.shape == (2, 4, SYMBOLS)
    memory = network.encode(sources, mask)
    state = network.begin(memory, mask)
    for place in range(4):
        logits, weights, state = network.step(targets[:, place], memory, mask, state)
        torch.testing.assert_close(logits, whole[:, place], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(weights.sum(-1), torch.ones(2))
        assert weights[1, 3:].abs().max() == 0


def test_padding_changes_nothing(network: Seq2seq) -> None:
    alone, targets = torch.tensor([[1, 2, 3]]), torch.tensor([[END, 4, 5]])
    padded = torch.tensor([[1, 2, 3, 5, 5]])
    mask = torch.tensor([[True, True, True, False, False]])
    torch.testing.assert_close(network(padded, mask, targets), network(alone, mask[:, :3], targets))


def test_no_symbol_is_seen_before_it_is_said(network: Seq2seq) -> None:
    source, mask = torch.tensor([[1, 2]]), torch.ones(1, 2, dtype=torch.bool)
    one, other = network(source, mask, torch.tensor([[0, 1, 2]])), network(source, mask, torch.tensor([[0, 1, 5]]))
    torch.testing.assert_close(one[:, :2], other[:, :2])
    assert not torch.allclose(one[:, 2], other[:, 2])


def test_a_wide_search_finds_the_best_of_all_outputs(network: Seq2seq) -> None:
    with torch.no_grad():  # surer of what it says, and without the symbols above 2
        network.output.weight.mul_(4)
        network.output.bias[3:] = -1e4
    found = search(network, [1, 4, 2], longest=4, beam=200)
    every = [one for length in range(5) for one in itertools.product((1, 2), repeat=length)]
    best = max(every, key=lambda one: log_prob(network, [1, 4, 2], one))
    assert found[0].symbols == best
    for output in found[:5]:
        assert output.log_prob == pytest.approx(log_prob(network, [1, 4, 2], output.symbols), abs=1e-3)
        assert output.weights.shape == (len(output.symbols) + 1, 3)
        torch.testing.assert_close(output.weights.sum(1), torch.ones(len(output.symbols) + 1))


def batch(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    sources = pad_sequence([source for source, _ in pairs], True)
    mask = pad_sequence([torch.ones(len(source), dtype=torch.bool) for source, _ in pairs], True)
    targets = pad_sequence([functional.pad(target, (1, 1), value=END) for _, target in pairs], True, -100)
    return sources, mask, targets


def test_each_kind_learns_to_reverse(network: Seq2seq) -> None:
    rows = [torch.tensor(row) for length in (1, 2, 3) for row in itertools.product((1, 2, 3), repeat=length)]
    sources, mask, targets = batch([(row, row.flip(0)) for row in rows])
    optimiser = torch.optim.AdamW(network.parameters(), 5e-3 if network.config.kind == "transformer" else 1e-2)
    for _ in range(STEPS):
        logits = network(sources, mask, targets[:, :-1].clamp_min(END))
        loss = functional.cross_entropy(logits.flatten(0, 1), targets[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    for row in rows:
        (narrow,), broad = search(network, row.tolist(), 4, 1), search(network, row.tolist(), 4, 3)
        assert narrow.symbols == broad[0].symbols == tuple(row.flip(0).tolist())
        assert broad[0].log_prob >= narrow.log_prob - 1e-4


def test_the_penalty_makes_longer_outputs_win() -> None:
    assert penalty(1, 0.7) == 1
    assert penalty(13, 1.0) == 3
    torch.manual_seed(0)
    network = Seq2seq(CONFIGS["gru, additive"], SYMBOLS, SYMBOLS).eval()
    short, long = (search(network, [1, 2, 3], 6, 50, alpha)[0] for alpha in (0.0, 3.0))
    assert len(short.symbols) < len(long.symbols)
    assert long.score == pytest.approx(long.log_prob / penalty(len(long.symbols) + 1, 3.0))


def test_what_does_not_end_is_no_output() -> None:
    network = Seq2seq(CONFIGS["gru, additive"], SYMBOLS, SYMBOLS).eval()
    with torch.no_grad():
        network.output.bias[END] = -1e4
    assert search(network, [1], 5, 1) == []


@pytest.mark.parametrize("change", [{"kind": "cnn"}, {"score": "cosine"}, {"dim": 0}, {"dim": 15}])
def test_what_cannot_be_built_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"is one of|must be"):
        replace(Seq2seqConfig(), **change)
