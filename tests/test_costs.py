"""What the parts of a model cost: published totals, numbers counted by hand, models that run."""

import copy

import pytest
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from course_utils.anatomy import (
    PARTS,
    attention_heads,
    count_parameters,
    flops_per_token,
    kv_cache_bytes,
    layer_windows,
    masking,
)
from course_utils.models import load_config
from course_utils.published import PUBLISHED, published

TOTALS = {
    "gemma-3-1b-it": 999_885_952,
    "Qwen2.5-3B": 3_085_938_688,
    "Qwen2.5-0.5B": 494_032_768,
    "Llama-3.2-1B": 1_235_814_400,
    "gpt2": 124_439_808,
}
NO_TOKENS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
SMALL = NO_TOKENS | {
    "vocab_size": 31,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "initializer_range": 0.4,
}
GATED = SMALL | {"intermediate_size": 24, "num_key_value_heads": 2}
LOCAL = ["sliding_attention", "full_attention", "sliding_attention", "sliding_attention"]
CONFIGS = {
    "qwen2": transformers.Qwen2Config(**GATED, tie_word_embeddings=True),
    "llama": transformers.LlamaConfig(**GATED, head_dim=6, attention_bias=True),
    "gpt2": transformers.GPT2Config(**SMALL, n_positions=64),
    "gemma3": transformers.Gemma3TextConfig(
        **GATED, head_dim=6, sliding_window=8, layer_types=LOCAL
    ),
}


def skeleton(config):
    with torch.device("meta"):
        return transformers.AutoModelForCausalLM.from_config(copy.deepcopy(config))


def running(name, attention="eager"):
    torch.manual_seed(0)
    config = copy.deepcopy(CONFIGS[name])
    return transformers.AutoModelForCausalLM.from_config(
        config, attn_implementation=attention
    ).eval()


# parameters


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_totals_are_reproduced_to_the_parameter(name):
    model = skeleton(published(name))
    assert model.num_parameters() == TOTALS[name]
    assert sum(count_parameters(model).values()) == TOTALS[name]


def test_the_parts_of_llama_by_hand():
    counts = count_parameters(skeleton(published("Llama-3.2-1B")))
    assert counts == {
        "embedding": 128_256 * 2048,
        "attention": 16 * (2 * 2048 * 2048 + 2 * 2048 * 512),
        "ffn": 16 * 3 * 2048 * 8192,
        "norm": (16 * 2 + 1) * 2048,
        "unembedding": 0,
    }


def test_the_parts_of_gpt2_by_hand():
    counts = count_parameters(skeleton(published("gpt2", tie_word_embeddings=False)))
    assert counts == {
        "embedding": (50_257 + 1024) * 768,
        "attention": 12 * (4 * 768 * 768 + 4 * 768),
        "ffn": 12 * (8 * 768 * 768 + 5 * 768),
        "norm": (12 * 2 + 1) * 2 * 768,
        "unembedding": 50_257 * 768,
    }


@pytest.mark.parametrize(
    "config",
    [
        transformers.OPTConfig(
            **SMALL, ffn_dim=24, word_embed_proj_dim=8, do_layer_norm_before=False
        ),
        transformers.GPTNeoXConfig(**SMALL, intermediate_size=24),
        transformers.BloomConfig(vocab_size=31, hidden_size=16, n_layer=2, n_head=2),
        transformers.Qwen3Config(**GATED),
        transformers.MixtralConfig(**GATED, num_local_experts=2),
    ],
    ids=lambda config: config.model_type,
)
def test_the_parts_of_any_decoder_add_up(config):
    model = skeleton(config)
    counts = count_parameters(model)
    assert tuple(counts) == PARTS
    assert sum(counts.values()) == sum(p.numel() for p in model.parameters())
    assert min(counts[part] for part in PARTS[:4]) > 0


# the KV cache


@pytest.mark.parametrize(
    ("name", "length", "expected"),
    [
        ("gpt2", 1, 36_864),
        ("Qwen2.5-3B", 1, 36_864),
        ("Qwen2.5-0.5B", 1, 12_288),
        ("Llama-3.2-1B", 1, 32_768),
        ("gemma-3-1b-it", 1, 26_624),
        ("gemma-3-1b-it", 32_768, 1024 * (22 * 512 + 4 * 32_768)),
    ],
)
def test_bytes_by_hand(name, length, expected):
    config = published(name)
    assert kv_cache_bytes(config, 1, length) == expected
    assert kv_cache_bytes(config, 3, length, bytes_per_value=4) == 6 * expected


@torch.no_grad()
@pytest.mark.parametrize("name", CONFIGS)
def test_bytes_are_those_of_a_cache_that_was_filled(name):
    """A static cache keeps a window of exactly so many tokens."""
    model, length = running(name), 13
    cache = transformers.StaticCache(config=model.config, max_cache_len=length)
    model(torch.arange(2 * length).view(2, length), past_key_values=cache)
    tensors = [x for layer in cache.layers for x in (layer.keys, layer.values)]
    weighed = sum(x.numel() * x.element_size() for x in tensors)
    assert kv_cache_bytes(model.config, 2, length, bytes_per_value=4) == weighed


def test_layers_are_local_or_global():
    assert layer_windows(CONFIGS["gemma3"]) == [8, None, 8, 8]
    assert layer_windows(CONFIGS["llama"]) == [None] * 4
    assert layer_windows(published("gemma-3-1b-it")).count(None) == 4
    assert attention_heads(published("gemma-3-1b-it")) == (4, 1, 256)


def test_other_layers_are_refused_by_name():
    config = copy.deepcopy(CONFIGS["gemma3"])
    config.layer_types = ["linear_attention"] * 4
    with pytest.raises(ValueError, match="linear_attention.*choose a model"):
        kv_cache_bytes(config, 1, 1)


@pytest.mark.parametrize("arguments", [(-1, 1), (1, -1), (1, 1, -2)])
def test_negative_numbers_are_refused(arguments):
    with pytest.raises(ValueError, match="is -[12]: give 0 or more"):
        kv_cache_bytes(CONFIGS["llama"], *arguments)


# operations


def counted(model, ids, cache=None):
    """FLOPs in all but the rotary embedding's angles."""
    with FlopCounterMode(display=False) as counter:
        model(ids, past_key_values=cache)
    found = counter.get_flop_counts()
    rotary = sum(sum(found[path].values()) for path in found if "rotary_emb" in path)
    return counter.get_total_flops() - rotary


@torch.no_grad()
@pytest.mark.parametrize("name", ["qwen2", "llama", "gpt2"])
def test_flops_are_those_that_pytorch_counts(name):
    model, length = running(name), 12
    ids = torch.arange(length)[None]
    assert counted(model, ids) == length * flops_per_token(model, length)
    cache = model(ids[:, :-1], use_cache=True).past_key_values
    assert counted(model, ids[:, -1:], cache) == flops_per_token(model, length)


@torch.no_grad()
def test_a_local_layer_attends_to_its_window_in_decoding():
    model, length = running("gemma3"), 20
    ids = torch.arange(length)[None]
    cache = model(ids[:, :-1], use_cache=True).past_key_values
    assert counted(model, ids[:, -1:], cache) == flops_per_token(model, length)


def test_flops_refuse_what_they_cannot_count():
    with pytest.raises(ValueError, match="length is 0: give at least 1"):
        flops_per_token(skeleton(CONFIGS["llama"]), 0)
    experts = skeleton(transformers.MixtralConfig(**GATED, num_local_experts=2))
    with pytest.raises(ValueError, match="MixtralForCausalLM.*dense"):
        flops_per_token(experts, 1)


# masks


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("name", CONFIGS)
def test_transformers_adds_its_masks(name, attention):
    assert masking(running(name, attention)) == "additive"


def test_a_model_that_multiplies_is_found_out():
    def multiply(module, query, key, value, attention_mask, scaling, **kwargs):
        key, value = (x.repeat_interleave(2, dim=1) for x in (key, value))
        weights = (query @ key.transpose(2, 3) * scaling).softmax(-1) * attention_mask
        weights = weights / weights.sum(-1, keepdim=True)
        return (weights @ value).transpose(1, 2), weights

    transformers.AttentionInterface.register("test_multiply", multiply)
    assert masking(running("llama", "test_multiply")) == "multiplicative"


# configurations


def test_a_name_that_is_not_written_down_is_refused():
    with pytest.raises(ValueError, match="'gpt3'.*choose gpt2"):
        published("gpt3")


def test_sizes_can_be_changed():
    assert published("gpt2", num_hidden_layers=2).num_hidden_layers == 2
    assert published("gpt2").num_hidden_layers == 12


def test_the_bundled_configuration_is_read_without_weights():
    config = load_config()
    assert config.model_type == "qwen2"
    assert sum(count_parameters(skeleton(config)).values()) > 1_000_000
