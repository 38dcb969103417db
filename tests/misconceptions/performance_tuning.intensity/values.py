"""Values instead of bytes."""

MISCONCEPTION = "bytes/values"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    return 2 * batch * d_in * d_out / (d_in * d_out + batch * (d_in + d_out))
