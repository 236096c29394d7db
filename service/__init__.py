"""Sentiment of short texts over HTTP.

How a text becomes a probability, in the order of the modules: `api` takes it from the wire, `predictor` calls
`tokenizer` (text to token ids) and `session` (token ids to probability), `scheduler` decides when.
"""

__version__ = "0.1.0"
