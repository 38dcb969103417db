"""Sampling against sort and cumulative sum in float64, and against transformers without ties."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_utils.sampling import (
    generate,
    next_token_probabilities,
    softmax,
    top_k_filter,
    top_p_filter,
)

SHAPES = [(7,), (1, 11), (3, 40), (2, 3, 17)]
LETTERS = "abcdefg."


def random_logits(shape, dtype=torch.float64, scale=3.0):
    torch.manual_seed(sum(shape))
    return scale * torch.randn(*shape, dtype=dtype)


def nucleus(row, p):
    """Indices of the smallest set whose mass reaches p: exact sums in float64, one row."""
    weights = np.exp(row - row.max())
    probabilities = weights / weights.sum()
    order = np.argsort(-probabilities)
    size = int(np.argmax(np.cumsum(probabilities[order]) >= p)) + 1
    return set(order[:size].tolist())


def kept(row):
    return set(torch.isfinite(row).nonzero().flatten().tolist())


# softmax


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_softmax_is_the_exponential_formula(shape, temperature):
    logits = random_logits(shape)
    weights = np.exp(logits.numpy() / temperature)
    expected = weights / weights.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(softmax(logits, temperature).numpy(), expected, rtol=1e-12)


def test_softmax_of_large_logits_is_finite():
    probabilities = softmax(torch.tensor([1e4, 1e4 - 1.0, -1e4]), 1.0)
    expected = [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 0.0]
    np.testing.assert_allclose(probabilities.numpy(), expected, rtol=1e-6)


def test_softmax_at_a_tiny_temperature_is_the_largest_logit():
    assert softmax(torch.tensor([1.0, 30.0, 2.0]), 1e-38).tolist() == [0.0, 1.0, 0.0]


def test_softmax_gives_dropped_tokens_probability_zero():
    assert softmax(torch.tensor([0.0, -torch.inf, 0.0]), 0.7).tolist() == [0.5, 0.0, 0.5]


@pytest.mark.parametrize("temperature", [0, 0.0, -1.0, float("nan")])
def test_softmax_refuses_a_temperature_that_is_not_positive(temperature):
    with pytest.raises(ValueError, match="temperature is .*above 0"):
        softmax(torch.zeros(3), temperature)


# top-k


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", [1, 2, 7])
def test_top_k_keeps_the_k_largest_of_every_row(shape, k):
    logits = random_logits(shape)
    filtered = top_k_filter(logits, k)
    assert filtered.shape == logits.shape
    for row, result in zip(
        logits.reshape(-1, shape[-1]), filtered.reshape(-1, shape[-1]), strict=True
    ):
        assert kept(result) == set(np.argsort(-row.numpy())[:k].tolist())
        assert torch.equal(result[torch.isfinite(result)], row[torch.isfinite(result)])


def test_top_k_agrees_with_transformers_without_ties():
    from transformers import TopKLogitsWarper

    logits = random_logits((4, 50), dtype=torch.float32)
    assert torch.equal(top_k_filter(logits, 9), TopKLogitsWarper(9)(None, logits))


def test_top_k_of_tied_logits_keeps_k():
    assert len(kept(top_k_filter(torch.tensor([2.0, 2.0, 2.0, 1.0]), 2))) == 2


def test_top_k_beyond_the_vocabulary_changes_nothing():
    logits = random_logits((2, 5))
    assert torch.equal(top_k_filter(logits, 6), logits)


@pytest.mark.parametrize("k", [0, -1, 1.5])
def test_top_k_refuses_what_is_not_a_whole_number_of_at_least_one(k):
    with pytest.raises(ValueError, match="top_k is .*whole number of at least 1"):
        top_k_filter(torch.zeros(3), k)


# top-p


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("p", [1e-9, 0.1, 0.5, 0.9, 0.999])
def test_top_p_keeps_the_smallest_set_that_reaches_p(shape, p):
    logits = random_logits(shape)
    filtered = top_p_filter(logits, p)
    assert filtered.shape == logits.shape
    for row, result in zip(
        logits.reshape(-1, shape[-1]), filtered.reshape(-1, shape[-1]), strict=True
    ):
        assert kept(result) == nucleus(row.numpy(), p)
        assert torch.equal(result[torch.isfinite(result)], row[torch.isfinite(result)])


def test_top_p_agrees_with_transformers_without_ties():
    from transformers import TopPLogitsWarper

    logits = random_logits((4, 50), dtype=torch.float32)
    assert torch.equal(top_p_filter(logits, 0.8), TopPLogitsWarper(0.8)(None, logits))


def test_top_p_stops_at_the_token_that_reaches_p():
    logits = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64).log()
    assert kept(top_p_filter(logits, 0.5 - 1e-6)) == {1}
    assert kept(top_p_filter(logits, 0.5 + 1e-6)) == {1, 2}


def test_top_p_of_equal_logits_keeps_a_smallest_set():
    assert len(kept(top_p_filter(torch.zeros(4), 0.6))) == 3


def test_top_p_of_one_changes_nothing_even_where_sums_round_to_one():
    logits = torch.tensor([0.0, -40.0, -60.0])
    assert torch.equal(top_p_filter(logits, 1.0), logits)


def test_top_p_counts_in_float32_when_logits_are_bfloat16():
    logits = torch.zeros(1000, dtype=torch.bfloat16)
    filtered = top_p_filter(logits, 0.9005)
    assert len(kept(filtered)) == 901
    assert filtered.dtype == torch.bfloat16


@pytest.mark.parametrize("p", [0, -0.1, 1.01, float("nan")])
def test_top_p_refuses_what_is_not_above_zero_and_at_most_one(p):
    with pytest.raises(ValueError, match="top_p is .*above 0 and at most 1"):
        top_p_filter(torch.zeros(3), p)


def test_filters_leave_their_input_alone():
    logits = random_logits((2, 9))
    before = logits.clone()
    top_k_filter(logits, 2), top_p_filter(logits, 0.5), softmax(logits, 0.5)
    top_p_filter(logits, 1.0).zero_()
    assert torch.equal(logits, before)


# the order of the three


def test_top_p_counts_the_mass_that_top_k_left():
    logits = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()
    probabilities = next_token_probabilities(logits, top_k=2, top_p=0.55)
    # 0.4 of 0.7 is 0.571: one token reaches 0.55 after top-k, two would be needed before it
    np.testing.assert_allclose(probabilities, [1.0, 0.0, 0.0, 0.0], atol=1e-6)


def test_temperature_comes_before_top_p():
    logits = torch.tensor([0.6, 0.3, 0.1]).log()
    # at temperature 0.5 the probabilities are 0.36, 0.09, 0.01 over 0.46
    probabilities = next_token_probabilities(logits, temperature=0.5, top_p=0.75)
    np.testing.assert_allclose(probabilities, [1.0, 0.0, 0.0], atol=1e-6)


# generate


class LetterTokenizer:
    """One token a letter; the full stop is the end token."""

    eos_token_id = LETTERS.index(".")

    def __call__(self, text, return_tensors):
        ids = [LETTERS.index(letter) for letter in text]
        return SimpleNamespace(input_ids=torch.tensor([ids], dtype=torch.long))

    def decode(self, ids):
        return "".join(LETTERS[i] for i in ids)


class LetterModel:
    """After a letter comes the next one with logit 2, the others with logit 0."""

    device = torch.device("cpu")

    def __init__(self):
        self.inputs = []

    def __call__(self, input_ids):
        self.inputs.append(input_ids.tolist())
        following = (input_ids + 1) % len(LETTERS)
        logits = 2.0 * torch.nn.functional.one_hot(following, len(LETTERS)).float()
        return SimpleNamespace(logits=logits)


def test_generate_returns_the_continuation_and_stops_before_the_end_token():
    assert generate(LetterModel(), LetterTokenizer(), "abc", 20, top_k=1) == "defg"


def test_generate_stops_at_max_new_tokens():
    model = LetterModel()
    assert generate(model, LetterTokenizer(), "ab", 3, top_k=1) == "cde"
    assert model.inputs[-1] == [[0, 1, 2, 3]]
    assert generate(model, LetterTokenizer(), "ab", 0) == ""


def test_generate_repeats_itself_with_the_same_seed_only():
    runs = [generate(LetterModel(), LetterTokenizer(), "a", 30, seed=seed) for seed in [5, 5, 6]]
    assert runs[0] == runs[1] != runs[2]


def test_generate_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    generate(LetterModel(), LetterTokenizer(), "a", 5)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, np.exp(2) / (np.exp(2) + 7)),
        ({"temperature": 2.0}, np.exp(1) / (np.exp(1) + 7)),
        ({"top_k": 2}, np.exp(2) / (np.exp(2) + 1)),
        ({"top_p": 0.55}, np.exp(2) / (np.exp(2) + 1)),
    ],
)
def test_generate_draws_with_the_probabilities_of_its_settings(settings, expected):
    drawn = [
        generate(LetterModel(), LetterTokenizer(), "a", 1, seed=seed, **settings)
        for seed in range(2000)
    ]
    share = drawn.count("b") / len(drawn)
    assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / len(drawn))


def test_greedy_generate_agrees_with_transformers():
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(LETTERS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        initializer_range=1.0,
        bos_token_id=None,
        eos_token_id=LetterTokenizer.eos_token_id,
        pad_token_id=LetterTokenizer.eos_token_id,
    )
    model, tokenizer = Qwen2ForCausalLM(config).eval(), LetterTokenizer()
    for prompt in ["a", "bad", "cafe", "deed", "gag"]:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        continued = model.generate(ids, do_sample=False, max_new_tokens=12)[0, ids.shape[-1] :]
        expected = tokenizer.decode(continued).rstrip(".")
        assert generate(model, tokenizer, prompt, 12, top_k=1) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": ""}, "no tokens"),
        ({"max_new_tokens": -1}, "max_new_tokens is -1"),
        ({"temperature": 0}, "temperature is 0"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
    ],
)
def test_generate_refuses_bad_settings_before_the_model_runs(arguments, message):
    model = LetterModel()
    with pytest.raises(ValueError, match=message):
        generate(model, LetterTokenizer(), **({"prompt": "a", "max_new_tokens": 2} | arguments))
    assert model.inputs == []
