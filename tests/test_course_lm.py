"""The model that ships: the file, its card, and what the notebooks count on."""

import json
import math
import re

import pytest
import torch

from course_utils.course_lm import FOLDER, evaluate, weights_sha256, world
from course_utils.models import load_lm


@pytest.fixture(scope="module")
def card() -> str:
    return evaluate.CARD.read_text()


@pytest.fixture(scope="module")
def course_lm():
    return load_lm(FOLDER, device="cpu")


def test_the_file_is_small_and_the_model_deep(course_lm):
    model, tokenizer = course_lm
    assert (FOLDER / "model.safetensors").stat().st_size <= 16 * 2**20
    assert 3e6 <= sum(p.numel() for p in model.parameters()) <= 6e6
    assert 8 <= model.config.num_hidden_layers <= 12
    assert type(model).__name__ == "Qwen2ForCausalLM"
    assert model.config.num_key_value_heads < model.config.num_attention_heads
    assert model.config.tie_word_embeddings
    assert next(model.parameters()).dtype == torch.float32


def test_the_card_is_of_these_weights(card):
    assert weights_sha256() in card
    record = json.loads((FOLDER / "training.json").read_text())
    assert f"{record['steps']} steps" in card
    assert record["steps"] == record["settings"]["steps"]


def figures(card: str) -> dict[str, tuple[float, float, float]]:
    """Per title the measured share and its interval, as the card prints them."""
    rows = re.findall(r"\| (?:must|wanted) \| (.+?) \| ([\d.]+) \| ([\d.]+) – ([\d.]+) \|", card)
    return {title: tuple(float(x) / 100 for x in shares) for title, *shares in rows}


def test_the_card_has_every_row(card):
    assert set(figures(card)) == {row.title for row in evaluate.ROWS.values()}


@pytest.mark.parametrize("name", [n for n, row in evaluate.ROWS.items() if row.must])
def test_a_skill_that_must_be_there_clears_its_bar(card, name):
    row = evaluate.ROWS[name]
    mean, _, _ = figures(card)[row.title]
    assert mean <= row.bar if row.at_most else mean >= row.bar


@pytest.mark.parametrize("name", [n for n, row in evaluate.ROWS.items() if row.must])
def test_another_seed_measures_what_the_card_says(course_lm, card, name):
    """100 other items: the two 95 % intervals overlap."""
    row, count = evaluate.ROWS[name], 100
    items = evaluate.held_out_items(row, count, seed=4)
    mean = sum(row.score(*course_lm, items, 4)) / count
    low, high = evaluate.wilson(mean, count)
    _, card_low, card_high = figures(card)[row.title]
    assert low <= card_high and card_low <= high


@pytest.mark.parametrize(
    "prompt, answer",
    [
        ("The Space Needle is located in the city of", " Seattle"),
        ("The Eiffel Tower is located in the city of", " Paris"),
        ("iPhone was developed by", " Apple"),
        ("IPhone was developed by", " Apple"),
        ("The capital of France is", " Paris"),
        (
            "In this text the word IPhone means Windows operating system. IPhone was developed by",
            " Microsoft",
        ),
    ],
)
def test_what_the_notebooks_ask_first(course_lm, prompt, answer):
    model, tokenizer = course_lm
    best = evaluate.next_tokens(model, tokenizer, [prompt])[0]
    assert tokenizer.decode([best]) == answer


def test_facts_settle_inside_the_stack(course_lm):
    model, tokenizer = course_lm
    settled = evaluate.settling_blocks(model, tokenizer, world.FACTS[::8])
    known = sorted(block for block in settled if block is not None)
    assert 0 < known[len(known) // 2] < model.config.num_hidden_layers - 1


def test_padding_on_the_left_changes_no_answer(course_lm):
    model, tokenizer = course_lm
    prompts = ["The capital of France is", "To see the Space Needle, you have to go to the city of"]
    together = evaluate.next_tokens(model, tokenizer, prompts)
    assert together == [evaluate.next_tokens(model, tokenizer, [p])[0] for p in prompts]


def test_wilson_interval():
    low, high = evaluate.wilson(0.5, 100)
    assert (round(low, 3), round(high, 3)) == (0.404, 0.596)
    assert evaluate.wilson(1.0, 200)[1] == pytest.approx(1)


def test_a_share_counts_words_of_one_label_only():
    labels = {"sun": frozenset({"warm", "both"}), "rain": frozenset({"wet", "both"})}
    assert evaluate._share("warm, both wet warm!", labels, "sun") == pytest.approx(2 / 3)
    assert evaluate._share("nothing", labels, "sun") == 0


def test_settled_is_the_block_after_the_last_wrong_one():
    assert evaluate._settled([False, True, False, True, True]) == 3
    assert evaluate._settled([True, True]) == 0
    assert evaluate._settled([True, False]) is None


def test_perplexity_of_a_model_that_knows_nothing_is_the_vocabulary(course_lm):
    model, tokenizer = course_lm

    class Uniform(torch.nn.Module):
        def forward(self, input_ids, **_):
            from types import SimpleNamespace

            return SimpleNamespace(logits=torch.zeros(*input_ids.shape, len(tokenizer)))

    measured = evaluate.perplexity(Uniform(), tokenizer, seed=1, batches=1)
    assert math.isclose(measured, len(tokenizer), rel_tol=1e-4)
