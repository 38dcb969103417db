"""Steering against what enters the stage behind a block, on several architectures."""

import copy
import math
import random

import pytest
import torch
import transformers
from safetensors.torch import save_file
from torch import nn

from course_utils import steering
from course_utils.anatomy import anatomy
from course_utils.checks.probes.steering import make_tokenizer
from course_utils.checks.probes.steering import tokens as small_vocabulary
from course_utils.course_lm import evaluate, words
from course_utils.models import load_lm
from course_utils.steering import SteeringVector, actadd, caa, concept, random_like

D_MODEL, N_BLOCKS = 16, 4
SMALL = {
    "vocab_size": len(small_vocabulary()),
    "hidden_size": D_MODEL,
    "num_hidden_layers": N_BLOCKS,
    "num_attention_heads": 4,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": 0,
}
GATED = SMALL | {"intermediate_size": 24, "num_key_value_heads": 2}
CONFIGS = {
    "llama": transformers.LlamaConfig(**GATED),
    "gpt2": transformers.GPT2Config(**SMALL, n_positions=64),
    "gemma3": transformers.Gemma3TextConfig(**GATED, head_dim=4, sliding_window=8),
}
TEXTS = ["the cat sat on a mat", "my dog ran", "we saw red stars in cold rain", "she was glad"]
PROMPT = "the old king said we love a dog"
PAIRS = [("the king was", " good", " very bad"), ("my new dog", " ran", " sat on snow")]


def random_model(name, seed=0):
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(copy.deepcopy(CONFIGS[name]))
    model = model.double().eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter) * (1.0 if parameter.dim() == 1 else 0.5))
    return model


@pytest.fixture(params=[*CONFIGS, "course-lm"])
def pair(request):
    """A model and its tokenizer."""
    if request.param == "course-lm":
        return load_lm("course-lm", device="cpu")
    return random_model(request.param), make_tokenizer(request.param)


@pytest.fixture
def llama():
    return random_model("llama"), make_tokenizer("llama")


def stream(model, ids, block):
    """What enters the stage behind a block, [batch, pos, d_model]."""
    parts, seen = anatomy(model), []
    stage = [*parts.blocks, parts.final_norm][block + 1]
    handle = stage.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(args[0] if args else kwargs["hidden_states"]),
        with_kwargs=True,
    )
    model(ids)
    handle.remove()
    return seen[0]


def at(model, tokenizer, text, block, position=-1):
    return stream(model, tokenizer(text, return_tensors="pt").input_ids, block)[0, position]


def hooks(model):
    return [
        (id(hook), key)
        for module in model.modules()
        for kind in (module._forward_hooks, module._forward_pre_hooks)
        for key, hook in kind.items()
    ]


def close(actual, expected):
    scale = max(1e-3, expected.abs().max().item())
    torch.testing.assert_close(actual.double(), expected.double(), rtol=1e-4, atol=1e-4 * scale)


class Passes:
    """What is added at the output of a block in each pass of what runs inside."""

    def __init__(self, model, block):
        self.model, self.block = model, block
        self.own, self.added = [], []

    def __enter__(self):
        parts = anatomy(self.model)
        block = parts.blocks[self.block]
        stage = [*parts.blocks, parts.final_norm][self.block + 1]
        forward = block.forward

        def run(*args, **kwargs):
            output = forward(*args, **kwargs)
            self.own.append((output[0] if isinstance(output, tuple) else output).clone())
            return output

        def arrives(module, args, kwargs):
            given = args[0] if args else kwargs["hidden_states"]
            self.added.append(given - self.own[-1])

        block.forward = run
        handle = stage.register_forward_pre_hook(arrives, with_kwargs=True)
        self.undo = lambda: (setattr(block, "forward", forward), handle.remove())
        return self

    def __exit__(self, *error):
        self.undo()


def generate(model, tokenizer, prompts, new=3, **options):
    batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    return model.generate(**batch, max_new_tokens=new, do_sample=False, **options)


def expected_everywhere(passes, vector, strength):
    for added in passes.added:
        close(added, (strength * vector).double().expand_as(added))


# Vectors


@pytest.mark.parametrize("block", [0, N_BLOCKS - 1])
def test_a_concept_is_the_difference_of_means_at_the_last_token(pair, block):
    model, tokenizer = pair
    vector = concept(model, tokenizer, TEXTS[:3], TEXTS[3:], block)
    positive = torch.stack([at(model, tokenizer, text, block) for text in TEXTS[:3]]).mean(0)
    close(vector.vectors[block], positive - at(model, tokenizer, TEXTS[3], block))
    assert (vector.positions, vector.blocks) == (steering.EVERYWHERE, [block])


def test_a_concept_of_means_averages_each_text_first(pair):
    model, tokenizer = pair
    vector = concept(model, tokenizer, TEXTS[:2], TEXTS[2:3], 1, position="mean")
    means = [
        stream(model, tokenizer(text, return_tensors="pt").input_ids, 1)[0, 1:].mean(0)
        for text in TEXTS[:3]
    ]
    close(vector.vectors[1], (means[0] + means[1]) / 2 - means[2])


def test_the_mean_of_a_single_token_is_that_token():
    model, tokenizer = random_model("gpt2"), make_tokenizer("gpt2")
    vector = concept(model, tokenizer, ["dog"], ["cat"], 1, position="mean").vectors[1]
    close(vector, at(model, tokenizer, "dog", 1) - at(model, tokenizer, "cat", 1))


def test_no_padding_token_is_needed():
    model, tokenizer = random_model("gpt2"), make_tokenizer("gpt2")
    vector = concept(model, tokenizer, TEXTS[:2], TEXTS[2:3], 1)
    perplexity = steering.perplexity_of(model, tokenizer, TEXTS[:2], [" ran", " sat on snow"])
    tokenizer.pad_token = None
    again = concept(model, tokenizer, TEXTS[:2], TEXTS[2:3], 1)
    close(again.vectors[1], vector.vectors[1])
    assert steering.perplexity_of(
        model, tokenizer, TEXTS[:2], [" ran", " sat on snow"]
    ) == pytest.approx(perplexity)


def test_caa_is_the_mean_over_pairs_at_the_end_of_the_completions(pair):
    model, tokenizer = pair
    vector = caa(model, tokenizer, PAIRS, [0, 2])
    differences = [
        at(model, tokenizer, p + a, 2) - at(model, tokenizer, p + b, 2) for p, a, b in PAIRS
    ]
    close(vector.vectors[2], sum(differences) / 2)
    assert vector.blocks == [0, 2]
    assert vector.at(2).blocks == [2]
    assert vector.prompts == tuple(PAIRS)


def test_actadd_pads_the_shorter_prompt_with_spaces_that_are_read(pair):
    model, tokenizer = pair
    vector = actadd(model, tokenizer, "dog", TEXTS[0], 1).vectors[1]
    [space] = tokenizer(" ", add_special_tokens=False).input_ids
    ids = [tokenizer(text).input_ids for text in ("dog", TEXTS[0])]
    ids[0] = ids[0] + [space] * (len(ids[1]) - len(ids[0]))
    rows = [stream(model, torch.tensor([row]), 1)[0] for row in ids]
    close(vector, rows[0] - rows[1])


def test_a_random_vector_has_the_norm_of_every_position_and_another_direction(llama):
    vector = actadd(*llama, "my dog", "a cat sat", 1)
    first, again, second = (random_like(vector, seed).vectors[1] for seed in (0, 0, 1))
    torch.testing.assert_close(first.norm(dim=-1), vector.vectors[1].norm(dim=-1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, second)


# Where they are added


@pytest.mark.parametrize("block", [1, N_BLOCKS - 1])
def test_a_concept_is_added_everywhere_in_prefill_and_decoding(pair, block):
    model, tokenizer = pair
    vector = concept(model, tokenizer, TEXTS[:1], TEXTS[1:2], block)
    with Passes(model, block) as passes, vector.apply(model, -1.5):
        generate(model, tokenizer, [PROMPT, PROMPT])
    assert [x.shape[1] > 1 for x in passes.added] == [True, False, False]
    expected_everywhere(passes, vector.vectors[block], -1.5)


def test_caa_is_added_from_the_last_prompt_token_on(pair):
    model, tokenizer = pair
    vector = caa(model, tokenizer, PAIRS, 1)
    with Passes(model, 1) as passes, vector.apply(model, 2.0):
        generate(model, tokenizer, [PROMPT, "my dog"])
    prefill, *decoding = passes.added
    close(prefill[:, -1], (2.0 * vector.vectors[1]).expand_as(prefill[:, -1]))
    assert not prefill[:, :-1].any()
    for added in decoding:
        close(added, (2.0 * vector.vectors[1]).expand_as(added))


def test_caa_finds_the_last_token_before_padding_on_the_right(llama):
    model, tokenizer = llama
    vector = caa(model, tokenizer, PAIRS, 1)
    batch = tokenizer([PROMPT, "my dog"], return_tensors="pt", padding=True, padding_side="right")
    ends = batch.attention_mask.sum(-1) - 1
    with Passes(model, 1) as passes, vector.apply(model):
        model(**batch)
    for row, end in zip(passes.added[0], ends.tolist(), strict=True):
        assert not row[:end].any()
        close(row[end], vector.vectors[1])


@pytest.mark.parametrize("side", ["left", "right"])
def test_caa_steers_the_tokens_of_a_completion_read_in_one_pass(llama, side):
    model, tokenizer = llama
    vector = caa(model, tokenizer, PAIRS, 1)
    prompts, texts = [PROMPT, "my dog"], [PROMPT + " very much", "my dog ran to him but she"]
    ends = [len(tokenizer(prompt).input_ids) for prompt in prompts]
    batch = tokenizer(texts, return_tensors="pt", padding=True, padding_side=side)
    with Passes(model, 1) as passes, vector.apply(model, 2.0, prompt_tokens=ends):
        model(**batch)
    for row, mask, end in zip(passes.added[0], batch.attention_mask.bool(), ends, strict=True):
        assert not row[mask][: end - 1].any()
        close(row[mask][end - 1 :], (2.0 * vector.vectors[1]).expand(mask.sum() - end + 1, -1))


def test_with_prompt_tokens_chunks_and_passes_without_a_cache_are_one(llama):
    model, tokenizer = llama
    vector = caa(model, tokenizer, PAIRS, 1)
    ids = tokenizer(PROMPT, return_tensors="pt").input_ids
    with vector.apply(model, 2.0, prompt_tokens=5):
        whole = model(ids).logits
        begun = model(ids[:, :3])
        close(model(ids[:, 3:], past_key_values=begun.past_key_values).logits, whole[:, 3:])
    with vector.apply(model, 2.0, prompt_tokens=ids.shape[1]):
        cached = generate(model, tokenizer, [PROMPT])
        assert torch.equal(generate(model, tokenizer, [PROMPT], use_cache=False), cached)


def test_what_could_be_prompt_or_written_is_refused(llama):
    model, tokenizer = llama
    ids = tokenizer(PROMPT, return_tensors="pt").input_ids
    with caa(model, tokenizer, PAIRS, 1).apply(model):
        begun = model(ids[:, :3])
        with pytest.raises(ValueError, match="4 tokens behind 3 in the cache"):
            model(ids[:, 3:7], past_key_values=begun.past_key_values)
        model(ids[:, :6])
        model(ids[:, :7])  # another prompt, that happens to begin like the one before
    for wrong in (0, [2, 0], []):
        with pytest.raises(ValueError, match="number of tokens of the prompt"):
            with caa(model, tokenizer, PAIRS, 1).apply(model, 1.0, wrong):
                pass
    with caa(model, tokenizer, PAIRS, 1).apply(model, prompt_tokens=[2, 3]):
        with pytest.raises(ValueError, match="2 numbers and the batch 1 rows"):
            model(ids)


def test_actadd_refuses_a_prompt_that_is_in_the_cache_already(llama):
    model, tokenizer = llama
    ids = tokenizer(PROMPT, return_tensors="pt").input_ids
    cache = model(ids[:, :4]).past_key_values
    with actadd(model, tokenizer, "my dog", "a cat", 1).apply(model):
        with pytest.raises(ValueError, match="first 4 tokens"):
            model(ids[:, 4:], past_key_values=cache)


@pytest.mark.parametrize("kind", ["caa", "actadd"])
def test_a_static_cache_and_its_masks_change_nothing(pair, kind):
    model, tokenizer = pair
    prompts = [PROMPT, "we saw red stars"]
    vector = (
        caa(model, tokenizer, PAIRS, 1)
        if kind == "caa"
        else actadd(model, tokenizer, "my dog", "a cat", 1)
    )
    added = []
    for options in ({}, {"cache_implementation": "static"}):
        with Passes(model, 1) as passes, vector.apply(model, 2.0):
            generate(model, tokenizer, prompts, new=2, **options)
        added.append(passes.added[0])
    batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    real = batch.attention_mask.bool()
    close(added[1][real], added[0][real])
    assert added[0][1].any()


def test_actadd_is_added_at_the_first_positions_in_prefill_only(pair):
    model, tokenizer = pair
    vector = actadd(model, tokenizer, "my dog", "a cat sat", 1)
    rows = vector.vectors[1]
    with Passes(model, 1) as passes, vector.apply(model, 3.0):
        generate(model, tokenizer, [PROMPT, "we saw red stars"])
    prefill, *decoding = passes.added
    mask = tokenizer(
        [PROMPT, "we saw red stars"], return_tensors="pt", padding=True, padding_side="left"
    ).attention_mask
    for row, first in zip(prefill, mask.argmax(-1).tolist(), strict=True):
        close(row[first : first + len(rows)], 3.0 * rows)
        assert not row[first + len(rows) :].any()
        assert not row[:first].any()
    assert decoding and not any(added.any() for added in decoding)


def test_without_a_cache_actadd_says_the_same(llama):
    model, tokenizer = llama
    vector = actadd(model, tokenizer, "my dog", "a cat", 1)
    with vector.apply(model, 2.0):
        cached = generate(model, tokenizer, [PROMPT])
        assert torch.equal(cached, generate(model, tokenizer, [PROMPT], use_cache=False))


def test_caa_refuses_to_go_without_a_cache(llama):
    model, tokenizer = llama
    with caa(model, tokenizer, PAIRS, 1).apply(model):
        with pytest.raises(ValueError, match="use_cache"):
            generate(model, tokenizer, [PROMPT], use_cache=False)
        generate(model, tokenizer, [PROMPT])
    assert generate(model, tokenizer, [PROMPT], use_cache=False) is not None


def test_beams_are_steered_in_every_row(llama):
    model, tokenizer = llama
    vector = concept(model, tokenizer, TEXTS[:1], TEXTS[1:2], 1)
    with Passes(model, 1) as passes, vector.apply(model):
        generate(model, tokenizer, [PROMPT], num_beams=3)
    assert {len(added) for added in passes.added} == {3}
    expected_everywhere(passes, vector.vectors[1], 1.0)


def test_a_float32_vector_steers_a_bfloat16_model(llama):
    model, tokenizer = llama
    vector = concept(model, tokenizer, TEXTS[:1], TEXTS[1:2], 1)
    half = model.to(torch.bfloat16)
    assert steering.fingerprint(half) == vector.fingerprint
    stored_in_float16 = random_model("llama").half()
    prints = [
        steering.fingerprint(copy.deepcopy(stored_in_float16).to(dtype))
        for dtype in (torch.float16, torch.float32, torch.bfloat16)
    ]
    assert len(set(prints)) == 1
    before = half(torch.tensor([[5, 6]])).logits
    with vector.apply(half, 4.0):
        steered = half(torch.tensor([[5, 6]])).logits
    assert steered.dtype == torch.bfloat16
    assert not torch.equal(steered, before)


def test_nested_vectors_add_up(llama):
    model, tokenizer = llama
    a = concept(model, tokenizer, TEXTS[:1], TEXTS[1:2], 1)
    b = caa(model, tokenizer, PAIRS, 1)
    with Passes(model, 1) as passes, a.apply(model), b.apply(model, 2.0):
        model(torch.tensor([[5, 6, 7]]))
    close(passes.added[0][0, 0], a.vectors[1])
    close(passes.added[0][0, -1], a.vectors[1] + 2 * b.vectors[1])


# Nothing is left behind


class Interrupt(BaseException):
    pass


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt, Interrupt])
@pytest.mark.parametrize("kind", ["concept", "caa", "actadd"])
def test_hooks_are_left_exactly_as_found(llama, kind, error):
    model, tokenizer = llama
    model(torch.tensor([[5]]), output_hidden_states=True)  # transformers puts its own hooks on
    handles = [block.register_forward_hook(lambda *given: None) for block in model.model.layers]
    vector = {
        "concept": lambda: concept(model, tokenizer, TEXTS[:1], TEXTS[1:2], 1),
        "caa": lambda: caa(model, tokenizer, PAIRS, 1),
        "actadd": lambda: actadd(model, tokenizer, "dog", "cat", 1),
    }[kind]()
    found = hooks(model)
    plain = generate(model, tokenizer, [PROMPT])
    try:
        with vector.apply(model, 2.0):
            generate(model, tokenizer, [PROMPT])
            if error:
                raise error
    except BaseException as raised:
        assert type(raised) is error
    assert hooks(model) == found
    assert torch.equal(generate(model, tokenizer, [PROMPT]), plain)
    assert len(handles) == N_BLOCKS


def test_a_failing_forward_pass_leaves_no_hook(llama):
    model, tokenizer = llama
    vector = actadd(model, tokenizer, TEXTS[0], TEXTS[1], 1)
    found = hooks(model)
    with pytest.raises(ValueError, match="3 tokens and the vector 7"):
        with vector.apply(model):
            generate(model, tokenizer, ["my dog"])
    assert hooks(model) == found


def test_a_short_row_of_a_batch_is_refused_too(llama):
    model, tokenizer = llama
    with actadd(model, tokenizer, "a cat sat on", "my dog", 1).apply(model):
        with pytest.raises(ValueError, match="3 tokens and the vector 5"):
            generate(model, tokenizer, [PROMPT, "my dog"])


# Refusals


def test_a_vector_of_another_model_is_refused(llama):
    vector = concept(*llama, TEXTS[:1], TEXTS[1:2], 1)
    other = random_model("llama", seed=1)
    with pytest.raises(ValueError, match="has other weights"):
        with vector.apply(other):
            pass
    assert not any(block._forward_hooks for block in other.model.layers)


def test_a_vector_of_another_width_or_block_is_refused(llama):
    model, tokenizer = llama
    vector = concept(model, tokenizer, TEXTS[:1], TEXTS[1:2], 1)
    with pytest.raises(ValueError, match="16 wide .* is 192 wide"):
        with vector.apply(load_lm("course-lm", device="cpu")[0]):
            pass
    far = steering.replace(vector, vectors={7: vector.vectors[1]})
    with pytest.raises(ValueError, match="block 7; this model's blocks are 0 to 3"):
        with far.apply(model):
            pass


@pytest.mark.parametrize("strength", [math.nan, math.inf])
def test_a_strength_that_is_no_number_is_refused(llama, strength):
    with pytest.raises(ValueError, match="finite"):
        with concept(*llama, TEXTS[:1], TEXTS[1:2], 1).apply(llama[0], strength):
            pass


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda m, t: concept(m, t, [], TEXTS, 1), "at least one of each"),
        (lambda m, t: concept(m, t, "my dog", TEXTS, 1), "lists of texts"),
        (lambda m, t: concept(m, t, TEXTS, TEXTS, 1, position="first"), "'last' or 'mean'"),
        (lambda m, t: concept(m, t, TEXTS, TEXTS, 9), "blocks are 0 to 3"),
        (lambda m, t: caa(m, t, [], 1), "No pairs"),
        (lambda m, t: caa(m, t, PAIRS, []), "give a number, or several"),
        (lambda m, t: actadd(m, t, "dog", "cat", ()), "give a number, or several"),
        (
            lambda m, t: steering.replace(caa(m, t, PAIRS, 1), vectors={}),
            "vector without blocks",
        ),
        (
            lambda m, t: steering.replace(caa(m, t, PAIRS, 1), positions="late"),
            "give one of 'everywhere'",
        ),
        (lambda m, t: concept(m, t, TEXTS[:1], TEXTS[1:2], 1).at(2), "has no block 2"),
    ],
)
def test_bad_input_is_refused(llama, make, match):
    with pytest.raises(ValueError, match=match):
        make(*llama)


def test_a_text_without_tokens_is_refused():
    model, tokenizer = random_model("gpt2"), make_tokenizer("gpt2")
    with pytest.raises(ValueError, match="no tokens"):
        concept(model, tokenizer, ["my dog", ""], TEXTS, 1)


# Joined and saved


def test_a_sum_and_a_slerp_of_vectors(llama):
    model, tokenizer = llama
    a = concept(model, tokenizer, TEXTS[:1], TEXTS[1:2], [1, 2])
    b = concept(model, tokenizer, TEXTS[2:3], TEXTS[3:], [1, 2])
    close((a + b).vectors[2], a.vectors[2] + b.vectors[2])
    close(a.slerp(b, 0.3).vectors[1], steering.slerp(a.vectors[1], b.vectors[1], 0.3))
    assert (a + b).method == "sum of concept, last token and concept, last token"


def test_vectors_that_do_not_fit_do_not_join(llama):
    model, tokenizer = llama
    a = concept(model, tokenizer, TEXTS[:1], TEXTS[1:2], 1)
    for other in (
        concept(model, tokenizer, TEXTS[:1], TEXTS[1:2], 2),
        caa(model, tokenizer, PAIRS, 1),
        concept(random_model("llama", 1), tokenizer, TEXTS[:1], TEXTS[1:2], 1),
    ):
        with pytest.raises(ValueError, match="do not join"):
            a + other
    short, long = (actadd(model, tokenizer, "dog", text, 1) for text in ("cat", TEXTS[0]))
    with pytest.raises(ValueError, match="do not join"):
        short.slerp(long, 0.5)


def test_a_vector_survives_a_file(llama, tmp_path):
    vector = caa(*llama, PAIRS, [0, 3])
    path = tmp_path / "vector.safetensors"
    vector.save(path)
    again = SteeringVector.load(path)
    for block in (0, 3):
        assert torch.equal(again.vectors[block], vector.vectors[block])
    for name in ("positions", "method", "prompts", "model", "fingerprint"):
        assert getattr(again, name) == getattr(vector, name)
    with again.apply(llama[0]):
        pass


def test_a_file_of_something_else_is_refused(tmp_path):
    save_file({"weight": torch.zeros(2)}, tmp_path / "weights.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    with pytest.raises(ValueError, match="holds no steering vector"):
        SteeringVector.load(tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="no safetensors file"):
        SteeringVector.load(tmp_path / "text.safetensors")


@pytest.mark.parametrize(
    "about",
    [
        "{}",
        "no json",
        '{"prompts": [], "positions": "everywhere"}',
        '{"prompts": [], "positions": "late", "method": "", "model": "", "fingerprint": ""}',
    ],
)
def test_a_file_with_half_of_its_metadata_is_refused(tmp_path, about):
    path = tmp_path / "half.safetensors"
    save_file({"block.1": torch.zeros(2)}, path, metadata={"steering_vector": about})
    with pytest.raises(ValueError, match="holds no steering vector"):
        SteeringVector.load(path)


def test_the_provenance_names_the_model_and_no_path_of_this_machine():
    model, tokenizer = load_lm("course-lm", device="cpu")
    vector = concept(model, tokenizer, ["I love you because"], ["I hate you because"], 3)
    assert vector.model == "course-lm"
    assert vector.prompts == (("I love you because",), ("I hate you because",))


# By hand


def test_slerp_stays_on_the_arc():
    a, b = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    half = steering.slerp(a, b, 0.5)
    torch.testing.assert_close(half, torch.tensor([math.sqrt(2), math.sqrt(2), 0.0]))
    torch.testing.assert_close(steering.slerp(a, 2 * a, 0.25), 1.25 * a)
    for one, other in ((a, -2 * a), (a, 0 * a), (0 * a, a), (a, math.nan * b)):
        with pytest.raises(ValueError, match="opposite|zero|NaN"):
            steering.slerp(one, other, 0.5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_slerp_knows_opposite_vectors_in_half_precision(dtype):
    a = torch.linspace(-1, 2, 64)
    with pytest.raises(ValueError, match="opposite"):
        steering.slerp(a.to(dtype), (-0.37 * a).to(dtype), 0.5)
    torch.testing.assert_close(
        steering.slerp(a.to(dtype), (3 * a).to(dtype), 0.5).float(), 2 * a, rtol=0.02, atol=0.02
    )


def test_the_share_of_a_kind_counts_as_the_model_card_does():
    rng = random.Random(0)
    said = [*words.POSITIVE, *words.NEGATIVE, "the", "movie"]
    texts = [
        " ".join(rng.choice(said) + rng.choice(["", ".", ',"']) for _ in range(9)) for _ in "abc"
    ]
    found = [word for text in texts for word in evaluate._words(text)]
    good, bad = (sum(word in kind for word in found) for kind in (words.POSITIVE, words.NEGATIVE))
    assert steering.share_of_kind(texts, words.POSITIVE, words.NEGATIVE) == good / (good + bad)
    assert math.isnan(steering.share_of_kind(["the movie"], words.POSITIVE, words.NEGATIVE))


def test_perplexity_counts_the_tokens_behind_the_prompts(pair):
    model, tokenizer = pair
    prompts, texts = ["my dog", "the old king said"], [" ran to him", " yes"]
    losses = []
    for prompt, text in zip(prompts, texts, strict=True):
        begin = len(tokenizer(prompt).input_ids)
        ids = tokenizer(prompt + text, return_tensors="pt").input_ids
        logs = model(ids).logits[0].log_softmax(-1)
        losses += [-logs[i - 1, ids[0, i]].item() for i in range(begin, ids.shape[1])]
    expected = math.exp(sum(losses) / len(losses))
    found = steering.perplexity_of(model, tokenizer, prompts, texts)
    assert found == pytest.approx(expected, rel=1e-4)
    assert math.isnan(steering.perplexity_of(model, tokenizer, prompts, ["", ""]))


def test_the_class_steers_and_stops(pair):
    model, tokenizer = pair
    llm = steering.LLMSteering(model, tokenizer)
    plain = llm.generate(PROMPT, 4, do_sample=False)
    llm.set_steering(TEXTS[0], TEXTS[1], layer=1, strength=2.0)
    vector = at(model, tokenizer, TEXTS[0], 1) - at(model, tokenizer, TEXTS[1], 1)
    with Passes(model, 1) as passes:
        llm.generate(PROMPT, 4, do_sample=False)
    expected_everywhere(passes, vector, 2.0)
    llm.remove_steering()
    assert llm.generate(PROMPT, 4, do_sample=False) == plain


def test_a_hook_keeps_the_rest_of_a_tuple():
    hook = steering.steering_hook(torch.ones(3), 2.0)
    hidden, rest = torch.zeros(2, 4, 3), object()
    changed, same = hook(nn.Identity(), (), (hidden, rest))
    assert same is rest
    assert torch.equal(changed, torch.full((2, 4, 3), 2.0))
