"""The bytes have no brackets."""

MISCONCEPTION = "ratio/brackets"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    return 2 * batch * d_in * d_out / weight_bytes * d_in * d_out + value_bytes * batch * (
        d_in + d_out
    )
