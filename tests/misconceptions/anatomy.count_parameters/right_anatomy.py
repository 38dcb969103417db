"""With the course's anatomy: what is left over in a block is the FFN."""

from course_utils.anatomy import anatomy

RIGHT = True


def size(module):
    return sum(p.numel() for p in module.parameters()) if module is not None else 0


def count_parameters(model):
    parts = anatomy(model)
    norms = [m for m in model.modules() if "Norm" in type(m).__name__]
    inner = [m for a in parts.attentions for m in a.modules() if "Norm" in type(m).__name__]
    norm, inside = sum(map(size, norms)), sum(map(size, inner))
    embedding = size(parts.embedding) + size(parts.position_embedding)
    tied = parts.unembedding.weight is parts.embedding.weight
    unembedding = 0 if tied else size(parts.unembedding)
    attention = sum(map(size, parts.attentions)) - inside
    ffn = size(model) - embedding - unembedding - norm - attention
    return {
        "embedding": embedding,
        "attention": attention,
        "ffn": ffn,
        "norm": norm,
        "unembedding": unembedding,
    }
