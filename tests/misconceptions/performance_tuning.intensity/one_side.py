"""Outputs are as wide as inputs."""

MISCONCEPTION = "bytes/same-width"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    moved = weight_bytes * d_in * d_out + value_bytes * 2 * batch * d_in
    return 2 * batch * d_in * d_out / moved
