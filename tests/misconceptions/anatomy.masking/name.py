"""It is in the configuration."""

MISCONCEPTION = "experiment/none"


def masking(model):
    known = ("eager", "sdpa")
    return "additive" if model.config._attn_implementation in known else "multiplicative"
