"""How many there are."""

MISCONCEPTION = "result/one-number"


def count_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())
