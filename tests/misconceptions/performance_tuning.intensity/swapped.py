"""The two widths are exchanged."""

MISCONCEPTION = "widths/swapped"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    moved = value_bytes * d_in * d_out + weight_bytes * batch * (d_in + d_out)
    return 2 * batch * d_in * d_out / moved
