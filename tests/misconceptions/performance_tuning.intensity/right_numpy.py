"""A number of NumPy."""

import numpy as np

RIGHT = True


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    flops = np.float64(2) * batch * d_in * d_out
    return flops / np.dot([weight_bytes, value_bytes], [d_in * d_out, batch * (d_in + d_out)])
