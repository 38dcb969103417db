"""Row by row."""

RIGHT = True


def matching_pursuit(x, atoms, k):
    result = x.new_zeros(len(x), len(atoms))
    for i in range(len(x)):
        left = x[i].clone()
        for _ in range(k):
            products = atoms @ left
            j = products.abs().argmax()
            result[i, j] += products[j]
            left -= products[j] * atoms[j]
    return result
