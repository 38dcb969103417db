"""state_dict() lists a tied matrix twice: once too often for the lookup."""

RIGHT = True


def flops_per_token(model, length):
    config = model.config
    state = model.state_dict()
    lookups = ("embed_tokens.weight", "wte.weight", "wpe.weight")
    matrices = [x for name, x in state.items() if x.dim() == 2 and not name.endswith(lookups)]
    products = 2 * sum(x.numel() for x in matrices)

    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    keys = sum(min(length, window) if t == "sliding_attention" else length for t in types)
    return products + 4 * heads * head_dim * keys
