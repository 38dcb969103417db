"""Bits, as quantization is told in bits."""

MISCONCEPTION = "bytes/bits"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    weights, values = 8 * weight_bytes * d_in * d_out, 8 * value_bytes * batch * (d_in + d_out)
    return 2 * batch * d_in * d_out / (weights + values)
