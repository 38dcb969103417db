"""On the course's functions."""

from course_utils.anatomy import attention_heads, layer_windows

RIGHT = True


def flops_per_token(model, length):
    tables = {id(model.get_input_embeddings().weight)}
    tables |= {id(p) for name, p in model.named_parameters() if "wpe" in name}
    matrices = [p for p in model.parameters() if p.dim() == 2 and id(p) not in tables]
    products = 2 * sum(p.numel() for p in matrices)
    if id(model.get_output_embeddings().weight) in tables:
        products += 2 * model.get_output_embeddings().weight.numel()
    heads, _, head_dim = attention_heads(model.config)
    keys = sum(min(length, window or length) for window in layer_windows(model.config))
    return products + 4 * heads * head_dim * keys
