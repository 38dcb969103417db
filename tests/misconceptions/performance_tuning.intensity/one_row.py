"""FLOPs of the matrix, without the batch."""

MISCONCEPTION = "flops/one-row"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    moved = weight_bytes * d_in * d_out + value_bytes * batch * (d_in + d_out)
    return 2 * d_in * d_out / moved
