"""d_in products need d_in - 1 additions."""

MISCONCEPTION = "flops/one-addition-less"


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    flops = batch * d_out * (2 * d_in - 1)
    return flops / (weight_bytes * d_in * d_out + value_bytes * batch * (d_in + d_out))
