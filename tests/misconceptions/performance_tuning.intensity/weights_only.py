"""Only weights are fetched."""

MISCONCEPTION = "bytes/weights-alone"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    return 2 * batch * d_in * d_out / (weight_bytes * d_in * d_out)
