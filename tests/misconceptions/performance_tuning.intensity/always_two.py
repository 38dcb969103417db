"""Half precision, whatever is given."""

MISCONCEPTION = "widths/fixed"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    return batch * d_in * d_out / (d_in * d_out + batch * (d_in + d_out))
