"""Count how many are needed, keep that many by rank."""

RIGHT = True


def top_p_filter(logits, p):
    if p >= 1.0:
        return logits
    order = logits.argsort(dim=-1, descending=True)
    mass = logits.softmax(-1).gather(-1, order).cumsum(-1)
    count = (mass < p).sum(-1, keepdim=True) + 1
    ranks = order.argsort(dim=-1)
    out = logits.clone()
    out[ranks >= count] = float("-inf")
    return out
