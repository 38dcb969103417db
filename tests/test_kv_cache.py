"""Caches against attention over whole sequences, and token for token against transformers."""

import pytest
import torch
import transformers
from torch.nn import functional as F
from transformers import Cache

from course_utils.kv_cache import (
    GroupedCache,
    HeavyHitterCache,
    PagedCache,
    PagedLayer,
    PreallocatedCache,
    ScaledDotProductAttentionWithCache,
    SinkCache,
    attention,
    cache_bytes,
    causal_mask,
    generate,
)
from course_utils.models import load_lm

NEW = 12


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_attention_is_pytorchs():
    q, k, v = normal(2, 3, 4, 5), normal(2, 3, 6, 5), normal(2, 3, 6, 5)
    allowed = causal_mask(4, 6)
    for mask in (None, allowed, torch.zeros(4, 6).masked_fill(~allowed, -torch.inf)):
        output, weights = attention(q, k, v, mask)
        expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        torch.testing.assert_close(output, expected)
        torch.testing.assert_close(weights @ v, expected)


def test_causal_mask_lets_a_token_see_itself_and_the_past():
    assert causal_mask(2, 5).int().tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]
    with pytest.raises(ValueError, match="5 new tokens among 3"):
        causal_mask(5, 3)


@pytest.mark.parametrize("cut", [[9], [4, 1, 4], [1] * 9, [2, 3, 4]])
def test_a_cut_sequence_is_the_whole_sequence(cut):
    layer, x = ScaledDotProductAttentionWithCache(12, 3), normal(2, 9, 12)
    whole, _ = layer(x, is_causal=True)
    parts = [layer(part, is_causal=True, use_cache=True)[0] for part in x.split(cut, dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)
    assert layer.get_cache_size() == 9
    assert set(layer.state_dict()) == {f"{name}.weight" for name in ("W_q", "W_k", "W_v", "W_o")}


def test_another_batch_is_refused_and_the_cache_stays():
    layer = ScaledDotProductAttentionWithCache(12, 3)
    layer(normal(2, 3, 12), use_cache=True)
    keys = layer.keys.clone()
    with pytest.raises(ValueError, match="A batch of 1 for a cache of 2"):
        layer(normal(1, 3, 12), use_cache=True)
    assert torch.equal(layer.keys, keys)


def test_width_must_be_a_multiple_of_the_heads():
    with pytest.raises(ValueError, match="no multiple of 5"):
        ScaledDotProductAttentionWithCache(12, 5)


# In transformers


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    llama = transformers.LlamaConfig(
        vocab_size=101,
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        initializer_range=0.5,
    )
    gpt2 = transformers.GPT2Config(
        vocab_size=101, n_embd=24, n_layer=2, n_head=3, n_positions=64, initializer_range=0.5
    )
    random = [transformers.AutoModelForCausalLM.from_config(c).eval() for c in (llama, gpt2)]
    return {"course-lm": load_lm()[0], "llama": random[0], "gpt2": random[1]}


def pool(config):
    heads = getattr(config, "num_key_value_heads", config.num_attention_heads)
    return PagedCache(16, heads, config.hidden_size // config.num_attention_heads, block_size=4)


LAYERS = {
    "grouped": lambda config: GroupedCache(),
    "preallocated": lambda config: PreallocatedCache(32),
    "paged": lambda config: PagedLayer(pool(config)),
    "sinks with room for all": lambda config: SinkCache(2, 32),
    "heavy hitters with room for all": lambda config: HeavyHitterCache(32, 4),
}


def cache_of(model, layer):
    return Cache(layers=[layer(model.config) for _ in range(model.config.num_hidden_layers)])


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("name", ["course-lm", "llama", "gpt2"])
def test_tokens_are_those_of_transformers(models, name, layer):
    model = models[name]
    ids = torch.randint(5, 100, (2, 7), generator=torch.Generator().manual_seed(1))
    expected = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=NEW,
        do_sample=False,
        eos_token_id=10**6,
        pad_token_id=0,
    )
    assert torch.equal(generate(model, ids, NEW, cache_of(model, layer)), expected[:, 7:])


def test_a_chunk_over_the_cache_is_the_whole_sequence(models):
    model, ids = models["course-lm"], torch.arange(5, 19)[None]
    cache = cache_of(model, LAYERS["grouped"])
    chunks = [model(part, past_key_values=cache).logits for part in ids.split([5, 1, 4, 4], dim=1)]
    torch.testing.assert_close(torch.cat(chunks, dim=1), model(ids).logits, atol=1e-3, rtol=1e-3)


def test_attend_is_pytorchs_grouped_attention():
    layer = GroupedCache()
    layer.update(normal(2, 2, 5, 4), normal(2, 2, 5, 4) + 1)
    q = normal(2, 6, 3, 4)
    expected = F.scaled_dot_product_attention(
        q, layer.keys, layer.values, causal_mask(3, 5), enable_gqa=True
    )
    torch.testing.assert_close(layer.attend(q), expected)


def test_a_window_is_a_mask_over_everything(models):
    """Decoding over sinks and a window is attention with the other columns masked."""
    layer, states, everything = SinkCache(2, 3), normal(1, 2, 12, 4), []
    for position in range(12):
        new = states[:, :, position : position + 1]
        keys, _ = layer.update(new, new)
        everything.append(keys[0, 0, :, 0].tolist())
        seen = [i for i in range(position) if i < 2 or i >= position - 3] + [position]
        assert everything[-1] == states[0, 0, seen, 0].tolist()
    assert (layer.kept, layer.seen) == (5, 12)
    assert layer.get_mask_sizes(1) == (6, 7)


def test_heavy_hitters_keep_what_was_attended_to():
    layer = HeavyHitterCache(budget=3, recent=1)
    states = torch.arange(6.0).view(1, 1, 6, 1)
    layer.update(states, states)
    weights = torch.tensor([0.1, 0.5, 0.0, 0.3, 0.1, 0.0]).expand(1, 2, 1, 6)
    layer.observe(weights)
    assert layer.keys.flatten().tolist() == [1, 3, 5]
    new = torch.tensor(9.0).view(1, 1, 1, 1)
    layer.update(new, new)
    layer.observe(torch.tensor([0.0, 0.9, 0.1, 0.0]).expand(1, 2, 1, 4))
    assert layer.keys.flatten().tolist() == [1, 3, 9]
    with pytest.raises(ValueError, match="0 recent tokens of 3"):
        HeavyHitterCache(3, 0)


def test_a_full_cache_refuses():
    layer = PreallocatedCache(4)
    layer.update(normal(1, 1, 3, 2), normal(1, 1, 3, 2))
    with pytest.raises(ValueError, match="5 tokens for a cache of 4"):
        layer.update(normal(1, 1, 2, 2), normal(1, 1, 2, 2))
    assert layer.get_seq_length() == 3
    layer.reset()
    assert layer.nbytes == layer.seen == 0


# Pages


def test_pages_give_back_what_was_appended_however_sequences_fork():
    generator = torch.Generator().manual_seed(0)
    pages, expected = PagedCache(256, 2, 3, block_size=4), {}
    expected[pages.allocate()] = torch.zeros(2, 0, 3)
    for step in range(120):
        names = sorted(expected)
        name = names[int(torch.randint(len(names), (), generator=generator))]
        if step % 5 == 0:
            expected[pages.fork(name)] = expected[name]
        elif step % 7 == 0 and len(names) > 3:
            pages.free(name)
            del expected[name]
        else:
            new = torch.randn(2, step % 4, 3, generator=generator)
            pages.append(name, new, new + 1)
            expected[name] = torch.cat([expected[name], new], dim=1)
        for other, states in expected.items():
            k, v = pages.gather(other)
            assert torch.equal(k, states) and torch.equal(v, states + 1)
    for name in expected:
        pages.free(name)
    assert pages.n_free_blocks() == 256
    assert sorted(pages.unused) == list(range(256)) and not any(pages.owners)


def test_too_few_blocks_change_nothing():
    pages = PagedCache(3, 1, 2, block_size=4)
    first = pages.allocate()
    pages.append(first, normal(1, 6, 2), normal(1, 6, 2))
    second = pages.fork(first)
    before = pages.gather(second)[0].clone()
    with pytest.raises(MemoryError, match="2 blocks are needed and 1 are free"):
        pages.append(second, normal(1, 3, 2), normal(1, 3, 2))
    assert torch.equal(pages.gather(second)[0], before)
    assert pages.n_free_blocks() == 1 and pages.owners == [0, 2, 2]


# Memory


@pytest.mark.parametrize("length", [1, 9])
def test_bytes_are_those_of_the_tensors(length):
    layer = GroupedCache()
    layer.update(normal(2, 3, length, 5), normal(2, 3, length, 5))
    assert layer.nbytes == cache_bytes([length, length], 1, 3, 5, bytes_per_value=4)


def test_bytes_of_blocks():
    pages = PagedCache(8, 3, 5, block_size=4)
    for length in (1, 4, 9):
        name = pages.allocate()
        pages.append(name, normal(3, length, 5), normal(3, length, 5))
    used = (8 - pages.n_free_blocks()) * 2 * pages.keys[0].nbytes
    assert used == cache_bytes([1, 4, 9], 1, 3, 5, bytes_per_value=4, block_size=4)
