"""Until there are enough tokens; the list is never filled."""

MISCONCEPTION = "time/loops"


def generate(
    model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0
):
    ids = tokenizer.encode(prompt)
    new = ids[len(ids) :]
    while len(new) < max_new_tokens:
        ids = list(ids)
    return tokenizer.decode(new)
