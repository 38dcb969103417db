"""Attention over all keys."""

from torch import nn
from transformers.pytorch_utils import Conv1D

MISCONCEPTION = "local/window-ignored"


def flops_per_token(model, length):
    config = model.config
    maps = [m for m in model.modules() if isinstance(m, nn.Linear | Conv1D)]
    products = 2 * sum(m.weight.numel() for m in maps)

    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    keys = length * config.num_hidden_layers
    return products + 4 * heads * head_dim * keys
