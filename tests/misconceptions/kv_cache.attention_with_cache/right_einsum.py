"""einsum, float masks, exp and sum by hand, cache before the heads are split."""

import torch
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
        return 0 if self.k_cache is None else self.k_cache.shape[1]

    def split(self, x):
        batch, length, _ = x.shape
        return x.view(batch, length, self.n_heads, self.d_head).transpose(1, 2)

    def forward(self, x, attn_mask=None, is_causal=False, use_cache=False):
        q, k, v = self.W_q(x), self.W_k(x), self.W_v(x)
        if use_cache:
            if self.k_cache is not None:
                if len(self.k_cache) != len(k):
                    raise ValueError(f"{len(self.k_cache)} sequences, given {len(k)}")
                k = torch.cat((self.k_cache, k), 1)
                v = torch.cat((self.v_cache, v), 1)
            self.k_cache, self.v_cache = k, v
        q, k, v = (t.unflatten(2, (self.n_heads, self.d_head)) for t in (q, k, v))
        scores = torch.einsum("blhd,bshd->bhls", q, k) * self.d_head**-0.5
        if attn_mask is not None and attn_mask.dtype != torch.bool:
            scores = scores + attn_mask
        elif attn_mask is not None:
            scores = torch.where(attn_mask, scores, -torch.inf)
        if is_causal:
            new, total = scores.shape[2:]
            hidden = torch.full((new, total), -torch.inf, dtype=x.dtype, device=x.device)
            scores = scores + hidden.triu(total - new + 1)
        exponentials = torch.exp(scores - scores.amax(-1, keepdim=True))
        weights = self.dropout(exponentials / exponentials.sum(-1, keepdim=True))
        out = torch.einsum("bhls,bshd->blhd", weights, v)
        return self.W_o(out.flatten(2)), weights
