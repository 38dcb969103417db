"""The parts that `anatomy` finds, put together by hand, against each model's own forward pass."""

import copy

import pytest
import torch
import transformers
from torch import nn

from course_utils.anatomy import UnknownArchitecture, anatomy

SMALL = {"vocab_size": 31, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 4}
GATED = SMALL | {"intermediate_size": 24, "num_key_value_heads": 2}
GEMMA = GATED | {"head_dim": 4, "sliding_window": 4, "pad_token_id": 0}
OPT = SMALL | {"ffn_dim": 24, "max_position_embeddings": 32, "dropout": 0.0}

CONFIGS = {
    "qwen2": transformers.Qwen2Config(**GATED, tie_word_embeddings=True),
    "llama": transformers.LlamaConfig(**GATED),
    "gpt2": transformers.GPT2Config(**SMALL, n_positions=32),
    "gpt-neox": transformers.GPTNeoXConfig(**SMALL, intermediate_size=24),
    "gpt-neox-sequential": transformers.GPTNeoXConfig(
        **SMALL, intermediate_size=24, use_parallel_residual=False
    ),
    "gemma2": transformers.Gemma2Config(**GEMMA, final_logit_softcapping=1.5),
    "gemma3": transformers.Gemma3TextConfig(**GEMMA),
    "gemma3-softcap": transformers.Gemma3TextConfig(**GEMMA, final_logit_softcapping=1.5),
    "opt": transformers.OPTConfig(**OPT, word_embed_proj_dim=16),
    "opt-350m": transformers.OPTConfig(**OPT, word_embed_proj_dim=8, do_layer_norm_before=False),
    "opt-no-final-norm": transformers.OPTConfig(
        **OPT, word_embed_proj_dim=16, _remove_final_layer_norm=True
    ),
}


def random_model(config: transformers.PreTrainedConfig) -> nn.Module:
    """A small model in float64 whose every parameter matters: norm weights and biases too."""
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(copy.deepcopy(config)).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * (1.0 if parameter.dim() == 1 else 0.5))
    return model


def around(modules: list[nn.Module], run) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """What really enters and leaves each module while `run()` runs, seen by PyTorch's own hooks."""
    seen = {}

    def look(module, args, kwargs, output):
        entering = args[0] if args else kwargs["hidden_states"]
        seen[module] = entering, output[0] if isinstance(output, tuple) else output

    handles = [module.register_forward_hook(look, with_kwargs=True) for module in modules]
    run()
    for handle in handles:
        handle.remove()
    return [seen[module] for module in modules]


@pytest.fixture(params=CONFIGS)
def model(request):
    return random_model(CONFIGS[request.param])


@pytest.fixture
def input_ids():
    return torch.randint(0, 31, (2, 7), generator=torch.Generator().manual_seed(1))


def same(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_the_parts_rebuild_the_logits(model, input_ids):
    parts = anatomy(model)
    logits = []
    blocks = around(parts.blocks, lambda: logits.append(model(input_ids).logits))
    assert len(blocks) == model.config.num_hidden_layers
    same(parts.embed(input_ids), blocks[0][0])
    for (_, left), (entered, _) in zip(blocks, blocks[1:], strict=False):
        same(left, entered)
    same(parts.unembed(blocks[-1][1]), logits[0])


@torch.no_grad()
def test_unembedding_takes_any_leading_shape(model, input_ids):
    parts = anatomy(model)
    residual = torch.randn(2, 3, 5, parts.embed(input_ids).shape[-1], dtype=torch.float64)
    logits = parts.unembed(residual)
    assert logits.shape == (2, 3, 5, model.config.vocab_size)
    same(parts.unembed(residual[1, 2, 4]), logits[1, 2, 4])


@torch.no_grad()
def test_attention_and_mlp_outputs_make_up_a_block(model, input_ids):
    parts = anatomy(model)
    seen = around(parts.blocks + parts.attentions + parts.mlps, lambda: model(input_ids))
    n = len(parts.blocks)
    for i, block in enumerate(parts.blocks):
        entered, left = seen[i]
        attention, mlp = seen[n + i][1], seen[2 * n + i][1].reshape(entered.shape)
        if "gemma" in model.config.model_type:
            attention = block.post_attention_layernorm(attention)
            mlp = block.post_feedforward_layernorm(mlp)
        if getattr(model.config, "do_layer_norm_before", True):
            same(entered + attention + mlp, left)
        else:
            middle = block.self_attn_layer_norm(entered + attention)
            same(block.final_layer_norm(middle + mlp), left)


@torch.no_grad()
def test_the_soft_cap_is_at_work(input_ids):
    parts = anatomy(random_model(CONFIGS["gemma2"]))
    residual = parts.embed(input_ids)
    assert parts.unembedding(parts.final_norm(residual)).abs().max() > 1.5
    assert parts.unembed(residual).abs().max() <= 1.5


@torch.no_grad()
def test_gemma2_as_in_transformers_5_0_scales_outside_its_embedding(input_ids):
    model = random_model(CONFIGS["gemma2"])
    expected = anatomy(model).embed(input_ids)
    model.model.embed_tokens = nn.Embedding.from_pretrained(model.model.embed_tokens.weight)
    same(anatomy(model).embed(input_ids), expected)


@torch.no_grad()
@pytest.mark.parametrize("name", ["gpt2", "opt"])
def test_positions_may_be_given_where_they_are_embedded(name, input_ids):
    model = random_model(CONFIGS[name])
    parts = anatomy(model)
    position_ids = torch.tensor([[0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 1, 2, 3]])
    call = {"input_ids": input_ids, "position_ids": position_ids}
    [(entered, _)] = around(parts.blocks[:1], lambda: model(**call))
    same(parts.embed(input_ids, position_ids), entered)
    assert not torch.allclose(parts.embed(input_ids), entered)


@torch.no_grad()
def test_positions_do_not_matter_to_rotary_embeddings(input_ids):
    parts = anatomy(random_model(CONFIGS["qwen2"]))
    same(parts.embed(input_ids, torch.full((7,), 5)), parts.embed(input_ids))


def test_the_parts_are_the_models_own():
    model = random_model(CONFIGS["qwen2"])
    parts = anatomy(model)
    assert parts.blocks[1] is model.model.layers[1]
    assert parts.attentions[2] is model.model.layers[2].self_attn
    assert parts.mlps[0] is model.model.layers[0].mlp
    assert parts.final_norm is model.model.norm
    assert parts.unembedding is model.lm_head
    assert parts.embedding is model.get_input_embeddings()


def test_a_subclass_is_known():
    class Mine(transformers.Qwen2ForCausalLM):
        pass

    assert len(anatomy(Mine(CONFIGS["qwen2"])).blocks) == 3


@pytest.mark.parametrize(
    "stranger",
    [
        transformers.BloomForCausalLM(
            transformers.BloomConfig(vocab_size=11, hidden_size=8, n_layer=1, n_head=2)
        ),
        transformers.Qwen2Model(CONFIGS["qwen2"]),
        nn.Linear(2, 2),
        ("model", "tokenizer"),
    ],
    ids=lambda stranger: type(stranger).__name__,
)
def test_an_unknown_architecture_is_refused_by_name(stranger):
    with pytest.raises(UnknownArchitecture) as refusal:
        anatomy(stranger)
    assert str(refusal.value).startswith(type(stranger).__name__ + " is not")
    assert "Gemma3ForCausalLM" in str(refusal.value)
