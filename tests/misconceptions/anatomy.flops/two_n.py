"""The rule of thumb: 2 N."""

MISCONCEPTION = "attention/forgotten"


def flops_per_token(model, length):
    return 2 * model.num_parameters()
