"""On the products, with the Gram matrix."""

import torch

RIGHT = True


def matching_pursuit(x, atoms, k):
    gram, products = atoms @ atoms.T, x @ atoms.T
    found = torch.zeros_like(products)
    for _ in range(k):
        one = torch.nn.functional.one_hot(products.abs().argmax(-1), len(atoms)).to(products)
        step = one * products
        found = found + step
        products = products - step @ gram
    return found
