"""The most typical tokens: as surprising as the average."""

MISCONCEPTION = "meaning/typical-sampling"


def top_p_filter(logits, p):
    logs = logits.log_softmax(dim=-1)
    entropy = -(logs.exp() * logs).nansum(dim=-1, keepdim=True)
    order = (-logs - entropy).abs().argsort(dim=-1)
    ordered = logs.exp().gather(-1, order)
    mass_before = ordered.cumsum(dim=-1) - ordered
    drop = mass_before >= p
    return logits.masked_fill(drop.scatter(-1, order, drop), float("-inf"))
