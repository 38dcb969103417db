"""Recording and editing, against transformers' own hidden states and against edited weights."""

import pytest
import torch
import transformers
from torch import nn

from course_utils.anatomy import UnknownArchitecture, anatomy
from course_utils.hooks import edit, record

SMALL = {
    "vocab_size": 31,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "bos_token_id": 0,
    "eos_token_id": None,
    "pad_token_id": 0,
}
GATED = SMALL | {"intermediate_size": 24, "num_key_value_heads": 2}
CONFIGS = {
    "qwen2": transformers.Qwen2Config(**GATED),
    "gpt2": transformers.GPT2Config(**SMALL, n_positions=32),
    "gpt-neox": transformers.GPTNeoXConfig(**SMALL, intermediate_size=24),
    "gemma3": transformers.Gemma3TextConfig(**GATED, head_dim=4, sliding_window=3),
    "opt": transformers.OPTConfig(
        **SMALL, ffn_dim=24, max_position_embeddings=32, word_embed_proj_dim=16
    ),
}
N_BLOCKS, D_MODEL = 4, 16
ALL_SITES = [(kind, i) for kind in ("block", "attention", "mlp") for i in range(N_BLOCKS)]


def random_model(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(CONFIGS[name]).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * (1.0 if parameter.dim() == 1 else 0.3))
    return model


@pytest.fixture(params=CONFIGS)
def any_model(request):
    return random_model(request.param)


@pytest.fixture
def model():
    return random_model("qwen2")


@pytest.fixture
def input_ids():
    return torch.randint(1, 31, (2, 6), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def vector():
    return torch.randn(D_MODEL, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def add(vector):
    return lambda activation, positions: activation + vector


def double(activation, positions):
    return activation * 2


def installed(model) -> list[int]:
    """The hooks on every module of the model, by id, in order."""
    return [
        id(hook)
        for module in model.modules()
        for hooks in (module._forward_hooks, module._forward_pre_hooks)
        for hook in hooks.values()
    ]


def same(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


# record


@torch.no_grad()
def test_block_i_is_hidden_state_i_plus_1_and_the_last_lacks_the_norm(any_model, input_ids):
    with record(any_model, ALL_SITES) as activations:
        output = any_model(input_ids, output_hidden_states=True)
    for i in range(N_BLOCKS - 1):
        same(activations["block", i], output.hidden_states[i + 1])
    last = activations["block", N_BLOCKS - 1]
    assert not torch.allclose(last, output.hidden_states[-1])
    same(anatomy(any_model).unembed(last), output.logits)


@torch.no_grad()
def test_attention_and_mlp_add_up_to_the_change_in_the_residual_stream(input_ids):
    for name in ("qwen2", "gpt2", "gpt-neox", "opt"):
        model = random_model(name)
        with record(model, ALL_SITES) as activations:
            model(input_ids)
        for i in range(1, N_BLOCKS):
            change = activations["block", i] - activations["block", i - 1]
            same(activations["attention", i] + activations["mlp", i], change)


def test_recordings_are_detached_copies(model, input_ids):
    with record(model, [("block", 1)]) as activations:
        output = model(input_ids, output_hidden_states=True)
    before = activations["block", 1].clone()
    assert not activations["block", 1].requires_grad
    output.hidden_states[2].data.zero_()
    same(activations["block", 1], before)


@torch.no_grad()
def test_the_latest_pass_and_all_passes(any_model, input_ids):
    with record(any_model, [("block", 0), ("mlp", 3)]) as activations:
        any_model.generate(input_ids, max_new_tokens=3, do_sample=False)
    for site in activations:
        assert [list(x.shape) for x in activations.passes[site]] == [
            [2, length, D_MODEL] for length in (6, 1, 1)
        ]
        assert activations[site] is activations.passes[site][-1]
    assert len(activations) == 2


def test_what_was_not_recorded_is_said(model):
    with record(model, [("block", 1)]) as activations:
        with pytest.raises(KeyError, match="nothing has reached"):
            activations["block", 1]
        with pytest.raises(KeyError, match="was not recorded"):
            activations["mlp", 1]


# edit: what it does


@torch.no_grad()
@pytest.mark.parametrize("kind", ["attention", "mlp"])
def test_zeroing_an_output_is_zeroing_its_last_weights(kind, model, input_ids):
    with edit(model, {(kind, 2): lambda activation, positions: activation * 0}):
        edited = model(input_ids).logits
    block = model.model.layers[2]
    weight = (block.self_attn.o_proj if kind == "attention" else block.mlp.down_proj).weight
    weight.zero_()
    same(edited, model(input_ids).logits)


@torch.no_grad()
def test_adding_to_a_block_is_a_bias_of_its_mlp(model, input_ids, vector):
    with edit(model, {("block", 1): add(vector)}):
        edited = model(input_ids).logits
    model.model.layers[1].mlp.down_proj.bias = nn.Parameter(vector)
    same(edited, model(input_ids).logits)


@torch.no_grad()
def test_an_unchanged_activation_changes_nothing(any_model, input_ids):
    before = any_model(input_ids).logits
    with edit(any_model, {site: lambda activation, positions: activation for site in ALL_SITES}):
        same(any_model(input_ids).logits, before)


@torch.no_grad()
@pytest.mark.parametrize("hidden_states_used_before", [True, False])
def test_everything_read_afterwards_shows_the_edit(
    any_model, input_ids, vector, hidden_states_used_before
):
    if hidden_states_used_before:  # transformers installs its own hooks at first use
        any_model(input_ids, output_hidden_states=True)
    with record(any_model, [("block", 0), ("block", 1)]) as plain:
        any_model(input_ids)
    with (
        record(any_model, [("block", 1)]) as outer,
        edit(any_model, {("block", 1): add(vector)}),
        record(any_model, [("block", 0), ("block", 1)]) as inner,
    ):
        hidden_states = any_model(input_ids, output_hidden_states=True).hidden_states
    assert len(hidden_states) == N_BLOCKS + 1
    expected = plain["block", 1] + vector
    same(outer["block", 1], expected)
    same(inner["block", 1], expected)
    same(hidden_states[2], expected)
    same(inner["block", 0], plain["block", 0])


@torch.no_grad()
def test_a_foreign_hook_from_before_sees_the_edit_and_stays(model, input_ids, vector):
    seen = []
    model.model.layers[1].register_forward_hook(lambda module, args, output: seen.append(output))
    model(input_ids)
    before = installed(model)
    with edit(model, {("block", 1): add(vector)}), record(model, ALL_SITES):
        model(input_ids)
    assert installed(model) == before
    model(input_ids)
    assert len(seen) == 3
    same(seen[1], seen[0] + vector)
    same(seen[2], seen[0])


@torch.no_grad()
def test_nested_edits_apply_from_the_outside_in(model, input_ids, vector):
    site = ("block", 1)
    with record(model, [site]) as seen:
        model(input_ids)
        with edit(model, {site: add(vector)}):
            with edit(model, {site: double}), edit(model, {site: add(3 * vector)}):
                model(input_ids)
            model(input_ids)
        model(input_ids)
    plain, all_three, outer, after = seen.passes[site]
    same(all_three, (plain + vector) * 2 + 3 * vector)
    same(outer, plain + vector)
    same(after, plain)


@torch.no_grad()
def test_a_function_may_change_its_activation_in_place(model, input_ids, vector):
    def in_place(activation, positions):
        activation[:, positions == 2] += vector
        return activation

    def out_of_place(activation, positions):
        return activation + (positions == 2)[:, None] * vector

    logits = []
    for function in (in_place, out_of_place):
        with edit(model, {("attention", 1): function}):
            logits.append(model(input_ids).logits)
    same(*logits)


@torch.no_grad()
def test_what_a_function_does_to_its_activation_reaches_nothing_else(any_model, input_ids):
    def scribble(activation, positions):
        kept = activation.clone()
        activation.zero_()
        return kept

    before = any_model(input_ids).logits
    with edit(any_model, dict.fromkeys(ALL_SITES, scribble)):
        same(any_model(input_ids).logits, before)


@torch.no_grad()
def test_editing_in_place_does_not_reach_a_tensor_that_was_patched_in(model, input_ids):
    site = ("block", 1)
    with record(model, [site]) as activations:
        model(input_ids)
    patch, before = activations[site], activations[site].clone()
    with (
        edit(model, {site: lambda activation, positions: patch}),
        edit(model, {site: lambda activation, positions: activation.zero_()}),
    ):
        model(input_ids)
    same(patch, before)


@torch.no_grad()
def test_a_block_that_returns_a_tuple_keeps_its_batch_and_the_rest(model, input_ids, vector):
    block, site = model.model.layers[1], ("block", 1)
    expected = []
    with edit(model, {site: add(vector)}):
        expected.append(model(input_ids).logits)
    forward, rest = block.forward, []
    block.forward = lambda *args, **kwargs: (forward(*args, **kwargs), "weights")

    def unpack(module, args, output):
        rest.append(output[1])
        return output[0]

    with record(model, [site]) as seen:
        block.register_forward_hook(unpack)
        with edit(model, {site: add(vector)}):
            same(model(input_ids).logits, expected[0])
    assert rest == ["weights"]
    assert seen[site].shape == (2, 6, D_MODEL)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_a_vector_of_another_dtype_is_cast(model, input_ids, vector, dtype):
    model.to(dtype)
    with (
        record(model, [("mlp", 1)]) as plain,
        edit(model, {("block", 1): add(vector.double()), ("attention", 2): add(vector.float())}),
    ):
        assert model(input_ids).logits.dtype == dtype
    assert plain["mlp", 1].dtype == dtype


def test_gradients_flow_through_an_edit(model, input_ids, vector):
    vector.requires_grad_(True)
    with edit(model, {("block", 1): add(vector)}):
        model(input_ids).logits.sum().backward()
    bias = nn.Parameter(vector.detach())
    model.model.layers[1].mlp.down_proj.bias = bias
    model(input_ids).logits.sum().backward()
    same(vector.grad, bias.grad)


# edit: positions


def positions_seen(model, run) -> list[list[int]]:
    seen = []

    def note(activation, positions):
        seen.append(positions.tolist())
        return activation

    with edit(model, {("mlp", 2): note}):
        run()
    return seen


PROMPT_THEN_TOKENS = [[0, 1, 2, 3, 4, 5], [6], [7]]


@torch.no_grad()
@pytest.mark.parametrize("cache", ["dynamic", "static", "none"])
def test_positions_are_absolute_under_generate(any_model, input_ids, cache):
    options = {
        "dynamic": {},
        "static": {"cache_implementation": "static", "disable_compile": True},
        "none": {"use_cache": False},
    }
    run = lambda: any_model.generate(  # noqa: E731
        input_ids, max_new_tokens=3, do_sample=False, **options[cache]
    )
    expected = PROMPT_THEN_TOKENS
    if cache == "none":
        expected = [list(range(length)) for length in (6, 7, 8)]
    assert positions_seen(any_model, run) == expected


@torch.no_grad()
def test_positions_count_padding(any_model, input_ids):
    mask = torch.tensor([[0, 0, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1]])
    run = lambda: any_model.generate(  # noqa: E731
        input_ids, attention_mask=mask, max_new_tokens=3, do_sample=False
    )
    assert positions_seen(any_model, run) == PROMPT_THEN_TOKENS


@torch.no_grad()
def test_positions_start_anew_with_each_sequence_and_after_a_crash(model, input_ids):
    def run():
        cache = transformers.DynamicCache(config=model.config)
        model(input_ids[:, :4], past_key_values=cache)
        model(input_ids[:, 4:], past_key_values=cache)
        with pytest.raises(IndexError):
            model(torch.tensor([[99]]), past_key_values=cache)
        model(input_ids)

    assert positions_seen(model, run) == [[0, 1, 2, 3], [4, 5], [0, 1, 2, 3, 4, 5]]


@torch.no_grad()
def test_steering_by_position_is_the_same_with_and_without_a_cache(any_model, input_ids, vector):
    from_the_last_prompt_token = lambda activation, positions: (  # noqa: E731
        activation + (positions >= 5)[:, None] * 2 * vector
    )
    options = {"max_new_tokens": 4, "do_sample": False, "output_logits": True}
    options["return_dict_in_generate"] = True
    with edit(any_model, {("block", 1): from_the_last_prompt_token}):
        cached = any_model.generate(input_ids, **options)
        uncached = any_model.generate(input_ids, use_cache=False, **options)
    plain = any_model.generate(input_ids, **options)
    torch.testing.assert_close(cached.logits, uncached.logits, rtol=1e-9, atol=1e-9)
    assert not torch.allclose(cached.logits[0], plain.logits[0])


# nothing stays behind


class Broken(Exception):
    pass


def raising(error):
    def function(activation, positions):
        raise error

    return function


@torch.no_grad()
@pytest.mark.parametrize("error", [Broken, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["function", "body"])
def test_no_hook_is_left(model, input_ids, error, where):
    expected = model(input_ids, output_hidden_states=True)
    before = installed(model)
    function = raising(error) if where == "function" else double
    with (
        pytest.raises(error),
        record(model, ALL_SITES),
        edit(model, {("block", 0): double}),
        edit(model, {("block", 0): double, ("mlp", 2): function}),
    ):
        model(input_ids)
        raise error
    assert installed(model) == before
    output = model(input_ids, output_hidden_states=True)
    same(output.logits, expected.logits)
    same(output.hidden_states, expected.hidden_states)


@torch.no_grad()
def test_contexts_may_end_in_any_order(model, input_ids, vector):
    site = ("block", 1)
    before = installed(model)
    first, second = edit(model, {site: add(vector)}), edit(model, {site: double})
    with record(model, [site]) as seen:
        model(input_ids)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        model(input_ids)
        second.__exit__(None, None, None)
    same(seen.passes[site][1], 2 * seen.passes[site][0])
    assert installed(model) == before


# what is refused


@torch.no_grad()
@pytest.mark.parametrize(
    "returned, error, message",
    [
        (lambda a, p: a[0], ValueError, r"\('mlp', 2\) returned shape \[6, 16\].*\[2, 6, 16\]"),
        (lambda a, p: a.mean(-1, keepdim=True), ValueError, r"returned shape \[2, 6, 1\]"),
        (lambda a, p: None, TypeError, r"\('mlp', 2\) returned NoneType"),
        (lambda a, p: (a,), TypeError, "returned tuple"),
    ],
)
def test_a_function_that_returns_something_else(model, input_ids, returned, error, message):
    before = installed(model)
    with pytest.raises(error, match=message), edit(model, {("mlp", 2): returned}):
        model(input_ids)
    assert installed(model) == before


BAD_SITES = {
    "negative": (("block", -1), "blocks are 0 to 3"),
    "beyond": (("mlp", 4), "blocks are 0 to 3"),
    "kind": (("head", 0), "not a site"),
    "bool": (("block", True), "not a site"),
    "float": (("block", 1.0), "not a site"),
    "number": (3, "not a site"),
    "text": ("block", "not a site"),
    "three": (("block", 1, 2), "not a site"),
}


@pytest.mark.parametrize("site, message", BAD_SITES.values(), ids=BAD_SITES)
def test_a_bad_site_is_refused_before_any_hook(model, site, message):
    before = installed(model)
    with pytest.raises(ValueError, match=message), record(model, [("block", 0), site]):
        pytest.fail("the body ran")
    with pytest.raises(ValueError, match=message), edit(model, {("mlp", 0): double, site: double}):
        pytest.fail("the body ran")
    assert installed(model) == before


def test_one_site_in_place_of_a_list(model):
    with pytest.raises(ValueError, match="'block' is not a site: expected a list of pairs"):
        with record(model, ("block", 3)):
            pass


def test_edits_that_are_no_mapping_or_no_function(model):
    before = installed(model)
    with pytest.raises(TypeError, match="must map sites to functions"):
        with edit(model, [("block", 0)]):
            pass
    with pytest.raises(TypeError, match=r"edit of \('block', 1\) must be a function, got Tensor"):
        with edit(model, {("block", 0): double, ("block", 1): torch.ones(D_MODEL)}):
            pass
    assert installed(model) == before


def test_an_unknown_architecture():
    with pytest.raises(UnknownArchitecture, match="Linear"), record(nn.Linear(1, 1), []):
        pass
