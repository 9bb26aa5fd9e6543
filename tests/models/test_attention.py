import pytest
import torch

from models.attention import SCORES, MultiHeadAttention, attend
from models.attention_drawing import draw_attention


def test_scores_are_those_of_their_formulas() -> None:
    torch.manual_seed(0)
    queries, memory = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    q, m = queries[1, 2], memory[1, 3]
    for name, kind in SCORES.items():
        score = kind(4, 4)
        weights = dict(score.named_parameters())
        expected = {
            "dot": lambda: q @ m,
            "scaled dot": lambda: q @ m / 2,
            "bilinear": lambda w=weights: m @ w["weight.weight"] @ q,
            "additive": lambda w=weights: (
                w["score.weight"][0] @ (w["query.weight"] @ q + w["query.bias"] + w["memory.weight"] @ m).tanh()
            ),
        }[name]()
        found = score(queries, memory)
        assert found.shape == (2, 3, 5)
        torch.testing.assert_close(found[1, 2, 3], expected)


def test_dot_products_need_equal_widths() -> None:
    for name in ("dot", "scaled dot"):
        with pytest.raises(ValueError, match="as wide as"):
            SCORES[name](3, 4)


def test_what_the_mask_hides_has_no_weight() -> None:
    memory = torch.randn(1, 4, 2)
    mask = torch.tensor([[[True, False, True, False]]])
    contexts, weights = attend(torch.zeros(1, 3, 4), memory, mask)
    torch.testing.assert_close(weights[0, 1], torch.tensor([0.5, 0.0, 0.5, 0.0]))
    torch.testing.assert_close(contexts[0, 1], (memory[0, 0] + memory[0, 2]) / 2)


def test_heads_equal_torchs_own() -> None:
    torch.manual_seed(1)
    own, other = MultiHeadAttention(8, 2), torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        other.in_proj_weight.copy_(torch.cat([own.query.weight, own.memory.weight]))
        other.in_proj_bias.copy_(torch.cat([own.query.bias, own.memory.bias]))
        other.out_proj.weight.copy_(own.output.weight)
        other.out_proj.bias.copy_(own.output.bias)
    queries, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    found, weights = own(queries, *own.project(memory), mask[:, None, None])
    expected, expected_weights = other(queries, memory, memory, key_padding_mask=~mask, average_attn_weights=False)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(weights, expected_weights)


def test_heads_divide_the_width() -> None:
    with pytest.raises(ValueError, match="3 attention heads do not divide 8"):
        MultiHeadAttention(8, 3)


def test_a_drawing_has_a_cell_for_each_pair_and_every_label() -> None:
    drawing = draw_attention(torch.tensor([[0.25, 0.75]]), ["<two>", "dollars"], ["$"])
    assert drawing.count("<rect") == 2
    assert 'fill-opacity="0.750"' in drawing
    assert "&lt;two&gt;" in drawing
    with pytest.raises(ValueError, match="labels"):
        draw_attention(torch.zeros(1, 2), ["a"], ["b"])
