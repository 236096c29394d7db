"""Train a model on a user's own labelled texts: n-gram weights, which suit a few hundred to some ten thousand texts.

`texts` reads and cleans the file, `split` holds texts out, `vocabulary` and `ngrams` make numbers of texts, `fit` fits
the weights, `graph` writes them as ONNX. `start` opens a model to continue from, and `continued_graph` writes the two
as one. `comparisons` and `card` tell how good the result is, and `train` does all of it. None of it needs TensorFlow.
"""
