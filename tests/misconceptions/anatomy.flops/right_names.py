"""Matrices inside the blocks by their names, the unembedding by itself."""

RIGHT = True


def flops_per_token(model, length):
    config = model.config
    in_blocks = sum(
        p.numel()
        for name, p in model.named_parameters()
        if p.dim() == 2 and any(x.isdigit() for x in name.split("."))
    )
    total = 2 * (in_blocks + config.vocab_size * config.hidden_size)

    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    for layer in range(config.num_hidden_layers):
        types = getattr(config, "layer_types", None)
        local = types is not None and types[layer] == "sliding_attention"
        keys = min(length, config.sliding_window) if local else length
        total += 2 * heads * head_dim * keys  # scores
        total += 2 * heads * keys * head_dim  # mixing the values
    return total
