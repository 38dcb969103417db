"""The division is forgotten."""

MISCONCEPTION = "ratio/flops"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    return 2 * batch * d_in * d_out
