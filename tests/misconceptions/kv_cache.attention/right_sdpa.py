"""PyTorch's function, and one-hot values for the weights."""

import torch
import torch.nn.functional as F

RIGHT = True


def attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-2], -1, -1)
    output = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return output, F.scaled_dot_product_attention(q, k, eye, attn_mask=mask)
