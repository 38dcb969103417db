"""A token does not attend to itself."""

from torch import nn
from transformers.pytorch_utils import Conv1D

MISCONCEPTION = "attention/one-key-off"


def flops_per_token(model, length):
    config = model.config
    maps = [m for m in model.modules() if isinstance(m, nn.Linear | Conv1D)]
    products = 2 * sum(m.weight.numel() for m in maps)

    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    keys = sum(min(length - 1, window) if t == "sliding_attention" else length - 1 for t in types)
    return products + 4 * heads * head_dim * keys
