"""NumPy."""

import numpy as np

RIGHT = True


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    sharded = stage >= np.array([3, 2, 1])
    sizes = parameters * np.array(each) / np.where(sharded, ranks, 1)
    return {"weights": sizes[0], "gradients": sizes[1], "optimizer": sizes[2]}
