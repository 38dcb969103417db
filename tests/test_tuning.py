"""What a step costs, and techniques that must not change what it computes."""

import math
import weakref

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from course_utils import tuning
from course_utils.tuning import Variant, measure


def network(seed=0, width=8):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, width))


def training(model, x, optimizer=None):
    def step():
        model.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        if optimizer:
            optimizer.step()
        return loss

    return Variant(step, len(x), model, optimizer)


# Counting


def test_saved_bytes_counts_each_storage_once_and_no_parameter():
    x, weight = torch.ones(4, 6, requires_grad=True), torch.ones(6, 6, requires_grad=True)
    assert tuning.saved_bytes(lambda: x.exp()) == 4 * 24
    assert tuning.saved_bytes(lambda: (x * x, x.T * x.T)) == 4 * 24
    assert tuning.saved_bytes(lambda: (x @ weight).tanh(), [weight]) == 4 * (24 + 24)
    assert tuning.saved_bytes(lambda: x.detach().exp()) == 0


def test_counting_keeps_nothing():
    x = torch.ones(4, requires_grad=True)
    results = []

    def forward():
        results.append(weakref.ref(x.exp().sin()))

    tuning.saved_bytes(forward)
    tuning.peak_saved_bytes(forward)
    assert [result() for result in results] == [None, None]


def test_the_peak_is_that_of_one_graph_where_graphs_follow_each_other():
    x = torch.ones(100, requires_grad=True)

    def one():
        x.exp().sum().backward()

    def three():
        for _ in range(3):
            one()

    assert tuning.peak_saved_bytes(three) == tuning.peak_saved_bytes(one) == 400
    assert tuning.saved_bytes(three) == 3 * 400


def test_arithmetic_intensity_of_one_row_is_that_of_a_matrix_times_vector():
    assert tuning.arithmetic_intensity(1, 4096, 4096) == pytest.approx(1, rel=1e-3)
    assert tuning.arithmetic_intensity(1, 4096, 4096, weight_bytes=0.5) == pytest.approx(
        4, rel=3e-3
    )
    assert tuning.arithmetic_intensity(4096, 4096, 4096) == pytest.approx(4096 / 3)


# Measuring


def test_measure_counts_the_parts():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters())
    x = torch.randn(5, 8)
    costs = measure({"a": training(model, x, optimizer)}, repeats=2).costs
    parameters = 4 * 2 * (64 + 8)
    assert costs["a"].bytes == {
        "parameters": parameters,
        "gradients": parameters,
        "optimizer": 2 * parameters + 4 * 4,
        "saved": 4 * (40 + 40 + 40),  # the input, tanh's output, the output that is squared
    }
    assert len(costs["a"].seconds) == 2


def test_rounds_are_interleaved_and_begin_with_another_variant_each():
    order = []
    model = network()

    def step(name):
        order.append(name)
        return 1.0

    variants = {n: Variant(lambda n=n: step(n), 1, model) for n in "abc"}
    measure(variants, repeats=3)
    assert "".join(order) == "abc" + "abc" + "bca" + "cab"


def test_ratios_are_those_of_a_round_for_a_token():
    now = iter([0, 1, 10, 14, 20, 28, 30, 32])
    model = network()
    variants = {"one": Variant(lambda: 1.0, 1, model), "two": Variant(lambda: 1.0, 2, model)}
    found = measure(variants, repeats=2, clock=lambda: next(now))
    assert found.costs["one"].seconds == (1, 2)
    assert found.costs["two"].seconds == (4, 8)
    assert found.times() == {"one": (1, 1, 1), "two": (2, 2, 2)}
    assert found.costs["two"].tokens_per_second == pytest.approx(1 / 3)


def test_variants_with_other_losses_are_not_compared():
    model = network()
    variants = {"a": Variant(lambda: 1.0, 1, model), "b": Variant(lambda: 1.01, 1, model)}
    with pytest.raises(ValueError, match="'b' has a loss of 1.01, 'a' of 1"):
        measure(variants)
    assert measure(variants, 1, tolerance=0.1).costs["b"].loss == 1.01
    nan = {"a": Variant(lambda: 1.0, 1, model), "b": Variant(lambda: float("nan"), 1, model)}
    with pytest.raises(ValueError, match="loss of nan"):
        measure(nan)


def test_nothing_to_measure_is_refused():
    with pytest.raises(ValueError, match="0 variants"):
        measure({})
    with pytest.raises(ValueError, match="0 rounds"):
        measure({"a": Variant(lambda: 1.0, 1, network())}, repeats=0)


def test_the_tables():
    model = network()
    variants = {n: training(model, torch.randn(5, 8)) for n in ("a", "b")}
    found = measure(variants, 1, tolerance=None)
    assert found.memory().splitlines()[0].split() == [
        *("MB", "parameters", "gradients", "optimizer", "saved", "all", "ratio")
    ]
    assert found.memory().splitlines()[2].split()[0] == "b"
    assert found.memory().splitlines()[2].split()[-1] == "1.00"
    assert len(str(found).splitlines()) == 3
    assert found.megabytes()["a"]["saved"] == pytest.approx(480e-6)


# Training


def batches(seed=0):
    generator = torch.Generator().manual_seed(seed)
    made = []
    for rows, length, padding in ((3, 7, 2), (1, 4, 0), (2, 9, 5), (1, 2, 2)):
        ids = torch.randint(0, 11, (rows, length), generator=generator)
        targets = torch.randint(0, 11, (rows, length), generator=generator)
        targets[:, length - padding :] = tuning.IGNORED
        made.append((ids, targets))
    return made


def test_accumulated_gradients_are_those_of_the_whole_batch():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(11, 6), nn.Linear(6, 11))
    parts = batches()
    logits = torch.cat([model(ids).flatten(0, 1) for ids, _ in parts])
    targets = torch.cat([targets.flatten() for _, targets in parts])
    loss = F.cross_entropy(logits, targets)
    expected = torch.autograd.grad(loss, list(model.parameters()))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)  # of an earlier step
    assert tuning.accumulate(model, parts) == pytest.approx(loss.item(), rel=1e-6)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-6)


def blocks(n=5, dropout=0.0):
    torch.manual_seed(0)
    return [nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Dropout(dropout)) for _ in range(n)]


@pytest.mark.parametrize("k", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("needs_gradient", [True, False])
def test_checkpointed_is_exact(k, needs_gradient):
    layers = blocks(dropout=0.3)
    x = torch.randn(4, 6, requires_grad=needs_gradient)
    torch.manual_seed(1)
    whole = nn.Sequential(*layers)(x)
    inputs = [p for layer in layers for p in layer.parameters()] + [x] * needs_gradient
    expected = torch.autograd.grad(whole.square().sum(), inputs)
    torch.manual_seed(1)
    y = tuning.checkpointed(layers, x, k)
    torch.testing.assert_close(y, whole, rtol=0, atol=0)
    after = torch.get_rng_state()
    found = torch.autograd.grad(y.square().sum(), inputs)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)
    assert torch.equal(torch.get_rng_state(), after)


def test_recompute_is_what_the_library_does():
    layer, x = blocks(1)[0], torch.randn(4, 6, requires_grad=True)
    library = checkpoint(layer, x, use_reentrant=False).sum()
    mine = tuning.recompute(layer, x).sum()
    inputs = [x, *layer.parameters()]
    one, other = (torch.autograd.grad(loss, inputs) for loss in (library, mine))
    torch.testing.assert_close(one, other)


def test_checkpoints_keep_the_inputs_and_one_segment():
    layers = blocks(6)
    x = torch.randn(100, 6, requires_grad=True)
    parameters = [p for layer in layers for p in layer.parameters()]
    tensor = 4 * 100 * 6

    def peak(k):
        return tuning.peak_saved_bytes(
            lambda: tuning.checkpointed(layers, x, k).sum().backward(), parameters
        )

    whole = tuning.peak_saved_bytes(lambda: nn.Sequential(*layers)(x).sum().backward(), parameters)
    assert whole == 7 * tensor  # the input, and tanh's outputs
    assert peak(1) <= 8 * tensor
    assert peak(2) <= 6 * tensor
    assert peak(3) <= 6 * tensor


def test_checkpoints_of_no_blocks_are_refused():
    with pytest.raises(ValueError, match="k is 0"):
        tuning.checkpointed(blocks(), torch.ones(1, 6), 0)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: tuning.accumulate(network(), []), "No target counts in 0 micro-batches"),
        (lambda: tuning.pad_batch([], 0), "0 texts, multiple 1"),
        (lambda: tuning.pad_batch([[1]], 0, 0), "1 texts, multiple 0"),
        (lambda: tuning.LoRALinear(nn.Linear(2, 2), 0, 1), "rank is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_pad_batch():
    batch = tuning.pad_batch([[5, 6, 7], [8], [7, 7]], pad_id=7, multiple=2)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 7], [8, 7, 7, 7], [7, 7, 7, 7]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    assert batch["labels"].tolist() == [
        [5, 6, 7, -100],
        [8, -100, -100, -100],
        [7, 7, -100, -100],
    ]


def test_batches_of_the_corpus_are_made_when_they_are_asked_for():
    from course_utils.models import load_lm

    batches = tuning.CorpusBatches(load_lm()[1], count=3, rows=2, window=64)
    assert len(batches) == 3
    assert batches[1].shape == (2, 64)
    assert torch.equal(batches[1], batches[1])
    assert not torch.equal(batches[1], batches[2])


# LoRA and int8


def adapted(seed=0, bias=True):
    torch.manual_seed(seed)
    base = nn.Linear(7, 5, bias=bias)
    layer = tuning.LoRALinear(base, rank=3, alpha=6)
    return base, layer


def test_lora_starts_as_its_base_and_trains_a_and_b_alone():
    base, layer = adapted()
    x = torch.randn(2, 4, 7)
    assert torch.equal(layer(x), base(x))
    assert [n for n, p in layer.named_parameters() if p.requires_grad] == ["A", "B"]
    layer(x).sum().backward()
    assert layer.B.grad.abs().sum() > 0


@pytest.mark.parametrize("bias", [True, False])
def test_lora_merges_into_a_plain_layer(bias):
    base, layer = adapted(bias=bias)
    nn.init.normal_(layer.B)
    before = base.weight.clone()
    merged, x = layer.merged(), torch.randn(2, 4, 7)
    assert type(merged) is nn.Linear
    torch.testing.assert_close(merged(x), layer(x), rtol=1e-5, atol=1e-5)
    assert torch.equal(base.weight, before)
    assert not torch.allclose(merged(x), base(x))


def test_lora_is_what_peft_was_seen_to_compute():
    """Recorded from peft 0.21.2 for a base, A and B that are written down here."""

    def grid(*shape):
        return torch.linspace(-1, 1, math.prod(shape)).view(shape)

    base = nn.Linear(4, 3)
    layer = tuning.LoRALinear(base, rank=2, alpha=6)
    parameters = (base.weight, base.bias, layer.A, layer.B)
    values = (grid(3, 4), grid(3), grid(2, 4), grid(3, 2) + 0.5)
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)
    output = [[-1.379963, -0.083117, 1.213729], [-1.569945, 3.051577, 7.673097]]
    weight = [
        [0.457143, 0.124675, -0.207792, -0.540260],
        [-0.872727, 0.166234, 1.205195, 2.244156],
        [-2.202598, 0.207792, 2.618182, 5.028571],
    ]
    torch.testing.assert_close(layer(grid(2, 4)), torch.tensor(output), rtol=0, atol=1e-5)
    torch.testing.assert_close(layer.merged().weight, torch.tensor(weight), rtol=0, atol=1e-5)


def test_lora_is_that_of_the_installed_peft():
    peft = pytest.importorskip("peft")
    base, layer = adapted()
    nn.init.normal_(layer.B)
    model = nn.Sequential(nn.Linear(7, 5))
    model[0].load_state_dict(base.state_dict())
    config = peft.LoraConfig(r=3, lora_alpha=6, target_modules=["0"])
    theirs = peft.get_peft_model(model, config)
    with torch.no_grad():
        theirs.base_model.model[0].lora_A["default"].weight.copy_(layer.A)
        theirs.base_model.model[0].lora_B["default"].weight.copy_(layer.B)
    x = torch.randn(2, 4, 7)
    torch.testing.assert_close(layer(x), theirs(x))
    torch.testing.assert_close(layer.merged()(x), theirs.merge_and_unload()(x))


def test_int8_is_within_half_a_step_of_the_weights():
    torch.manual_seed(0)
    linear = nn.Linear(40, 6)
    with torch.no_grad():
        linear.weight[2] *= 100
        linear.weight[3] = 0
    layer = tuning.Int8Linear(linear)
    assert layer.values.dtype == torch.int8
    assert layer.values.abs().amax(1).tolist() == [127, 127, 127, 0, 127, 127]
    error = (layer.dequantized() - linear.weight).abs()
    assert (error <= layer.scale / 2 * 1.001).all()
    x = torch.randn(3, 40)
    expected = F.linear(x, layer.dequantized(), linear.bias)
    torch.testing.assert_close(layer(x), expected)
    assert tuning.tensor_bytes(layer.buffers()) == 6 * 40 + 6 * 4
