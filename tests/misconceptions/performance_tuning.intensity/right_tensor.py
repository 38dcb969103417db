"""With torch."""

import torch

RIGHT = True


def arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2):
    counts = torch.tensor([d_in * d_out, batch * d_in, batch * d_out], dtype=torch.float64)
    widths = torch.tensor([weight_bytes, value_bytes, value_bytes], dtype=torch.float64)
    return 2 * batch * d_in * d_out / (counts @ widths)
