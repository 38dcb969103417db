"""In place, on a clone."""

RIGHT = True


def top_k_filter(logits, k):
    out = logits.clone()
    if k < out.shape[-1]:
        out[out < out.sort(dim=-1, descending=True)[0][..., k - 1].unsqueeze(-1)] = -float("inf")
    return out
