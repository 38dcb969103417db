"""Writing is free."""

MISCONCEPTION = "bytes/no-outputs"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    read = weight_bytes * d_in * d_out + value_bytes * batch * d_in
    return 2 * batch * d_in * d_out / read
