"""Watch the models by the texts that they answer: the comparison with a shadow, and drift. Nobody waits for it."""
