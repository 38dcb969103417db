"""With einsum."""

import torch
import torch.nn.functional as F

RIGHT = True


def toy_loss(x, W, b, importance):
    hidden = torch.einsum("...bn,...mn->...bm", x, W)
    out = F.relu(torch.einsum("...bm,...mn->...bn", hidden, W) + b[..., None, :])
    return torch.einsum("...bn,...n->...b", (out - x).pow(2), importance).mean(dim=-1)
