"""What the objectives of pre-training mask, compare and move."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from models.conformer import ConformerEncoder, EncoderConfig
from models.quantiser import Quantised, QuantiserConfig
from models.recipes.pretraining.masks import Spans, draw_mask, normalise_over_time
from models.recipes.pretraining.objectives import (
    Data2vec,
    Data2vecConfig,
    Moment,
    Wav2vec,
    Wav2vec2,
    Wav2vec2Config,
    Wav2vecConfig,
    draw_distractors,
)

ENCODER = EncoderConfig(num_mels=20, dim=16, layers=2, heads=2, feed_forward=32, kernel=5, channels=4, left_context=8)
QUANTISER = QuantiserConfig(groups=2, entries=8, dim=8)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def moment(progress: float = 0.0, seed: int = 0) -> Moment:
    return Moment(4, progress, seeded(seed))


def speech() -> tuple[Tensor, Tensor]:
    """Features (3, 100, 20) of lengths (3,)."""
    return torch.randn(3, 100, 20, generator=seeded(9)), torch.tensor([100, 61, 24])


def test_half_of_the_frames_are_masked_in_spans() -> None:
    lengths = torch.randint(40, 200, (200,), generator=seeded())
    masked = draw_mask(lengths, 200, Spans(0.13, 5), seeded(1))
    assert 0.44 < masked.sum() / lengths.sum() < 0.53
    for row, length in zip(masked.tolist(), lengths.tolist(), strict=True):
        assert not any(row[length:])
        spans = "".join("x" if one else " " for one in row[:length]).split()
        assert min(len(span) for span in spans) >= 5


def test_every_utterance_has_a_span() -> None:
    lengths = torch.tensor([1, 3, 5, 6, 90])
    masked = draw_mask(lengths, 90, Spans(0.0, 5), seeded())
    assert masked.sum(1).tolist() == [1, 3, 5, 5, 5]


def test_distractors_are_others_of_the_same_utterance() -> None:
    chosen = torch.rand(4, 30, generator=seeded()) < 0.4
    others = draw_distractors(chosen, 500, seeded(1))
    utterance = chosen.nonzero()[:, 0]
    for number, drawn in enumerate(others):
        wanted = (utterance == utterance[number]).nonzero().flatten().tolist()
        assert set(drawn.tolist()) == set(wanted) - {number}


def test_a_frame_without_others_gets_one_of_the_next_utterance() -> None:
    chosen = torch.tensor([[True, False], [True, True], [True, False]])
    assert draw_distractors(chosen, 2, seeded()).tolist() == [[1, 1], [2, 2], [1, 1], [0, 0]]


def test_frames_are_normalised_over_what_is_valid() -> None:
    frames, lengths = 3 + 2 * torch.randn(2, 40, 5, generator=seeded()), torch.tensor([40, 17])
    normalised = normalise_over_time(frames, lengths)
    for row, length in zip(normalised, lengths.tolist(), strict=True):
        assert_close(row[:length].mean(0), torch.zeros(5), atol=1e-5, rtol=0)
        assert_close(row[:length].var(0, correction=0), torch.ones(5), atol=1e-3, rtol=0)
        assert not row[length:].any()


def test_what_is_constant_has_no_deviation_left() -> None:
    assert_close(normalise_over_time(torch.full((1, 9, 3), 7.0), torch.tensor([9])), torch.zeros(1, 9, 3))


def test_a_distractor_with_the_codes_of_the_target_does_not_count() -> None:
    objective = Wav2vec2(ConformerEncoder(ENCODER), Wav2vec2Config(dim=2, temperature=0.5), QUANTISER)
    predicted = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    vectors = torch.tensor([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    targets = Quantised(vectors, torch.tensor([[1, 2], [1, 2], [1, 3]]), torch.full((2, 8), 1 / 8))
    scores = objective._scores(predicted, targets, torch.tensor([[1, 2], [0, 2], [0, 1]]))
    assert_close(scores, torch.tensor([[2.0, -torch.inf, 0.0], [0.0, -torch.inf, 2.0], [0.0, 2.0, 2.0]]))


def test_what_is_masked_is_not_heard() -> None:
    """The frames behind a mask change the targets, not the predictions: the blocks get the same embedding."""
    objective = Wav2vec2(ConformerEncoder(ENCODER), Wav2vec2Config(mask_probability=1.0), QUANTISER).eval()
    heard = []
    objective.encoder.blocks[0].register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    features, lengths = speech()
    for one in (features, 2 * features):
        objective(one, lengths, moment())
    valid = torch.arange(25) < torch.tensor([25, 16, 6])[:, None]
    assert_close(heard[0][valid], objective.embedding.expand(47, -1))
    assert torch.equal(heard[0][valid], heard[1][valid])


def test_wav2vec_predicts_from_the_past_alone() -> None:
    objective = Wav2vec(ConformerEncoder(ENCODER), Wav2vecConfig(steps=3), None)
    context: list[Tensor] = []
    objective.predictions[0].register_forward_pre_hook(lambda _, inputs: context.append(inputs[0]))
    features, lengths = torch.randn(1, 100, 20, generator=seeded()), torch.tensor([100])
    later = features.clone()
    later[:, 60:] += 1
    for one in (features, later):
        objective(one, lengths, moment())
    assert_close(context[0][:15], context[1][:15])
    assert not torch.allclose(context[0][15:], context[1][15:])


def test_vq_wav2vec_hears_codes() -> None:
    objective = Wav2vec(ConformerEncoder(ENCODER), Wav2vecConfig(), QuantiserConfig(groups=1, entries=4, dim=8))
    heard: list[Tensor] = []
    objective.encoder.blocks[0].register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    features, lengths = speech()
    _, figures = objective(features, lengths, moment())
    frames = heard[0][torch.arange(25) < torch.tensor([25, 16, 6])[:, None]].detach()
    assert 1 < len(frames.mul(1000).round().unique(dim=0)) <= 4
    assert 1 < figures["code perplexity"] <= 4


def test_the_teacher_follows_ever_more_slowly() -> None:
    objective = Data2vec(ConformerEncoder(ENCODER), Data2vecConfig(decay=(0.5, 0.9), ramp=0.2))
    for progress, kept in ((0.0, 0.5), (0.1, 0.7), (0.2, 0.9), (1.0, 0.9)):
        with torch.no_grad():
            for ours, theirs in zip(objective.teacher.parameters(), objective.encoder.parameters(), strict=True):
                ours.fill_(1.0)
                theirs.fill_(0.0)
        objective.follow(progress)
        for parameter in objective.teacher.parameters():
            assert_close(parameter, torch.full_like(parameter, kept))


def test_the_teacher_itself_does_not_learn() -> None:
    objective = Data2vec(ConformerEncoder(ENCODER), Data2vecConfig(top_layers=2))
    loss, _ = objective(*speech(), moment())
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in objective.teacher.parameters())
    assert all(parameter.grad is not None for parameter in objective.encoder.parameters())


def test_every_objective_teaches_every_parameter() -> None:
    for objective in (
        Wav2vec2(ConformerEncoder(ENCODER), Wav2vec2Config(), QUANTISER),
        Wav2vec(ConformerEncoder(ENCODER), Wav2vecConfig(), None),
        Wav2vec(ConformerEncoder(ENCODER), Wav2vecConfig(), QUANTISER),
    ):
        loss, _ = objective(*speech(), moment())
        loss.backward()  # type: ignore[no-untyped-call]
        for name, parameter in objective.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name


def test_utterances_may_be_shorter_than_what_is_predicted() -> None:
    objective = Wav2vec(ConformerEncoder(ENCODER), Wav2vecConfig(steps=12), None)
    features = torch.randn(2, 32, 20, generator=seeded(9))
    loss, _ = objective(features, torch.tensor([32, 20]), moment())
    assert loss.isfinite()


def test_a_teacher_s_average_cannot_settle_in_no_time() -> None:
    with pytest.raises(ValueError, match="ramp must be a share of the run above 0"):
        Data2vecConfig(ramp=0.0)
