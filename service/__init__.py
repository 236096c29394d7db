"""Sentiment of short texts over HTTP.

How a text becomes a probability, in the order of the modules: `api` takes it from the wire, `predictor` calls
`tokenizer` (text to token ids) and `session` (token ids to probability), `scheduler` decides when.
"""

import os

# onnxruntime reports its use to its makers unless this is set before it is imported. Nothing that is sent to this
# service, nor that it was sent, is anybody else's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
