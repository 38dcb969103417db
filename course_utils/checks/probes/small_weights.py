"""Probes and inputs for the exercises of ``10b_fine_tuning_and_inference``."""

from __future__ import annotations

import gc
import weakref

import torch
from torch import Tensor, nn

from course_utils.checks.probes.guard import attempt
from course_utils.checks.probes.tuning import Draw

RANK, ALPHA = 3, 7.0


def linear(draw: Draw, bias: bool = True, dtype: torch.dtype = torch.float32) -> nn.Linear:
    d_in, d_out = draw.between(5, 9), draw.between(10, 14)
    layer = nn.Linear(d_in, d_out, bias=bias, dtype=dtype)
    for parameter in layer.parameters():
        parameter.data = draw.normal(*parameter.shape).to(dtype)
    return layer


# LoRALinear(base, rank, alpha)


def lora_inputs(seed: int, stream: int, **options) -> tuple[nn.Linear, Tensor]:
    draw = Draw(seed, stream)
    base = linear(draw, **options)
    return base, draw.normal(2, 4, base.in_features).to(base.weight.dtype)


def update(seed: int, base: nn.Linear) -> tuple[Tensor, Tensor]:
    """Values for A and B."""
    draw = Draw(seed, 59)
    shapes = (RANK, base.in_features), (base.out_features, RANK)
    return tuple(draw.normal(*shape).to(base.weight.dtype) for shape in shapes)


def lora_start(answer: type, seed: int) -> list[dict]:
    def drive() -> dict:
        base, x = lora_inputs(seed, 51)
        layer, other = answer(base, RANK, ALPHA), answer(base, RANK, ALPHA)
        return {"A": layer.A, "B": layer.B, "y": layer(x), "other": other.A}

    return [attempt(drive)]


UPDATED = ((52, True, 3), (53, False, 2))  # stream, bias, dimensions of x


def lora_values(answer: type, seed: int) -> list[dict]:
    return [attempt(_updated, answer, seed, *setting) for setting in UPDATED]


def updated_inputs(seed: int, stream: int, bias: bool, dims: int) -> tuple[nn.Linear, Tensor]:
    base, x = lora_inputs(seed, stream, bias=bias)
    return base, x[(0,) * (3 - dims)]


def _updated(answer: type, seed: int, *setting) -> dict:
    base, x = updated_inputs(seed, *setting)
    return _output(_with_update(answer, base, seed), x)


def _output(layer: nn.Module, x: Tensor) -> dict:
    """The output, and whether the input is another then."""
    before = x.clone()
    return {"y": layer(x), "mutated": not torch.equal(before, x)}


def _with_update(answer: type, base: nn.Linear, seed: int) -> nn.Module:
    layer = answer(base, RANK, ALPHA)
    for name, value in zip("AB", update(seed, base), strict=True):
        getattr(layer, name).data.copy_(value)
    return layer


def lora_trains(answer: type, seed: int) -> list[dict]:
    """Which parameters are trained, by name, and which get a gradient; what base and input get."""

    def drive() -> dict:
        base, x = lora_inputs(seed, 54)
        layer = _with_update(answer, base, seed)
        y = layer(x.requires_grad_())
        y.square().sum().backward()
        own = [id(layer.A), id(layer.B)]
        named = dict(layer.named_parameters())
        return {
            "trained": [n for n, p in named.items() if p.requires_grad and id(p) not in own],
            "registered": all(any(p is x for p in named.values()) for x in (layer.A, layer.B)),
            "gradients": [layer.A.grad, layer.B.grad],
            "base": [parameter.grad is not None for parameter in base.parameters()],
            "frozen": not any(parameter.requires_grad for parameter in base.parameters()),
            "y": y,
            "x": x.grad,
        }

    return [attempt(drive)]


def lora_merged(answer: type, seed: int) -> list[dict]:
    """The merged layer's output, twice; the output of the layer and of its base afterwards; and
    both outputs when B is another (``later``, ``layer_later``)."""

    def drive(bias: bool) -> dict:
        base, x = lora_inputs(seed, 55, bias=bias)
        layer = _with_update(answer, base, seed)
        base.requires_grad_(False)
        first = layer.merged()
        told = {
            "type": type(first).__name__,
            "y": first(x) if callable(first) else None,
            "bias": getattr(first, "bias", None) is not None,
            "again": layer.merged()(x) if callable(first) else None,
            "layer": layer(x),
            "base": base(x),
            "trained": any(parameter.requires_grad for parameter in base.parameters()),
            "A": layer.A,
        }
        layer.B.data.neg_()
        later = layer.merged()
        return told | {"later": later(x) if callable(later) else None, "layer_later": layer(x)}

    return [attempt(drive, bias) for bias in (True, False)]


def lora_dtype(answer: type, seed: int) -> list[dict]:
    def drive() -> dict:
        base, x = lora_inputs(seed, 56, dtype=torch.float64)
        layer = answer(base, RANK, ALPHA)
        merged = getattr(layer.merged(), "weight", x)
        return {
            "dtypes": [str(layer.A.dtype), str(layer.B.dtype)],
            "y": layer(x),
            "merged": str(merged.dtype),
        }

    return [attempt(drive)]


# Int8Linear(linear)


def int8_inputs(seed: int, stream: int, bias: bool = True) -> tuple[nn.Linear, Tensor]:
    """Rows of very different size; in some the largest weight is negative, in others positive."""
    draw = Draw(seed, stream)
    layer = linear(draw, bias)
    rows = torch.arange(layer.out_features)
    layer.weight.data *= (10.0 ** (rows % 4 - 2))[:, None]
    signs = torch.where(rows % 2 == 0, 1.0, -1.0)
    layer.weight.data[:, 0] = 1.5 * layer.weight.data.abs().amax(1) * signs
    return layer, draw.normal(2, 3, layer.in_features).float()


def _int8(answer: type, layer: nn.Linear) -> dict:
    before = _state(layer)
    quantized = answer(layer)
    after = _state(layer)
    same = before.keys() == after.keys() and all(
        torch.equal(before[name][0], value) and before[name][1] == trained
        for name, (value, trained) in after.items()
    )
    return {"values": quantized.values, "scale": quantized.scale, "changed": not same}


def _state(layer: nn.Module) -> dict[str, tuple[Tensor, bool]]:
    named = layer.named_parameters()
    return {name: (value.detach().clone(), value.requires_grad) for name, value in named}


def int8_values(answer: type, seed: int) -> list[dict]:
    return [attempt(_int8, answer, int8_inputs(seed, 61)[0])]


def int8_again(answer: type, seed: int) -> list[dict]:
    def drive() -> dict:
        quantized = answer(int8_inputs(seed, 62)[0])
        again = quantized.dequantized()
        own = {name: getattr(quantized, name, None) for name in ("values", "scale")}
        return own | {"weight": again}

    return [attempt(drive)]


def zero_row(seed: int) -> tuple[nn.Linear, Tensor]:
    layer, x = int8_inputs(seed, 63)
    layer.weight.data[2] = 0
    return layer, x


def int8_zeros(answer: type, seed: int) -> list[dict]:
    def drive() -> dict:
        layer, _ = zero_row(seed)
        quantized = answer(layer)
        return {"values": quantized.values, "weight": quantized.dequantized()}

    return [attempt(drive)]


def int8_forward(answer: type, seed: int) -> list[dict]:
    def drive(bias: bool, dims: int) -> dict:
        layer, x = forward_inputs(seed, bias, dims)
        quantized = answer(layer)
        return _output(quantized, x) | {"weight": quantized.dequantized()}

    return [attempt(drive, *setting) for setting in FORWARD]


FORWARD = ((True, 3), (False, 3), (True, 2))  # bias, dimensions of x


def forward_inputs(seed: int, bias: bool, dims: int) -> tuple[nn.Linear, Tensor]:
    layer, x = int8_inputs(seed, 64, bias)
    return layer, x[(0,) * (3 - dims)]


def int8_kept(answer: type, seed: int) -> list[dict]:
    """The tensors that the layer holds, after a call: their dtypes and numbers of values.

    With ``alive``: whether anything still holds the given weight; and ``loose``: which of values
    and scale the layer's ``state_dict`` lacks.
    """

    def drive() -> dict:
        layer, x = int8_inputs(seed, 65)
        quantized = answer(layer)
        quantized(x)
        weight = weakref.ref(layer.weight)
        del layer
        if weight() is not None:
            gc.collect()
        held = [[str(t.dtype), t.numel(), t.nbytes] for t in _tensors(quantized, set())]
        stored = {t.data_ptr() for t in quantized.state_dict().values()}
        loose = [n for n in ("values", "scale") if getattr(quantized, n).data_ptr() not in stored]
        return {"held": held, "alive": weight() is not None, "loose": loose}

    return [attempt(drive)]


def _tensors(value: object, seen: set[int]) -> list[Tensor]:
    """All tensors in a module, in what it holds, and so on, each once."""
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, nn.Module):
        value = vars(value)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item, seen)]
    return []
