"""Steerability against other formulas, and what is refused."""

import math

import numpy as np
import pytest
import torch

from course_utils import steerability
from course_utils.checks.probes.steering import make_model, tokens

STRENGTHS = torch.tensor([-1.0, 0.0, 0.5, 3.0])


def test_the_slope_is_that_of_a_fitted_line():
    differences = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    found = steerability.steerability(STRENGTHS, differences)
    fitted = np.polyfit(STRENGTHS.numpy(), differences.numpy().T, 1)[0]
    np.testing.assert_allclose(found.numpy(), fitted, rtol=1e-4)


def test_whole_number_strengths_are_strengths_too():
    found = steerability.steerability(torch.tensor([-1, 0, 1]), torch.tensor([[0.0, 2.0, 4.0]]))
    assert found.tolist() == [2.0]


@pytest.mark.parametrize(
    "strengths, shape, told",
    [([1.0, 2.0], (3, 3), "a column for each"), ([2.0, 2.0], (3, 2), "two different strengths")],
)
def test_a_slope_needs_two_strengths_and_a_column_for_each(strengths, shape, told):
    with pytest.raises(ValueError, match=told):
        steerability.steerability(torch.tensor(strengths), torch.zeros(shape))


def test_shares_by_group_leave_out_zero_nan_and_empty_groups():
    slopes = torch.tensor([-1.0, 0.0, math.nan, 2.0, -3.0, -1.0])
    groups = torch.tensor([3, 0, 0, 3, 0, 1])
    found = steerability.anti_steerable_share(slopes, groups, 4)
    assert found.tolist()[:2] == [0.5, 1.0] and math.isnan(found[2]) and found[3] == 0.5
    assert found.dtype == slopes.dtype


def test_the_interval_of_a_mean_is_near_that_of_the_normal_distribution():
    values = torch.randn(200, generator=torch.Generator().manual_seed(1))
    low, high = steerability.bootstrap_interval(values, torch.mean, n_resamples=4000)
    half = 1.96 * values.std().item() / math.sqrt(200)
    assert low == pytest.approx(values.mean().item() - half, abs=0.25 * half)
    assert high == pytest.approx(values.mean().item() + half, abs=0.25 * half)


def test_resamples_keep_rows_whole():
    rows = torch.arange(20.0)[:, None].repeat(1, 2)
    assert steerability.bootstrap_interval(rows, lambda x: (x[:, 0] - x[:, 1]).abs().sum()) == (
        0,
        0,
    )


@pytest.mark.parametrize("values, level", [(torch.zeros(0), 0.95), (torch.zeros(3), 95)])
def test_an_interval_needs_samples_and_a_level_below_1(values, level):
    with pytest.raises(ValueError, match="at least one"):
        steerability.bootstrap_interval(values, torch.mean, level)


def test_random_vectors_have_the_norm_and_the_dtype_of_the_vector():
    vector, asked = torch.tensor([3.0, 4.0, 0.0]), []
    effects, rarity = steerability.random_control(
        lambda x: asked.append(x) or x[0].item(), vector, 9, seed=2
    )
    assert all(x.norm() == pytest.approx(5.0) and x.dtype == vector.dtype for x in asked)
    as_large = sum(abs(x) >= 3.0 for x in effects.tolist())
    assert len(effects) == 9 and rarity == (1 + as_large) / 10


def test_a_vector_that_beats_them_all_is_as_rare_as_their_number_lets_it_be():
    _, rarity = steerability.random_control(lambda x: x[0].item(), torch.tensor([2.0, 0.0]), 19)
    assert rarity == 1 / 20


def test_an_even_choice_outweighs_a_certain_one():
    activations = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    probabilities = torch.tensor([[0.2, 0.2], [0.4, 0.0], [0.0, 1.0]])
    found = steerability.entropy_weighted_vector(activations, probabilities)
    torch.testing.assert_close(found, activations[0] - activations.mean(0))
    with pytest.raises(ValueError, match="certain"):
        steerability.entropy_weighted_vector(activations[1:], probabilities[1:])


@pytest.fixture
def llama():
    return make_model("llama", 0)


def attack(model, n_targets=2, a=2):
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(3, len(tokens()) - 1, (4 + 3 * n_targets,), generator=generator)
    perturbation = torch.randn(3, a, 16, generator=generator, dtype=torch.float64)
    return ids[:4], ids[4:].reshape(3, n_targets), perturbation


def test_a_small_step_goes_down_the_gradient(llama):
    context, targets, perturbation = attack(llama)
    moved, before = steerability.attack_step(llama, context, targets, perturbation, 1e-5)
    _, after = steerability.attack_step(llama, context, targets, moved, 1e-5)
    assert (after < before).all()
    torch.testing.assert_close((moved - perturbation).abs(), torch.full_like(moved, 1e-5))


def test_rows_are_attacked_apart(llama):
    context, targets, perturbation = attack(llama)
    together = steerability.attack_step(llama, context, targets, perturbation, 0.1)
    alone = steerability.attack_step(llama, context, targets[1:2], perturbation[1:2], 0.1)
    for whole, one in zip(together, alone, strict=True):
        torch.testing.assert_close(whole[1:2], one)


def test_an_attack_leaves_no_gradients_and_works_under_no_grad(llama):
    llama.requires_grad_(True)
    with torch.no_grad():
        moved, losses = steerability.attack_step(llama, *attack(llama), 0.1)
    assert all(p.grad is None for p in llama.parameters())
    assert not moved.requires_grad and not losses.requires_grad


def test_a_perturbation_longer_than_the_context_is_refused(llama):
    context, targets, perturbation = attack(llama, a=5)
    with pytest.raises(ValueError, match="5 positions"):
        steerability.attack_step(llama, context, targets, perturbation, 0.1)


def test_agreement_is_the_mean_cosine_of_different_pairs():
    assert steerability.agreement(torch.tensor([[1.0, 0.0], [2.0, 0.0]])) == pytest.approx(1.0)
    assert steerability.agreement(torch.tensor([[1.0, 0.0], [0.0, 2.0]])) == pytest.approx(0.0)
    assert math.isnan(steerability.agreement(torch.ones(1, 2)))
