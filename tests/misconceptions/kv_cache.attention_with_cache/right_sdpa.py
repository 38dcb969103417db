"""PyTorch's function for the output; the weights are those of one-hot values."""

import torch
import torch.nn.functional as F
from torch import nn

RIGHT = True


class ScaledDotProductAttentionWithCache(nn.Module):
    def __init__(self, d_model, n_heads, dropout_p=0.0):
        super().__init__()
        self.n_heads = n_heads
        self.d_head = d_model // n_heads
        self.W_q = nn.Linear(d_model, d_model, bias=False)
        self.W_k = nn.Linear(d_model, d_model, bias=False)
        self.W_v = nn.Linear(d_model, d_model, bias=False)
        self.W_o = nn.Linear(d_model, d_model, bias=False)
        self.dropout = nn.Dropout(dropout_p)
        self.k_cache = None
        self.v_cache = None

    def clear_cache(self):
        self.k_cache = None
        self.v_cache = None

    def get_cache_size(self):
        return 0 if self.k_cache is None else self.k_cache.shape[2]

    def split(self, x):
        batch, length, _ = x.shape
        return x.view(batch, length, self.n_heads, self.d_head).transpose(1, 2)

    def forward(self, x, attn_mask=None, is_causal=False, use_cache=False):
        batch, length, d_model = x.shape
        q = self.split(self.W_q(x))
        k = self.split(self.W_k(x))
        v = self.split(self.W_v(x))
        if use_cache:
            if self.k_cache is not None:
                if self.k_cache.shape[0] != batch:
                    raise ValueError("the batch does not fit the cache")
                k = torch.cat([self.k_cache, k], dim=2)
                v = torch.cat([self.v_cache, v], dim=2)
            self.k_cache = k.detach()
            self.v_cache = v.detach()
        allowed = torch.zeros(length, k.shape[2], dtype=x.dtype, device=x.device)
        if is_causal:
            future = torch.ones_like(allowed, dtype=torch.bool).triu(k.shape[2] - length + 1)
            allowed = allowed.masked_fill(future, float("-inf"))
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            allowed = allowed.expand(torch.broadcast_shapes(allowed.shape, attn_mask.shape))
            allowed = allowed.masked_fill(attn_mask.logical_not(), float("-inf"))
        elif attn_mask is not None:
            allowed = allowed + attn_mask
        one_hot = torch.eye(k.shape[2], dtype=x.dtype, device=x.device)
        one_hot = one_hot.expand(batch, self.n_heads, -1, -1)
        p = self.dropout.p if self.training else 0.0
        weights = F.scaled_dot_product_attention(q, k, one_hot, allowed, dropout_p=p)
        out = (weights @ v).transpose(1, 2).reshape(batch, length, d_model)
        return self.W_o(out), weights
