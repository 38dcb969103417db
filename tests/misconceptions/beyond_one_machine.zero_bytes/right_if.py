"""Three ifs, whole numbers."""

RIGHT = True


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = (parameters * size for size in each)
    if stage >= 1:
        optimizer = optimizer // ranks
    if stage >= 2:
        gradients = gradients // ranks
    if stage == 3:
        weights = weights // ranks
    return dict(optimizer=optimizer, weights=weights, gradients=gradients)
