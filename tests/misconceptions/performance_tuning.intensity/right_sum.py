"""Read, read, write."""

RIGHT = True


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    inputs, outputs = batch * d_in * value_bytes, batch * d_out * value_bytes
    return 2 * batch * d_in * d_out / (inputs + d_in * d_out * weight_bytes + outputs)
