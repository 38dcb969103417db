"""2 over the sum of the inverses."""

RIGHT = True


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    return 2 / (weight_bytes / batch + value_bytes / d_in + value_bytes / d_out)
