"""Does the first token's output depend on the last embedding?"""

import torch

RIGHT = True


def masking(model):
    with torch.no_grad():
        embedded = model.get_input_embeddings()(torch.tensor([[1, 2, 3]]))
    embedded = embedded.clone().requires_grad_()
    mask = torch.ones(3, 3).tril().view(1, 1, 3, 3)
    logits = model(inputs_embeds=embedded, attention_mask=mask).logits
    (gradient,) = torch.autograd.grad(logits[0, 0].square().sum(), embedded)
    sees_future = gradient[0, 1:].abs().max() > 1e-5 * gradient.abs().max()
    return "additive" if sees_future else "multiplicative"
