"""Judges of the exercises of ``10b_fine_tuning_and_inference``. Oracles: the formulas."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import small_weights as probes

TOLERANCE = 1e-4
SCALE_TOLERANCE = 1e-5
RANK, ALPHA = probes.RANK, probes.ALPHA

SENTENCES = {
    "fine_tuning_and_inference.lora": {
        "attributes/missing": (
            "The layer has no parameters A and B.",
            "self.A = nn.Parameter(...) of [rank, d_in], self.B of [d_out, rank].",
        ),
        "start/another-output": (
            "At first the layer's output is not its base's.",
            "B begins with zeros: then the update is zero.",
        ),
        "start/b-random": ("B does not begin with zeros.", "torch.zeros for B, random for A."),
        "start/both-zero": (
            "A and B are both zero: neither ever gets a gradient.",
            "A is drawn at random, B is zero.",
        ),
        "start/a-fixed": (
            "Every layer gets the same A: it is not drawn at random.",
            "torch.randn, or nn.init.normal_, without a seed of its own.",
        ),
        "start/a-one-row": (
            "The rows of A are equal: that is an update of rank 1.",
            "Every number of A is drawn for itself.",
        ),
        "start/swapped": (
            "A is zero and B is random: the other way round than in the paper.",
            "A is drawn at random, B is zero.",
        ),
        "shape/factors": (
            "A or B has another shape.",
            "A [rank, d_in], B [d_out, rank].",
        ),
        "scale/alpha-alone": ("The update is multiplied by alpha.", "alpha / rank."),
        "scale/none": ("The update is not scaled.", "alpha / rank."),
        "scale/rank-alone": ("The update is divided by the rank alone.", "alpha / rank."),
        "scale/inverted": ("The update is multiplied by rank / alpha.", "alpha / rank."),
        "scale/root": (
            "The update is divided by the root of the rank.",
            "alpha / rank; alpha / sqrt(rank) is a later variant.",
        ),
        "scale/twice": ("The update is scaled twice.", "alpha / rank, once."),
        "scale/product": ("The update is multiplied by alpha * rank.", "alpha / rank."),
        "scale/whole": ("alpha / rank is rounded down.", "/, not //."),
        "base/left-out": ("The base's output is missing.", "base(x) + the update."),
        "base/bias-lost": ("The base's bias is missing.", "base(x), not x @ base.weight.T."),
        "base/bias-twice": ("The bias is added twice.", "base(x) has it already."),
        "update/none": ("A and B have no effect.", "base(x) + scale * (x @ A.T @ B.T)"),
        "update/subtracted": ("The update is subtracted.", "Add it."),
        "base/trained": (
            "The base is still trained.",
            "base.requires_grad_(False) freezes weight and bias.",
        ),
        "base/bias-trained": (
            "The base's bias is still trained.",
            "base.requires_grad_(False) freezes weight and bias.",
        ),
        "base/copied": (
            "A copy of the base is frozen, the base that was given is still trained.",
            "base.requires_grad_(False), and keep base itself: a copy takes its memory again.",
        ),
        "train/not-registered": (
            "model.parameters() does not know A and B.",
            "nn.Parameter, as attributes of the module.",
        ),
        "train/no-gradient": (
            "A and B get no gradient.",
            "Compute forward with them, without .data, detach() or no_grad().",
        ),
        "train/input-cut": (
            "The input does not get its gradient: layers before this one learn something wrong.",
            "no_grad() around base(x) and detach() cut the graph: freezing parameters is enough.",
        ),
        "merge/none": ("The update is not in the merged layer.", "weight + scale * B @ A"),
        "merge/scale": ("The merged update is not scaled.", "weight + alpha / rank * B @ A"),
        "merge/twice": ("The update is merged twice.", "weight + scale * B @ A, once"),
        "merge/subtracted": ("The merged update is subtracted.", "weight + scale * B @ A"),
        "merge/bias-lost": ("The merged layer has no bias.", "Copy the base's bias, if any."),
        "merge/bias-other": (
            "The merged layer has another bias.",
            "A new nn.Linear draws a bias of its own: copy the base's.",
        ),
        "merge/bias-added": (
            "The merged layer has a bias, its base has none.",
            "nn.Linear(…, bias=base.bias is not None)",
        ),
        "merge/update-alone": (
            "The base's weight is not in the merged layer.",
            "weight + scale * B @ A",
        ),
        "merge/stale": (
            "merged() gives what it gave before: what A and B have learned since is not in it.",
            "Merge anew at every call.",
        ),
        "merge/wrapped": (
            "merged() does not return a plain nn.Linear.",
            "A new nn.Linear with the merged weight costs nothing more than the base.",
        ),
        "merge/changes-base": (
            "merged() changes the layer or its base.",
            "Make a new weight: base.weight + …, never +=.",
        ),
        "merge/no-bias-base": (
            "It fails for a base without bias.",
            "base.bias is None there: nn.Linear(…, bias=base.bias is not None).",
        ),
        "dtype/float32": (
            "A and B are float32 whatever the base is.",
            "dtype=base.weight.dtype, device=base.weight.device.",
        ),
        "dtype/merged": (
            "The merged layer is float32 whatever the base is.",
            "nn.Linear(…, dtype=base.weight.dtype)",
        ),
        "dtype/output": (
            "The output has another dtype than the base's.",
            "base(x) + scale * (x @ A.T @ B.T), without .float().",
        ),
    },
    "fine_tuning_and_inference.int8": {
        "attributes/missing": (
            "The layer has no tensors `values` and `scale`.",
            "self.register_buffer('values', …), self.register_buffer('scale', …).",
        ),
        "values/not-int8": ("The values are not int8.", ".to(torch.int8), after rounding."),
        "values/wrapped": (
            "Values wrap around: numbers above 127 became negative.",
            "The largest absolute value of a row has to become 127.",
        ),
        "values/shape": ("The values have another shape.", "That of the weight."),
        "scale/whole-tensor": (
            "There is one scale for all weights.",
            "One for each output: amax(dim=1, keepdim=True).",
        ),
        "scale/inputs": (
            "There is a scale for each input.",
            "One for each output, the rows of the weight: dim=1.",
        ),
        "scale/128": ("The scale is the largest weight / 128.", "127: int8 goes from -128 to 127."),
        "scale/255": (
            "The scale is that of 256 steps from the smallest to the largest weight.",
            "Symmetric: the largest absolute weight / 127.",
        ),
        "scale/not-absolute": (
            "The largest weight is taken, not the largest absolute one.",
            "weight.abs().amax(dim=1)",
        ),
        "scale/bits": (
            "The scale is that of another number of bits.",
            "8 bits: 127 steps on each side of 0.",
        ),
        "scale/rounded": (
            "The scale has lost digits: it is rounded to 16 bits, or something is added to it.",
            "Leave it as it is computed: largest / 127 in the weight's dtype.",
        ),
        "scale/mean": ("The scale follows the mean.", "The largest absolute weight / 127."),
        "scale/inverted": (
            "The scale is 127 / largest.",
            "largest / 127; weight = values * scale.",
        ),
        "round/toward-zero": (
            "The values are cut, not rounded.",
            ".round() before .to(torch.int8).",
        ),
        "round/plus-half": (
            "Negative values are rounded toward zero: 0.5 is added, then the rest is cut.",
            ".round() before .to(torch.int8).",
        ),
        "round/up": ("The values are rounded up.", ".round(), not .ceil()."),
        "values/signs": (
            "Negative values have lost their signs, or have become 0.",
            "abs() is for the scale alone; int8 goes from -128 to 127.",
        ),
        "round/down": ("The values are rounded down.", ".round(), not .floor()."),
        "again/no-scale": ("The values come back without their scale.", "values * scale"),
        "again/another": ("The weights do not come back.", "values * scale"),
        "again/rounded": (
            "The weights come back with fewer digits than values * scale has.",
            "values * scale, without .half() or .bfloat16().",
        ),
        "again/wrapped": (
            "The product wraps around in int8.",
            "values.float() * scale",
        ),
        "again/original": (
            "The original weights come back: they are still kept.",
            "Keep values and scale alone.",
        ),
        "zeros/nan": (
            "A row of zeros gives nan, or values other than 0.",
            "0 / 0: take a scale of 1 where the largest weight is 0.",
        ),
        "bias/lost": ("The bias is missing.", "F.linear(x, weight, self.bias)"),
        "bias/none": (
            "It fails for a layer without bias.",
            "linear.bias is None there; F.linear takes None.",
        ),
        "bias/twice": ("The bias is added twice.", "F.linear(x, weight, self.bias) adds it."),
        "bias/rounded": ("The bias is rounded.", "Only the weights are quantized."),
        "forward/transposed": ("The weights are transposed.", "x @ weight.T, or F.linear."),
        "forward/no-scale": (
            "forward takes the int8 values without their scale.",
            "F.linear(x, self.dequantized(), self.bias)",
        ),
        "forward/bias-scaled": (
            "The bias is multiplied by the scale.",
            "The scale belongs to the weights: add the bias afterwards.",
        ),
        "forward/inputs-rounded": (
            "The inputs are quantized too.",
            "Only the weights are: x stays as it is.",
        ),
        "forward/other": (
            "The output is not that of the dequantized weights.",
            "F.linear(x, self.dequantized(), self.bias)",
        ),
        "forward/original": (
            "forward uses the original weights.",
            "F.linear(x, self.dequantized(), self.bias)",
        ),
        "kept/float-weights": (
            "The original weights are still in memory, beside the quantized ones.",
            "Keep neither linear nor linear.weight, nor the dequantized weights between calls.",
        ),
        "kept/not-registered": (
            "values or scale is no buffer: state_dict() and .to(device) leave it out.",
            "self.register_buffer('values', …), self.register_buffer('scale', …).",
        ),
        "linear/changed": (
            "The layer that was given is changed.",
            "weight /= … changes it, requires_grad_(False) too: compute a new tensor.",
        ),
    },
}


def _drive(call: dict, expected: str, attribute: str = "") -> Refusal | None:
    """A refusal for a drive that raised."""
    if call["outcome"] != "raised":
        return None
    missing = call["error"] == "AttributeError" and attribute
    if missing and any(f"attribute '{name}'" in call["text"] for name in attribute.split()):
        return Refusal("attributes/missing", expected, common.error_text(call))
    return common.raised(call, expected)


def _close(one: object, other: Tensor) -> bool:
    return isinstance(one, Tensor) and common.close(one, other, TOLERANCE)


# LoRALinear


def lora_start(calls: list[dict], seed: int) -> Refusal | None:
    (call,) = calls
    base, x = probes.lora_inputs(seed, 51)
    d_in, d_out = base.in_features, base.out_features
    expected = f"A [{RANK}, {d_in}] at random, B [{d_out}, {RANK}] zero, the base's output"
    if refusal := _drive(call, expected, "A B"):
        return refusal
    a, b, y = (call["value"][key] for key in ("A", "B", "y"))
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return Refusal("attributes/missing", expected, "A or B is no tensor")
    if a.shape != (RANK, d_in) or b.shape != (d_out, RANK):
        seen = f"A {list(a.shape)}, B {list(b.shape)}"
        return Refusal("shape/factors", expected, seen)
    is_zero = not a.any(), not b.any()
    if is_zero != (False, True):
        slug = {
            (True, True): "start/both-zero",
            (True, False): "start/swapped",
            (False, False): "start/b-random",
        }[is_zero]
        names = [name for name, zero in zip("AB", is_zero, strict=True) if zero]
        return Refusal(slug, expected, f"zero: {' and '.join(names) or 'neither'}")
    if torch.equal(a, call["value"]["other"]):
        return Refusal("start/a-fixed", expected, f"twice A = {common.numbers(a)}")
    if (a == a[0]).all():
        return Refusal("start/a-one-row", expected, f"{RANK} times {common.numbers(a[0])}")
    right = base(x).detach()
    if not _close(y, right):
        if refusal := common.wrong_type(y, expected):
            return refusal
        guesses = [
            ("base/left-out", torch.zeros_like(right)),
            ("base/bias-lost", (x @ base.weight.T).detach()),
            ("base/bias-twice", right + base.bias.detach()),
        ]
        slug = _named(y, guesses, "start/another-output")
        return Refusal(slug, common.numbers(right), common.numbers(y))
    return None


def _guesses(base: nn.Linear, x: Tensor, a: Tensor, b: Tensor) -> list[tuple[str, Tensor]]:
    """The output under a misconception."""
    product = x @ a.T @ b.T
    plain, right = base(x), ALPHA / RANK
    without_bias = x @ base.weight.T
    bias = plain - without_bias
    scales = {
        "update/none": 0.0,
        "scale/alpha-alone": ALPHA,
        "scale/none": 1.0,
        "scale/rank-alone": 1 / RANK,
        "scale/inverted": RANK / ALPHA,
        "scale/root": ALPHA / RANK**0.5,
        "scale/twice": right**2,
        "scale/product": ALPHA * RANK,
        "scale/whole": ALPHA // RANK,
        "update/subtracted": -right,
    }
    return [
        *((slug, plain + scale * product) for slug, scale in scales.items()),
        ("base/left-out", right * product),
        ("base/bias-lost", without_bias + right * product),
        ("base/bias-twice", plain + bias + right * product),
    ]


@torch.no_grad()
def lora_values(calls: list[dict], seed: int) -> Refusal | None:
    for call, setting in zip(calls, probes.UPDATED, strict=True):
        base, x = probes.updated_inputs(seed, *setting)
        a, b = probes.update(seed, base)
        right = base(x) + ALPHA / RANK * (x @ a.T @ b.T)
        expected = f"base(x) + {ALPHA:g} / {RANK} x Aᵀ Bᵀ: {common.numbers(right, 4)}"
        if refusal := _drive(call, expected, "A B"):
            return refusal
        y = call["value"]["y"]
        if refusal := common.wrong_type(y, expected):
            return refusal
        if y.shape != right.shape:
            return Refusal("shape/wrong", str(list(right.shape)), str(list(y.shape)))
        if not _close(y, right):
            slug = _named(y, _guesses(base, x, a, b))
            return Refusal(slug, expected, common.numbers(y, 4))
    return common.mutation([call["value"] for call in calls])


def _named(seen: Tensor, guesses: list[tuple[str, Tensor]], otherwise: str = "value/wrong") -> str:
    return next((slug for slug, guess in guesses if _close(seen, guess)), otherwise)


@torch.no_grad()
def lora_trains(calls: list[dict], seed: int) -> Refusal | None:
    (call,) = calls
    expected = "A and B, and nothing else"
    if call["outcome"] == "raised" and "does not require grad" in call["text"]:
        return Refusal("train/no-gradient", expected, common.error_text(call))
    if refusal := _drive(call, expected, "A B"):
        return refusal
    value = call["value"]
    if not value["registered"]:
        return Refusal("train/not-registered", expected, "parameters() without A or B")
    if value["trained"]:
        only_bias = all(name.endswith("bias") for name in value["trained"])
        slug = "base/bias-trained" if only_bias else "base/trained"
        return Refusal(slug, expected, f"{' and '.join(value['trained'])} too")
    if any(value["base"]):
        return Refusal("base/trained", expected, "a gradient in the base")
    if any(not isinstance(g, Tensor) or not g.any() for g in value["gradients"]):
        return Refusal("train/no-gradient", expected, "A or B without a gradient")
    if not value["frozen"]:
        return Refusal("base/copied", expected, "the given base with requires_grad")
    return _input_cut(value["x"], value["y"], seed)


def _input_cut(seen: Tensor | None, y: Tensor, seed: int) -> Refusal | None:
    """Whether the gradient of the input lacks what comes through the base or through A and B."""
    base, _ = probes.lora_inputs(seed, 54)
    a, b = probes.update(seed, base)
    through_base, through_update = 2 * y @ base.weight, 2 * y @ b @ a
    expected = "the gradient of x, through the base and through A and B"
    if not isinstance(seen, Tensor):
        return Refusal("train/input-cut", expected, "None")
    factor = (seen * through_update).sum() / through_update.square().sum()
    if _close(seen, factor * through_update):
        return Refusal("train/input-cut", expected, "nothing through the base")
    if _close(seen, through_base):
        return Refusal("train/input-cut", expected, "nothing through A and B")
    return None


@torch.no_grad()
def lora_merged(calls: list[dict], seed: int) -> Refusal | None:
    for call, bias in zip(calls, (True, False), strict=True):
        base, x = probes.lora_inputs(seed, 55, bias=bias)
        a, b = probes.update(seed, base)
        update = x @ a.T @ b.T
        right = base(x) + ALPHA / RANK * update
        expected = f"merged()(x): {common.numbers(right, 4)}"
        if call["outcome"] == "raised" and not bias and calls[0]["outcome"] == "returned":
            return Refusal("merge/no-bias-base", expected, common.error_text(call))
        if refusal := _drive(call, expected, "A B"):
            return refusal
        value = call["value"]
        if refusal := _merged(value, base, x, update, right, expected):
            return refusal
    return None


def _merged(value: dict, base, x, update, right, expected) -> Refusal | None:
    own = value["layer"]  # the layer's own scale is judged elsewhere
    if value["type"] != "Linear":
        return Refusal("merge/wrapped", "a plain nn.Linear", f"a {value['type']}")
    y = value["y"]
    if not _close(y, right) and not _close(y, own):
        without_bias = right - (base(x) - x @ base.weight.T)
        guesses = [
            ("merge/none", base(x)),
            ("merge/scale", base(x) + update),
            ("merge/twice", 2 * right - base(x)),
            ("merge/subtracted", 2 * base(x) - right),
            ("merge/bias-lost", without_bias),
            ("merge/update-alone", right - x @ base.weight.T),
            ("merge/update-alone", ALPHA / RANK * update),
        ]
        if refusal := common.wrong_type(y, expected):
            return refusal
        slug = _named(y, guesses)
        if slug == "value/wrong" and y.shape == right.shape:
            rest = (y - right).flatten(0, -2)
            slug = "merge/bias-other" if _close(rest, rest[:1].expand_as(rest)) else slug
        return Refusal(slug, expected, common.numbers(y, 4))
    if value["bias"] and base.bias is None:
        return Refusal("merge/bias-added", "a layer without bias", "a bias")
    if not _close(value["base"], base(x)) or not _close(value["again"], y):
        told = "the base as it was, and the same again"
        return Refusal("merge/changes-base", told, common.numbers(value["again"], 4))
    if value["trained"]:
        return Refusal("merge/changes-base", "the base frozen, as before", "requires_grad")
    if _close(value["later"], y) and not _close(value["layer_later"], own):
        told = f"with another B: {common.numbers(value['layer_later'], 4)}"
        return Refusal("merge/stale", told, common.numbers(value["later"], 4))
    return None


def lora_dtype(calls: list[dict], seed: int) -> Refusal | None:
    (call,) = calls
    expected = "A and B in float64 for a base in float64"
    if call["outcome"] == "raised" and common.DTYPE_MISMATCH.search(call["text"]):
        return Refusal("dtype/float32", expected, common.error_text(call))
    if refusal := _drive(call, expected, "A B"):
        return refusal
    if call["value"]["dtypes"] != ["torch.float64"] * 2:
        return Refusal("dtype/float32", expected, " and ".join(call["value"]["dtypes"]))
    y = call["value"]["y"]
    if isinstance(y, Tensor) and y.dtype != torch.float64:
        return Refusal("dtype/output", "an output in float64 for x in float64", str(y.dtype))
    if call["value"]["merged"] != "torch.float64":
        return Refusal("dtype/merged", "a merged weight in float64", call["value"]["merged"])
    return None


# Int8Linear


def _scale(weight: Tensor) -> Tensor:
    return weight.abs().amax(1, keepdim=True) / 127


def int8_values(calls: list[dict], seed: int) -> Refusal | None:
    (call,) = calls
    weight = probes.int8_inputs(seed, 61)[0].weight.detach()
    scale = _scale(weight)
    expected = (
        f"int8 values, and a scale for each of {len(weight)} outputs: {common.numbers(scale)}"
    )
    if refusal := _drive(call, expected, "values scale"):
        return refusal
    values, seen = call["value"]["values"], call["value"]["scale"]
    if not isinstance(values, Tensor) or not isinstance(seen, Tensor):
        return Refusal("attributes/missing", expected, "values or scale is no tensor")
    if call["value"]["changed"]:
        return Refusal("linear/changed", "the layer as it was", "other weights")
    if not _same_scale(seen.flatten(), scale.flatten()):
        return Refusal(_other_scale(seen, weight), expected, common.numbers(seen))
    if values.dtype != torch.int8:
        return Refusal("values/not-int8", "torch.int8", str(values.dtype))
    if values.shape != weight.shape:
        return Refusal("values/shape", str(list(weight.shape)), str(list(values.shape)))
    return _wrong_values(values, weight / scale)


def _same_scale(seen: Tensor, scale: Tensor) -> bool:
    return seen.shape == scale.shape and torch.allclose(
        seen.double(), scale.double(), rtol=SCALE_TOLERANCE, atol=0.0
    )


def _other_scale(seen: Tensor, weight: Tensor) -> str:
    largest, size = weight.abs().amax(1), weight.abs()
    guesses = [
        ("scale/whole-tensor", weight.abs().max()[None] / 127),
        ("scale/inputs", size.amax(0) / 127),
        ("scale/128", largest / 128),
        ("scale/255", (weight.amax(1) - weight.amin(1)) / 255),
        ("scale/not-absolute", weight.amax(1) / 127),
        ("scale/mean", size.mean(1) / 127),
        ("scale/mean", size.mean(1)),
        ("scale/inverted", 127 / largest),
        *(("scale/bits", largest / steps) for steps in (7, 15, 31, 63, 32767)),
    ]
    flat = seen.float().flatten()
    if len(flat) > 1 and (flat == flat[0]).all():
        flat = flat[:1]
    slug = next((slug for slug, guess in guesses if _same_scale(flat, guess)), "value/wrong")
    is_near = flat.shape == largest.shape and ((flat - largest / 127).abs() < 2e-3).all()
    return "scale/rounded" if slug == "value/wrong" and is_near else slug


def _wrong_values(values: Tensor, exact: Tensor) -> Refusal | None:
    error = (values.float() - exact).abs()
    if (error <= 0.5 + 1e-3).all():
        return None
    place = (error > 0.5 + 1e-3).nonzero()[0].tolist()
    row = exact[place[0]]
    told = f"row {place[0]}: weights / scale rounded: {common.numbers(row.round())}"
    guesses = {
        "round/toward-zero": exact.trunc(),
        "round/down": exact.floor(),
        "round/up": exact.ceil(),
        "round/plus-half": (exact + 0.5).trunc(),
        "values/signs": exact.round().abs(),
    }
    either = ((exact - exact.round()).abs() < 1e-3) | ((exact.frac().abs() - 0.5).abs() < 1e-3)
    for slug, guess in [*guesses.items(), ("values/signs", exact.round().clamp(min=0))]:
        gap = (values.float() - guess + 128).remainder(256) - 128  # int8 wraps around
        if (gap.abs() <= either).all():
            return Refusal(slug, told, common.numbers(values[place[0]]))
    slug = "values/wrapped" if (error > 200).any() else "value/wrong"
    return Refusal(slug, told, common.numbers(values[place[0]]))


def int8_again(calls: list[dict], seed: int) -> Refusal | None:
    (call,) = calls
    weight = probes.int8_inputs(seed, 62)[0].weight.detach()
    scale = _scale(weight)
    expected = f"the weights, to half a step: {common.numbers(weight)}"
    if refusal := _drive(call, expected):
        return refusal
    again = call["value"]["weight"]
    if refusal := common.wrong_type(again, expected):
        return refusal
    if again.shape != weight.shape:
        return Refusal("shape/wrong", str(list(weight.shape)), str(list(again.shape)))
    if torch.equal(again, weight):
        return Refusal("again/original", expected, "the weights exactly")
    error = (again.float() - weight).abs()
    if (error <= scale * 1.001).all():  # how it was rounded is judged by the values
        product = _own_product(call["value"], weight)
        if product is None or ((again.float() - product).abs() <= 1e-3 * scale).all():
            return None
        return Refusal("again/rounded", common.numbers(product), common.numbers(again))
    values = (weight / scale).round()
    if _close(again.float(), values):
        return Refusal("again/no-scale", expected, common.numbers(again))
    slug = "again/wrapped" if again.dtype == torch.int8 else "again/another"
    return Refusal(slug, expected, common.numbers(again))


def _own_product(value: dict, weight: Tensor) -> Tensor | None:
    """values * scale of the answer itself; None where they do not fit."""
    values, scale = value["values"], value["scale"]
    fit = isinstance(values, Tensor) and isinstance(scale, Tensor)
    if not fit or values.shape != weight.shape or scale.numel() != len(weight):
        return None
    product = values.float() * scale.float().reshape(-1, 1)
    return product if ((product - weight).abs() <= _scale(weight) * 1.001).all() else None


def int8_zeros(calls: list[dict], seed: int) -> Refusal | None:
    (call,) = calls
    expected = "zeros for a row of zeros"
    if refusal := _drive(call, expected, "values"):
        return refusal
    values, again = call["value"]["values"], call["value"]["weight"]
    for row, name in ((values, "values"), (again, "weights")):
        if not isinstance(row, Tensor) or row.dim() != 2:
            return Refusal("attributes/missing", expected, f"{name} of another kind")
        if row.isnan().any() or row[2].any():
            return Refusal("zeros/nan", expected, f"{name} {common.numbers(row[2])}")
    return None


@torch.no_grad()
def int8_forward(calls: list[dict], seed: int) -> Refusal | None:
    for call, (bias, dims) in zip(calls, probes.FORWARD, strict=True):
        layer, x = probes.forward_inputs(seed, bias, dims)
        if call["outcome"] == "raised" and not bias and calls[0]["outcome"] == "returned":
            return Refusal("bias/none", "an output without a bias", common.error_text(call))
        if refusal := _drive(call, "x times the dequantized weights, and the bias"):
            return refusal
        y, weight = call["value"]["y"], call["value"]["weight"]
        if not isinstance(y, Tensor) or not isinstance(weight, Tensor):
            return common.wrong_type(y, "a tensor") or Refusal("again/another", "weights", "none")
        refusal = _output(y, weight.float(), layer, x)
        if refusal:
            return refusal
    return common.mutation([call["value"] for call in calls])


def _output(y: Tensor, weight: Tensor, layer: nn.Linear, x: Tensor) -> Refusal | None:
    product = _product(x, weight)
    right = product if layer.bias is None else product + layer.bias
    expected = f"x @ dequantized().T + bias: {common.numbers(right, 4)}"
    if y.shape != right.shape:
        return Refusal("shape/wrong", str(list(right.shape)), str(list(y.shape)))
    size = _product(x.abs(), weight.abs())  # what rounding errors go with
    size = size if layer.bias is None else size + layer.bias.abs()

    def same(guess: Tensor) -> bool:
        return bool(((y.float() - guess).abs() <= SCALE_TOLERANCE * size).all())

    if same(right):
        return None
    slug = next((slug for slug, guess in _outputs(product, layer, x) if same(guess)), "")
    return Refusal(slug or "forward/other", expected, common.numbers(y, 4))


def _outputs(product: Tensor, layer: nn.Linear, x: Tensor) -> list[tuple[str, Tensor]]:
    """The output under a misconception; ``product`` is x times the dequantized weights."""
    scale = _scale(layer.weight)
    weight = (layer.weight / scale).round() * scale
    step = x.abs().amax(-1, keepdim=True) / 127
    inputs = [x.abs().max() / 127, step]
    bias = torch.zeros(()) if layer.bias is None else layer.bias
    unit = bias.abs().max() / 127
    return [
        ("bias/lost", product),
        ("forward/original", layer(x)),
        ("forward/no-scale", x @ (weight / scale).round().T + bias),
        *(("forward/inputs-rounded", (x / s).round() * s @ weight.T + bias) for s in inputs),
        ("bias/twice", product + 2 * bias),
        ("forward/bias-scaled", product + bias * scale.flatten()),
        ("bias/rounded", product + bias.round()),
        ("bias/rounded", product + (bias / unit).round() * unit),
        ("bias/rounded", product + (bias / scale.flatten()).round() * scale.flatten()),
    ]


def _product(x: Tensor, weight: Tensor) -> Tensor:
    return x @ weight.T if weight.shape[1] == x.shape[-1] else x @ weight


def int8_kept(calls: list[dict], seed: int) -> Refusal | None:
    (call,) = calls
    layer = probes.int8_inputs(seed, 65)[0]
    numbers = layer.weight.numel()
    expected = f"{numbers} values in int8, scales and a bias"
    if refusal := _drive(call, expected):
        return refusal
    wide = [
        (kind, size)
        for kind, size, nbytes in call["value"]["held"]
        if size >= numbers and nbytes > size
    ]
    if wide:
        told = ", ".join(f"{size} values in {kind.removeprefix('torch.')}" for kind, size in wide)
        return Refusal("kept/float-weights", expected, told)
    if call["value"]["alive"]:
        return Refusal("kept/float-weights", expected, "something that still holds linear.weight")
    if call["value"]["loose"]:
        seen = f"state_dict() without {' and '.join(call['value']['loose'])}"
        return Refusal("kept/not-registered", "values and scale in state_dict()", seen)
    return None
