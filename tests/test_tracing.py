"""Tracing, patching and ablation against one plain run for each cell, on random architectures."""

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn

from course_utils import tracing
from course_utils.anatomy import anatomy
from course_utils.models import load_lm
from course_utils.tracing import (
    BASELINES,
    KINDS,
    ablate,
    ablate_head,
    activation_patching,
    answer_token,
    attention_patterns,
    average_effects,
    causal_trace,
    corrupt,
    effects,
    first_token_scores,
    induction_scores,
    restore,
    subject_span,
    token_roles,
)

WORDS = ["<s>", *"a b c d e f g h i j k l m n o p q r s t u v w x y z".split(), "zz", "yy"]
SMALL = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "bos_token_id": 0,
    "eos_token_id": None,
    "pad_token_id": 0,
}
GATED = SMALL | {"intermediate_size": 24, "num_key_value_heads": 2}
GEMMA = GATED | {"head_dim": 6, "sliding_window": 3}
OPT = SMALL | {"ffn_dim": 24, "max_position_embeddings": 32, "dropout": 0.0}
CONFIGS = {
    "qwen2": transformers.Qwen2Config(**GATED),
    "llama": transformers.LlamaConfig(**GATED, head_dim=6),
    "gpt2": transformers.GPT2Config(**SMALL, n_positions=32),
    "gpt-neox": transformers.GPTNeoXConfig(**SMALL, intermediate_size=24),
    "gemma2": transformers.Gemma2Config(**GEMMA, final_logit_softcapping=1.5),
    "gemma3": transformers.Gemma3TextConfig(**GEMMA),
    "opt": transformers.OPTConfig(**OPT, word_embed_proj_dim=16),
    "opt-350m": transformers.OPTConfig(**OPT, word_embed_proj_dim=8, do_layer_norm_before=False),
}
PROMPT, SUBJECT, ANSWER = "a b c d e f g", "c d", "h"
OTHER = "a b x y e f g"


def random_model(name: str) -> nn.Module:
    """In float64, every parameter drawn: norm weights and biases too."""
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(CONFIGS[name]).double().eval()
    for parameter in model.requires_grad_(False).parameters():
        parameter.copy_(torch.randn_like(parameter) * (1.0 if parameter.dim() == 1 else 0.3))
    return model


@pytest.fixture(params=CONFIGS)
def any_model(request):
    return random_model(request.param)


@pytest.fixture
def model():
    return random_model("qwen2")


@pytest.fixture
def tokenizer():
    vocabulary = {word: i for i, word in enumerate(WORDS)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<s>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<s>")


@pytest.fixture
def input_ids(tokenizer):
    return tokenizer(PROMPT, return_tensors="pt")["input_ids"]


def installed(model) -> list[int]:
    return [
        id(hook)
        for module in model.modules()
        for hooks in (module._forward_hooks, module._forward_pre_hooks)
        for hook in hooks.values()
    ]


def first(output):
    return output[0] if isinstance(output, tuple) else output


def run(model, embeddings, changes, ids=None):
    """Logits at the last position; ``changes`` maps modules to functions of their output."""

    def hook(change):
        def put(module, args, output):
            new = change(first(output).clone())
            return (new, *output[1:]) if isinstance(output, tuple) else new

        return put

    handles = [m.register_forward_hook(hook(change)) for m, change in changes.items()]
    inputs = {"inputs_embeds": embeddings} if ids is None else {"input_ids": ids}
    logits = model(**inputs).logits[:, -1]
    for handle in handles:
        handle.remove()
    return logits


def outputs(model, modules, ids):
    """What each module puts out in a plain run."""
    seen = {}
    handles = [
        m.register_forward_hook(lambda m, args, output: seen.update({m: first(output).clone()}))
        for m in modules
    ]
    model(ids)
    for handle in handles:
        handle.remove()
    return seen


def one_forward_per_cell(model, ids, corrupted, token, kind, window):
    parts = anatomy(model)
    modules = {"block": parts.blocks, "mlp": parts.mlps, "attention": parts.attentions}[kind]
    clean, length = outputs(model, modules, ids), ids.shape[1]
    table = torch.zeros(len(modules), length, dtype=torch.float64)

    def putting(module, position):
        def change(output):
            rows = output.view(len(corrupted), length, -1)
            rows[:, position] = clean[module].view(1, length, -1)[0, position]
            return output

        return change

    for block in range(len(modules)):
        around = modules[max(0, block - window // 2) : block + (window + 1) // 2]
        for position in range(length):
            changes = {module: putting(module, position) for module in around}
            table[block, position] = run(model, corrupted, changes).softmax(-1)[:, token].mean()
    return table


@pytest.mark.parametrize(
    ("kind", "window"), [("block", 1), ("mlp", 1), ("mlp", 2), ("attention", 3)]
)
def test_the_growing_batch_equals_one_forward_per_cell(
    any_model, tokenizer, input_ids, kind, window
):
    token = int(any_model(input_ids).logits[0, -1, 1:].argmax()) + 1
    trace = causal_trace(
        any_model, tokenizer, PROMPT, SUBJECT, WORDS[token], kind, window, n_samples=3, seed=2
    )
    corrupted = corrupt(any_model, input_ids, slice(2, 4), 3, seed=2)
    clean = any_model(input_ids).logits[0, -1].softmax(-1)[token].item()
    noisy = any_model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)[:, token].mean().item()
    cells = one_forward_per_cell(any_model, input_ids, corrupted, token, kind, window)
    assert trace.total_effect == pytest.approx(clean - noisy, abs=1e-7)
    torch.testing.assert_close(trace.indirect_effects, cells - noisy, rtol=0, atol=1e-7)
    assert trace.indirect_effects.abs().max() > 1e-5
    assert (trace.tokens, trace.subject) == (PROMPT.split(), slice(2, 4))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("most", [1, 10, 30])
def test_passes_of_few_rows_give_the_same(model, tokenizer, monkeypatch, kind, most):
    arguments = (model, tokenizer, PROMPT, SUBJECT, ANSWER, kind)
    whole, rows = causal_trace(*arguments), []
    monkeypatch.setattr(tracing, "ROWS", most)
    model.model.norm.register_forward_pre_hook(lambda module, args: rows.append(len(args[0])))
    torch.testing.assert_close(causal_trace(*arguments).indirect_effects, whole.indirect_effects)
    assert max(rows) <= max(most, 6)  # clean, corrupted, a cell for each of four blocks


@pytest.mark.parametrize("kind", KINDS)
def test_float32_is_within_1e_6(any_model, tokenizer, input_ids, kind):
    model = any_model.float()
    corrupted = corrupt(model, input_ids, slice(2, 4), 2)
    token = int(model(input_ids).logits[0, -1, 1:].argmax()) + 1
    trace = causal_trace(model, tokenizer, PROMPT, SUBJECT, WORDS[token], kind, n_samples=2)
    cells = one_forward_per_cell(model, input_ids, corrupted, token, kind, 1) - trace.corrupted
    torch.testing.assert_close(trace.indirect_effects.double(), cells, rtol=0, atol=1e-6)
    if kind == "block":
        total, indirect = effects(model, input_ids, corrupted, token)
        torch.testing.assert_close(indirect.double(), cells, rtol=0, atol=1e-6)
        assert total.item() == pytest.approx(trace.total_effect, abs=1e-6)


def test_one_block_has_nothing_to_run_again(tokenizer):
    config = transformers.Qwen2Config(**GATED | {"num_hidden_layers": 1})
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    trace = causal_trace(model, tokenizer, PROMPT, SUBJECT, ANSWER, n_samples=2)
    assert trace.indirect_effects[0, -1].item() == pytest.approx(trace.total_effect, abs=1e-6)
    assert trace.indirect_effects[0, :-1].abs().max() < 1e-6


def test_restore_is_one_cell(any_model, input_ids):
    corrupted = corrupt(any_model, input_ids, slice(2, 4), 3)
    cells = one_forward_per_cell(any_model, input_ids, corrupted, 5, "block", 1)
    for block, position in [(0, 2), (2, 5), (3, 6)]:
        value = restore(any_model, input_ids, corrupted, block, position, 5).item()
        assert value == pytest.approx(cells[block, position].item(), abs=1e-7)


def test_states_of_another_prompt(model, tokenizer, input_ids):
    trace = causal_trace(model, tokenizer, PROMPT, SUBJECT, ANSWER, n_samples=2, states_of=OTHER)
    other = tokenizer(OTHER, return_tensors="pt")["input_ids"]
    state = outputs(model, anatomy(model).blocks[1:2], other)[anatomy(model).blocks[1]]
    corrupted = corrupt(model, input_ids, slice(2, 4), 2)

    def put(output):
        output[:, 3] = state[0, 3]
        return output

    token = WORDS.index(ANSWER)
    logits = run(model, corrupted, {anatomy(model).blocks[1]: put})
    effect = logits.softmax(-1)[:, token].mean().item() - trace.corrupted
    assert trace.indirect_effects[1, 3].item() == pytest.approx(effect, abs=1e-9)
    clean = model(input_ids).logits[0, -1].softmax(-1)[token].item()
    assert trace.clean == pytest.approx(clean)


@pytest.mark.parametrize("kind", KINDS)
def test_patching_puts_the_sources_state_into_the_targets_run(any_model, tokenizer, kind):
    found = activation_patching(any_model, tokenizer, PROMPT, OTHER, ("h", "i"), kind)
    ids, others = (tokenizer(x, return_tensors="pt")["input_ids"] for x in (PROMPT, OTHER))
    tokens = [WORDS.index("h"), WORDS.index("i")]
    parts = anatomy(any_model)
    module = {"block": parts.blocks, "mlp": parts.mlps, "attention": parts.attentions}[kind][1]
    state = outputs(any_model, [module], ids)[module]

    def put(output):
        output.view(1, 7, -1)[:, 3] = state.view(1, 7, -1)[:, 3]
        return output

    for changes, given, value in [
        ({}, ids, found.source),
        ({}, others, found.target),
        ({module: put}, others, found.patched[1, 3].item()),
    ]:
        logits = run(any_model, None, changes, given)[0, tokens]
        assert value == pytest.approx((logits[0] - logits[1]).item(), abs=1e-9)
    assert found.tokens == OTHER.split()
    assert (found.patched[:, :2] == found.target).all()  # the same tokens before
    expected = (found.patched - found.target) / (found.source - found.target)
    torch.testing.assert_close(found.recovered, expected)


def test_noise_has_three_standard_deviations_of_the_embeddings(any_model, input_ids):
    corrupted = corrupt(any_model, input_ids, slice(2, 4), 4000, seed=1)
    clean = any_model.get_input_embeddings()(input_ids)
    noise = corrupted - clean
    everything = any_model.get_input_embeddings()(torch.arange(len(WORDS)))
    assert noise[:, 2:4].std() == pytest.approx(3 * float(everything.std()), rel=0.03)
    assert noise[:, 2:4].mean().abs() < 0.05 * noise[:, 2:4].std()
    assert (noise[:, :2] == 0).all() and (noise[:, 4:] == 0).all()
    assert torch.equal(corrupted, corrupt(any_model, input_ids, slice(2, 4), 4000, seed=1))
    assert not torch.equal(corrupted, corrupt(any_model, input_ids, slice(2, 4), 4000, seed=2))


@pytest.mark.parametrize(
    ("target", "answers"), [(PROMPT, ("h", "i")), (OTHER, ("h", "h")), (OTHER, ("h", " h"))]
)
def test_patching_wants_two_prompts_and_two_answers(model, tokenizer, target, answers):
    with pytest.raises(ValueError, match="give two prompts that differ, and two answers"):
        activation_patching(model, tokenizer, PROMPT, target, answers, "mlp")


# errors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"subject": "q"}, "occurs 0 times"),
        ({"subject": ""}, "occurs 0 times"),
        ({"prompt": "a b", "subject": " "}, "occurs 0 times"),
        ({"prompt": "c d c d"}, "occurs 2 times"),
        ({"answer": "h i"}, r"2 tokens \('h' \+ 'i'\)"),
        ({"answer": ""}, "0 tokens"),
        ({"prompt": "a c d" + " b" * 40}, "43 tokens and the model reads 32"),
        ({"kind": "head"}, "no kind of state"),
        ({"window": 0}, "window of 0"),
        ({"kind": "block", "window": 3}, "window of 3"),
        ({"n_samples": 0}, "n_samples is 0"),
        ({"states_of": "a b"}, "2 and 7 tokens"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(tokenizer, change, words):
    model = random_model("gpt2")
    anatomy(model).decoder.register_forward_pre_hook(lambda *_: pytest.fail("it ran"))
    arguments = {"prompt": PROMPT, "subject": SUBJECT, "answer": ANSWER, "kind": "mlp"} | change
    with pytest.raises(ValueError, match=words):
        causal_trace(model, tokenizer, **arguments)


def test_a_model_in_training_mode_is_refused(model, tokenizer, input_ids):
    corrupted = corrupt(model, input_ids, slice(2, 4), 2)
    model.train()
    for go in (
        lambda: causal_trace(model, tokenizer, PROMPT, SUBJECT, ANSWER),
        lambda: restore(model, input_ids, corrupted, 1, 2, 3),
        lambda: effects(model, input_ids, corrupted, 3),
        lambda: attention_patterns(model, input_ids),
    ):
        with pytest.raises(ValueError, match="training mode"):
            go()


def test_a_tokenizer_without_offsets_is_refused():
    with pytest.raises(ValueError, match="load a fast tokenizer"):
        subject_span(transformers.ByT5Tokenizer(), PROMPT, SUBJECT)


def test_span_and_answer_on_the_courses_tokenizer():
    _, tokenizer = load_lm()
    prompt = "Our guide showed us the Space Needle on the first day of our trip to"
    span = subject_span(tokenizer, prompt, "the Space Needle")
    ids = tokenizer(prompt)["input_ids"]
    assert tokenizer.decode(ids[span]).strip() == "the Space Needle"
    assert tokenizer.decode(answer_token(tokenizer, prompt, "Seattle")) == " Seattle"
    assert answer_token(tokenizer, prompt, " Seattle") == answer_token(tokenizer, prompt, "Seattle")
    with pytest.raises(ValueError, match="tokens"):
        answer_token(tokenizer, prompt, "Seattle and more")
    for opening in ("12 - (", 'He said "', "a well-", "and/"):
        assert tokenizer.decode(answer_token(tokenizer, opening, "2")) == "2"


# hooks


def tracings(model, tokenizer, ids):
    for kind in KINDS:
        yield lambda kind=kind: causal_trace(model, tokenizer, PROMPT, SUBJECT, ANSWER, kind)
    yield lambda: activation_patching(model, tokenizer, PROMPT, OTHER, ("h", "i"))
    corrupted = corrupt(model, ids, slice(2, 4), 2)
    yield lambda: restore(model, ids, corrupted, 1, 2, 3)
    yield lambda: effects(model, ids, corrupted, 3)
    yield lambda: ablate_head(model, ids, 1, 2, "mean", ids)
    yield lambda: attention_patterns(model, ids)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["qwen2", "gpt2", "opt"])
def test_hooks_are_as_found_after_success_error_and_interrupt(name, tokenizer, input_ids, error):
    model, seen = random_model(name), []
    model(input_ids, output_hidden_states=True)  # transformers installs its own
    anatomy(model).blocks[0].register_forward_hook(lambda *_: seen.append(1))
    before, attention = installed(model), model.config._attn_implementation
    runs = list(tracings(model, tokenizer, input_ids))
    for go in runs:
        go()
        assert installed(model) == before

    def stop(*_):
        raise error

    handle = anatomy(model).mlps[3].register_forward_pre_hook(stop)
    broken = installed(model)
    for go in runs:
        with pytest.raises(error):
            go()
        assert installed(model) == broken
    handle.remove()
    assert installed(model) == before
    assert model.config._attn_implementation == attention
    assert seen


# ablation


def expected_head(model, ids, block, head, value):
    """Logits with what the output map reads for one head replaced, by a wrapped forward."""
    output_map = tracing.output_map(anatomy(model).attentions[block])
    forward, n = output_map.forward, model.config.num_attention_heads

    def changed(x):
        parts = list(x.tensor_split(n, dim=-1))
        parts[head] = value.expand_as(parts[head])
        return forward(torch.cat(parts, dim=-1))

    output_map.forward = changed
    try:
        return model(ids).logits
    finally:
        output_map.forward = forward


def heads_of(model, ids, block):
    """What the output map of a block's attention reads, a tensor for each head."""
    output_map = tracing.output_map(anatomy(model).attentions[block])
    forward, seen = output_map.forward, []
    output_map.forward = lambda x: seen.append(x) or forward(x)
    model(ids)
    output_map.forward = forward
    return seen[0].tensor_split(model.config.num_attention_heads, dim=-1)


@pytest.mark.parametrize("baseline", BASELINES)
def test_a_head_is_replaced_by_its_baseline(any_model, baseline):
    ids, reference = torch.randint(1, 27, (2, 2, 6), generator=torch.Generator().manual_seed(3))
    read = heads_of(any_model, reference, 2)[1]
    value = {"zero": 0 * read, "mean": read.mean((0, 1)), "resample": read}[baseline]
    expected = expected_head(any_model, ids, 2, 1, value)
    torch.testing.assert_close(ablate_head(any_model, ids, 2, 1, baseline, reference), expected)
    assert not torch.allclose(expected, any_model(ids).logits)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("baseline", BASELINES)
def test_a_part_is_replaced_at_the_chosen_positions(any_model, kind, baseline):
    ids, reference = torch.randint(1, 27, (2, 2, 6), generator=torch.Generator().manual_seed(4))
    parts = anatomy(any_model)
    module = {"block": parts.blocks, "mlp": parts.mlps, "attention": parts.attentions}[kind][1]

    def added(given):
        seen = outputs(any_model, [parts.blocks[0], module], given)
        out = seen[module].view(2, 6, -1)
        return (out - seen[parts.blocks[0]], seen) if kind == "block" else (out, seen)

    (read, _), (_, own) = added(reference), added(ids)
    value = {"zero": 0 * read, "mean": read.mean((0, 1)).expand_as(read), "resample": read}[
        baseline
    ]
    base = own[parts.blocks[0]] if kind == "block" else 0

    def put(output):
        output.view(2, 6, -1)[:, [1, 4]] = (base + value)[:, [1, 4]]
        return output

    with ablate(any_model, [(kind, 1)], baseline, reference, positions=[1, 4]):
        logits = any_model(ids).logits[:, -1]
    torch.testing.assert_close(logits, run(any_model, None, {module: put}, ids))


def test_hidden_states_show_what_was_put_in_place_of_a_block(any_model):
    ids = torch.randint(1, 27, (2, 6), generator=torch.Generator().manual_seed(6))
    any_model(ids, output_hidden_states=True)  # transformers installs its own hooks
    with ablate(any_model, [("block", 1)]):
        entries = any_model(ids, output_hidden_states=True).hidden_states
    assert torch.equal(entries[2], entries[1])


@pytest.mark.parametrize("kind", KINDS)
def test_other_positions_keep_every_bit(model, kind):
    model = model.bfloat16()
    ids = torch.randint(1, 27, (2, 6), generator=torch.Generator().manual_seed(7))
    with ablate(model, [(kind, 1)], positions=[5]):
        ablated = model(ids, output_hidden_states=True).hidden_states[2]
    whole = model(ids, output_hidden_states=True).hidden_states[2]
    assert torch.equal(ablated[:, :5], whole[:, :5])
    assert not torch.equal(ablated[:, 5], whole[:, 5])


def test_ablation_counts_positions_under_a_cache(model):
    ids = torch.randint(1, 27, (1, 6), generator=torch.Generator().manual_seed(5))
    with ablate(model, [("head", 1, 0), ("mlp", 2)], positions=[4]):
        whole = model(ids).logits[:, -1]
        cache = model(ids[:, :3], use_cache=True).past_key_values
        chunked = model(ids[:, 3:], past_key_values=cache).logits[:, -1]
    torch.testing.assert_close(chunked, whole)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([],), "no sites"),
        (([("head", 4, 0)],), "does not exist"),
        (([("head", 0, 4)],), "0 to 3"),
        (([("head", 0)],), "not a site"),
        (([("neuron", 0)],), "not a site"),
        (([("mlp", 0)], "median"), "no baseline"),
        (([("mlp", 0)], "mean"), "needs reference"),
        (([("mlp", 0)], "zero", None, [-1]), "count from 0"),
    ],
)
def test_a_wrong_ablation_is_refused(model, arguments, words):
    before = installed(model)
    with pytest.raises(ValueError, match=words):
        with ablate(model, *arguments):
            pytest.fail("inside")
    assert installed(model) == before


def test_a_reference_of_another_shape_is_refused(model):
    ids = torch.ones(2, 5, dtype=torch.long)
    with pytest.raises(ValueError, match="3 rows of 5 tokens"):
        with ablate(model, [("mlp", 0)], "resample", torch.ones(3, 5, dtype=torch.long)):
            model(ids)


# tables


def test_roles_of_short_and_long_subjects():
    assert list(token_roles(slice(1, 5), 9).values()) == [[1], [2, 3], [4], [5], [6, 7], [8]]
    assert list(token_roles(slice(0, 1), 3).values()) == [[], [], [0], [1], [], [2]]
    assert list(token_roles(slice(0, 2), 3).values()) == [[0], [], [1], [], [], [2]]


def test_the_last_token_of_a_prompt_is_nothing_else():
    assert list(token_roles(slice(1, 4), 4).values()) == [[1], [2], [], [], [], [3]]
    assert list(token_roles(slice(1, 2), 2).values()) == [[], [], [], [], [], [1]]


def test_average_counts_each_fact_once_where_it_has_the_role():
    maps = [torch.tensor([[1.0, 2, 4, 0, 3]]), torch.tensor([[5.0, 0, 7]])]
    mean, half = average_effects(maps, [slice(0, 3), slice(0, 1)])
    torch.testing.assert_close(mean[0, [0, 2, 5]], torch.tensor([1.0, 4.5, 5.0]))
    assert half[0, 5].item() == pytest.approx(1.96 * 8**0.5 / 2**0.5)
    assert half[0, 0].isnan() and mean[0, 4].isnan()


def test_scores_of_heads_that_do_it():
    n = 5
    patterns = torch.zeros(1, 1, 3, 2 * n, 2 * n)
    for query in range(2 * n):
        patterns[0, 0, 0, query, max(0, query - n + 1)] = 1  # induction
        patterns[0, 0, 1, query, 0] = 1  # rests
        patterns[0, 0, 2, query, max(0, query - n)] = 1  # the same token
    assert induction_scores(patterns).tolist() == [[1, 0, 0]]
    assert first_token_scores(patterns)[0, 1] == 1


def test_patterns_are_the_models_attention(model, input_ids):
    patterns = attention_patterns(model, input_ids.repeat(2, 1))
    assert patterns.shape == (4, 2, 4, 7, 7)
    torch.testing.assert_close(patterns.sum(-1).float(), torch.ones(4, 2, 4, 7))
    assert (patterns.triu(1) == 0).all()
    value = model.model.layers[0].self_attn.v_proj
    seen = []
    handle = value.register_forward_hook(lambda m, a, output: seen.append(output))
    model(input_ids)
    handle.remove()
    values = seen[0].view(1, 7, 2, 4).repeat_interleave(2, dim=2)
    mixed = torch.einsum("bhqk,bkhd->bqhd", patterns[0, :1], values)
    read = torch.stack(heads_of(model, input_ids, 0), dim=2)
    torch.testing.assert_close(mixed, read, rtol=1e-5, atol=1e-6)  # softmax is in float32
