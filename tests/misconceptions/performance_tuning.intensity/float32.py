"""float32 by default."""

MISCONCEPTION = "widths/other-defaults"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=4, value_bytes=4):
    moved = weight_bytes * d_in * d_out + value_bytes * batch * (d_in + d_out)
    return 2 * batch * d_in * d_out / moved
