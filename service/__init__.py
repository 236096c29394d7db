"""Sentiment of short texts over HTTP.

How a text becomes a probability: `server` takes a request from the wire, `api` reads what it wants, `scheduler` decides
when it is computed, `inference` computes it. `files` does the same for whole files, here and on the command line.
`registry` has the models that are served, `repository` changes them while the service runs; `choice` says which of them
answers a text.
"""

import os

# onnxruntime reports its use to its makers unless this is set before it is imported. Nothing that is sent to this
# service, nor that it was sent, is anybody else's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
