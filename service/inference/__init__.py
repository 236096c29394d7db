"""Text to probability.

`tokenizer` makes token ids of a text (`tokenizers` has every kind), `session` computes the graph of a `bundle` on them,
`predictor` is both together.
"""
