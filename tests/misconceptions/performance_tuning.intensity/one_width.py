"""One width for all."""

MISCONCEPTION = "widths/values-like-weights"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    return 2 * batch * d_in * d_out / (weight_bytes * (d_in * d_out + batch * (d_in + d_out)))
