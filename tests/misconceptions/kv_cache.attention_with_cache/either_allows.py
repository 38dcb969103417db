"""A key is seen if one of the masks allows it."""

import math

import torch
from torch import nn

MISCONCEPTION = "mask/either-or"


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

    def lower(self, length, keys, device):
        ones = torch.ones(length, keys, dtype=torch.bool, device=device)
        return ones.tril(diagonal=keys - length)

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
        keys = k.shape[2]
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d_head)
        if attn_mask is not None:
            if attn_mask.dtype == torch.bool:
                allowed = attn_mask
                if is_causal:
                    allowed = allowed | self.lower(length, keys, x.device)
                scores = scores.masked_fill(~allowed, float("-inf"))
            else:
                scores = scores + attn_mask
        if is_causal and (attn_mask is None or attn_mask.dtype != torch.bool):
            causal = self.lower(length, keys, x.device)
            scores = scores.masked_fill(~causal, float("-inf"))
        weights = self.dropout(torch.softmax(scores, dim=-1))
        out = (weights @ v).transpose(1, 2).reshape(batch, length, d_model)
        return self.W_o(out), weights
