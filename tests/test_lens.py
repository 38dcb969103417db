"""The lens against transformers' hidden states and PyTorch's own distributions."""

import weakref

import pytest
import torch
import transformers
from torch import nn
from torch.distributions import Categorical, kl_divergence
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_utils import lens
from course_utils.anatomy import anatomy
from course_utils.lens import (
    EMBEDDING,
    TunedLens,
    document_states,
    first_leading_block,
    kl_to_final,
    logit_lens,
    mean_kl,
    read,
    residual_streams,
    train_tuned_lens,
)
from course_utils.models import load_lm

SMALL = {
    "vocab_size": 37,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "bos_token_id": 0,
    "eos_token_id": None,
    "pad_token_id": 0,
}
GATED = SMALL | {"intermediate_size": 24, "num_key_value_heads": 2}
GEMMA = GATED | {"head_dim": 4, "sliding_window": 3}
OPT = SMALL | {"ffn_dim": 24, "max_position_embeddings": 32, "dropout": 0.0}
CONFIGS = {
    "qwen2": transformers.Qwen2Config(**GATED, tie_word_embeddings=True),
    "llama": transformers.LlamaConfig(**GATED),
    "gpt2": transformers.GPT2Config(**SMALL, n_positions=32),
    "gpt-neox": transformers.GPTNeoXConfig(**SMALL, intermediate_size=24),
    "gemma2": transformers.Gemma2Config(**GEMMA, final_logit_softcapping=1.5),
    "gemma3": transformers.Gemma3TextConfig(**GEMMA),
    "opt": transformers.OPTConfig(**OPT, word_embed_proj_dim=16),
    "opt-350m": transformers.OPTConfig(**OPT, word_embed_proj_dim=8, do_layer_norm_before=False),
}
BATCH, LENGTH, N_BLOCKS = 2, 7, 3


def random_model(name: str) -> nn.Module:
    """Every parameter matters, the weights of norms too."""
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(CONFIGS[name]).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * (1.0 if parameter.dim() == 1 else 0.5))
    return model.requires_grad_(False)


@pytest.fixture(params=CONFIGS)
def any_model(request):
    return random_model(request.param)


@pytest.fixture
def model():
    return random_model("llama")


@pytest.fixture
def ids():
    return torch.randint(1, 37, (BATCH, LENGTH), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def course_lm():
    return load_lm()


def same(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)


def hooks_of(model):
    return [
        hook
        for module in model.modules()
        for hooks in (module._forward_hooks, module._forward_pre_hooks)
        for hook in hooks.values()
    ]


# Streams


def test_streams_are_the_hidden_states_and_end_in_the_models_logits(any_model, ids):
    output = any_model(ids, output_hidden_states=True)
    streams = residual_streams(any_model, ids)
    assert list(streams) == [EMBEDDING, 0, 1, 2]
    for stream, entry in zip(list(streams.values())[:-1], output.hidden_states, strict=False):
        same(stream, entry)
    same(anatomy(any_model).unembed(streams[N_BLOCKS - 1]), output.logits)


def test_padding_on_the_right_changes_nothing(any_model, ids):
    padded = torch.cat([ids, torch.zeros(BATCH, 3, dtype=torch.long)], dim=1)
    longer = residual_streams(any_model, padded)
    for layer, stream in residual_streams(any_model, ids).items():
        torch.testing.assert_close(longer[layer][:, :LENGTH], stream, rtol=1e-4, atol=1e-4)


class Interrupt(BaseException):
    """Ends a pass as Ctrl-C does."""


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt, Interrupt])
def test_the_model_keeps_exactly_its_hooks(any_model, ids, error):
    any_model(ids, output_hidden_states=True)  # transformers installs its own
    blocks = anatomy(any_model).blocks
    for block in blocks:
        block.register_forward_hook(lambda module, args, output: None)
        block.register_forward_pre_hook(lambda module, args: None)

    def fail(*args):
        raise error

    if error:
        blocks[1].register_forward_pre_hook(fail)
    before = hooks_of(any_model)
    if error:
        with pytest.raises(error):
            residual_streams(any_model, ids)
    else:
        residual_streams(any_model, ids)
    assert hooks_of(any_model) == before


# Reading


def test_a_reading_is_what_pytorch_says(any_model, ids, monkeypatch):
    monkeypatch.setattr(lens, "CHUNK", 5)  # 14 rows: two whole chunks and a part
    streams = residual_streams(any_model, ids)
    targets = ids.roll(1)
    reading = read(any_model, streams, 4, ["kl", "entropy"], targets)
    logits = torch.stack([anatomy(any_model).unembed(x) for x in streams.values()])
    distributions = Categorical(logits=logits)
    final = Categorical(logits=any_model(ids).logits.expand_as(logits))
    assert reading.layers == [EMBEDDING, 0, 1, 2]
    same(reading.top_logits, logits.sort(descending=True).values[..., :4])
    same(logits.gather(-1, reading.top_ids), reading.top_logits)
    same(reading.kl, kl_divergence(final, distributions))
    same(reading.entropy, distributions.entropy())
    order = logits.argsort(descending=True)
    same(reading.rank, (order == targets[..., None]).int().argmax(-1))


@pytest.mark.parametrize("rows", [(), (3,), (2, 2, 3)])
def test_rows_of_any_shape(model, rows):
    states = {i: torch.randn(*rows, 16, dtype=torch.float64) for i in range(3)}
    targets = torch.zeros(rows, dtype=torch.long)
    reading = read(model, states, 2, ["kl"], targets)
    assert reading.top_ids.shape == (3, *rows, 2)
    assert reading.kl.shape == reading.rank.shape == (3, *rows)
    assert reading.entropy is None


def test_half_precision_is_read_in_float32(model, ids):
    reading = read(model.bfloat16(), residual_streams(model, ids), 2, ["kl"])
    assert reading.top_logits.dtype == reading.kl.dtype == torch.float32


class Largest(TorchDispatchMode):
    """The largest number of elements that any operation gave."""

    elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        sizes = [x.numel() for x in tree_leaves(result) if isinstance(x, torch.Tensor)]
        self.elements = max(self.elements, *sizes, 0)
        return result


def test_no_more_than_a_chunk_of_logits_is_held(monkeypatch):
    monkeypatch.setattr(lens, "CHUNK", 30)
    config = transformers.LlamaConfig(**GATED | {"vocab_size": 2003})
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    ids = torch.randint(1, 37, (8, 10), generator=torch.Generator().manual_seed(2))
    with Largest() as largest:
        read(model, residual_streams(model, ids), 3, ["kl", "entropy"], ids)
    assert largest.elements == 30 * 2003


def test_the_logits_of_a_layer_are_gone_before_the_next_ones():
    made = []

    def unembed(x):
        assert all(reference() is None for reference in made)
        logits = torch.randn(len(x), 11)
        made.append(weakref.ref(logits))
        return logits

    lens._read_chunk(unembed, [torch.zeros(2, 4)] * 3, 2, ["entropy"], None)
    assert len(made) == 3


def test_no_entropy_is_below_zero():
    logits = torch.cat([torch.eye(9) * scale for scale in (20, 30, 50, 90, 200)])
    reading = lens._read_chunk(lambda x: logits, [logits], 1, ["entropy"], None)
    assert (reading["entropy"] >= 0).all()
    assert "-" not in "".join(f"{x:.1f}" for x in reading["entropy"].flatten())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"top_k": 0}, "top_k is 0: give 1 to 37"),
        ({"top_k": 38}, "top_k is 38"),
        ({"measures": ["k1"]}, "Unknown measure k1"),
        ({"targets": torch.zeros(3, dtype=torch.long)}, r"shape \[3\] for states of \[2, 7\]"),
    ],
)
def test_a_wrong_request_is_refused(model, ids, changed, message):
    with pytest.raises(ValueError, match=message):
        read(model, residual_streams(model, ids), **changed)


def test_a_model_in_training_mode_is_refused(model, ids):
    with pytest.raises(ValueError, match="training mode"):
        residual_streams(model.train(), ids)


# For one text


def test_logit_lens_ends_in_the_models_own_answer(course_lm):
    model, tokenizer = course_lm
    text = "The Space Needle is located in the city of"
    rows = logit_lens(model, tokenizer, text, top_k=3)
    assert [row["layer"] for row in rows] == [EMBEDDING, *range(8)]
    top = model(tokenizer(text, return_tensors="pt").input_ids).logits[0, -1].topk(3)
    torch.testing.assert_close(rows[-1]["top_token_logits"], top.values, rtol=1e-4, atol=1e-4)
    assert rows[-1]["top_tokens"] == [tokenizer.decode(i) for i in top.indices]


class Words:
    """A tokenizer of letters."""

    def __call__(self, text, return_tensors):
        ids = torch.tensor([[1 + ord(letter) % 36 for letter in text]])
        return transformers.BatchEncoding({"input_ids": ids})

    def decode(self, token):
        return f"<{token}>"


def test_logit_lens_on_every_architecture(any_model):
    rows = logit_lens(any_model, Words(), "hello", top_k=3)
    output = any_model(Words()("hello", "pt").input_ids, output_hidden_states=True)
    states = [anatomy(any_model).unembed(x[0, -1]) for x in output.hidden_states[:-1]]
    assert [row["layer"] for row in rows] == [EMBEDDING, 0, 1, 2]
    for row, logits in zip(rows, [*states, output.logits[0, -1]], strict=True):
        top = logits.topk(3)
        torch.testing.assert_close(row["top_token_logits"], top.values.float())
        assert row["top_tokens"] == [f"<{i}>" for i in top.indices.tolist()]


def test_a_wrong_top_k_is_refused_before_the_model_runs(model):
    model.register_forward_pre_hook(lambda *_: pytest.fail("it ran"))
    model.model.register_forward_pre_hook(lambda *_: pytest.fail("it ran"))
    with pytest.raises(ValueError, match="top_k is 38: give 1 to 37"):
        logit_lens(model, Words(), "hello", top_k=38)


def test_logit_lens_refuses_an_empty_text(course_lm):
    with pytest.raises(ValueError, match="no tokens"):
        logit_lens(*course_lm, "")


# Over the layers


def test_first_leading_block_by_definition():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 200, 3, generator=generator)
    answers = torch.randint(3, (200,), generator=generator)
    blocks = first_leading_block(logits, answers).tolist()
    for row, block in enumerate(blocks):
        leads = (logits[:, row].argmax(-1) == answers[row]).tolist()
        assert all(leads[block:])
        assert block == 0 or not leads[block - 1]
    assert {0, 5} <= set(blocks)


def test_kl_to_final_is_pytorchs_and_finite():
    logits = torch.randn(4, 2, 3, 11, dtype=torch.float64)
    final = Categorical(logits=logits[-1].expand_as(logits))
    same(kl_to_final(logits), kl_divergence(final, Categorical(logits=logits)))
    large = kl_to_final(500 * logits.float())
    assert large.isfinite().all()
    assert (large[-1] == 0).all()


# Tuned lens


def test_an_untrained_tuned_lens_is_the_plain_one(model, ids):
    streams = residual_streams(model, ids)
    tuned = TunedLens(list(streams)[:-1], 16).double()
    for layer, stream in tuned(streams).items():
        same(stream, streams[layer])


def test_a_lens_of_other_layers_is_refused(model, ids):
    streams = residual_streams(model, ids)
    with pytest.raises(ValueError, match="the lens translates 0, 1 and takes one more"):
        TunedLens([0, 1], 16)(streams)


TEXTS = ["The Space Needle is located in the city of Seattle.", "IPhone", "2 + 2"]


def test_document_states_are_those_of_each_document_alone(course_lm):
    model, tokenizer = course_lm
    states = document_states(model, tokenizer, TEXTS, length=6, batch_size=2)
    alone = [
        residual_streams(model, tokenizer(text, return_tensors="pt").input_ids[:, :6])
        for text in TEXTS
    ]
    for layer, rows in states.items():
        expected = torch.cat([streams[layer][0] for streams in alone])
        torch.testing.assert_close(rows, expected, rtol=1e-3, atol=1e-3)


def test_no_documents_are_refused(course_lm):
    with pytest.raises(ValueError, match="no documents"):
        document_states(*course_lm, [])


@pytest.fixture(scope="module")
def trained(course_lm):
    from course_utils.course_lm.corpus import texts

    model, tokenizer = course_lm
    train, held_out = (
        document_states(model, tokenizer, list(texts(seed, 24)), length=32) for seed in (1, 2)
    )
    layers = (1, 4, 7)  # the last one is the final distribution
    train, held_out = ({i: states[i] for i in layers} for states in (train, held_out))
    return train, held_out, train_tuned_lens(model, train, steps=30, learning_rate=3e-3)


def test_training_lowers_the_held_out_kl(course_lm, trained):
    model, _ = course_lm
    _, held_out, tuned = trained
    plain, translated = mean_kl(model, held_out), mean_kl(model, tuned(held_out))
    assert translated[1] < plain[1]
    assert translated[4] < plain[4]
    assert plain[7] == translated[7] == pytest.approx(0, abs=1e-4)


def test_training_is_seeded_and_leaves_the_random_state(course_lm, trained):
    train, _, tuned = trained
    before = torch.get_rng_state()
    again = train_tuned_lens(course_lm[0], train, steps=30, learning_rate=3e-3)
    assert torch.equal(torch.get_rng_state(), before)
    for one, other in zip(tuned.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_training_holds_the_logits_of_one_batch_and_layer():
    config = transformers.LlamaConfig(**GATED | {"vocab_size": 2003})
    model = transformers.AutoModelForCausalLM.from_config(config).eval().requires_grad_(False)
    states = {layer: torch.randn(90, 16) for layer in (0, 1, 2)}
    with Largest() as largest:
        train_tuned_lens(model, states, steps=2, batch_size=20)
    assert largest.elements == 20 * 2003


def test_training_beside_a_model_that_is_not_frozen_is_refused(model):
    states = {layer: torch.randn(4, 16, dtype=torch.float64) for layer in (0, 1)}
    with pytest.raises(ValueError, match=r"requires_grad_\(False\)"):
        train_tuned_lens(model.requires_grad_(True), states, steps=1)


def test_half_precision_is_trained_saved_and_loaded_as_such(model, ids, tmp_path):
    model = model.bfloat16()
    streams = residual_streams(model, ids)
    states = {layer: x.flatten(0, 1) for layer, x in streams.items()}
    tuned = train_tuned_lens(model, states, steps=2, batch_size=4)
    tuned.save(tmp_path / "lens.safetensors")
    loaded = TunedLens.load(tmp_path / "lens.safetensors")
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for layer, x in loaded(states).items():
        assert torch.equal(x, tuned(states)[layer])


def test_a_saved_lens_is_the_same_when_loaded(trained, tmp_path):
    _, held_out, tuned = trained
    tuned.save(tmp_path / "lens.safetensors")
    loaded = TunedLens.load(tmp_path / "lens.safetensors")
    for layer, states in tuned(held_out).items():
        assert torch.equal(loaded(held_out)[layer], states)


def test_layers_are_loaded_in_order(tmp_path):
    layers = [EMBEDDING, *range(12)]
    TunedLens(layers, 4).save(tmp_path / "lens.safetensors")
    loaded = TunedLens.load(tmp_path / "lens.safetensors")
    assert list(loaded.translators) == [str(layer) for layer in layers]


BIAS, WEIGHT = "translators.0.change.bias", "translators.0.change.weight"
FOREIGN = {
    "other names": {"weight": torch.zeros(2)},
    "a bias elsewhere": {"norm.bias": torch.zeros(2)},
    "another layer": {"translators.x.change.bias": torch.zeros(2)},
    "no weight": {BIAS: torch.zeros(2)},
    "another shape": {BIAS: torch.zeros(2), WEIGHT: torch.zeros(3, 2)},
    "a number": {BIAS: torch.tensor(1.0), WEIGHT: torch.zeros(1, 1)},
    "more": {BIAS: torch.zeros(2), WEIGHT: torch.zeros(2, 2), "weight": torch.zeros(2)},
}


@pytest.mark.parametrize("content", [*FOREIGN, "text"])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    path.write_text("no tensors") if content == "text" else save_file(FOREIGN[content], path)
    with pytest.raises(ValueError, match="holds no tuned lens"):
        TunedLens.load(path)
