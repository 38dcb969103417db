"""Each row fetches the weights."""

MISCONCEPTION = "bytes/weights-per-row"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    moved = batch * (weight_bytes * d_in * d_out + value_bytes * (d_in + d_out))
    return 2 * batch * d_in * d_out / moved
