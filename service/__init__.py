"""Sentiment of short texts over HTTP.

The way of a text to its probability: `server` accepts the request, `api` parses it, `classifier` selects the model and
validates the text, `scheduler` queues it, and `inference` computes the probability. `files` reads and writes whole
files, for the API and for the command line (`cli`). `models` loads the models and replaces them while the service runs.
"""

import os

# onnxruntime reports its use to its makers unless this is set before it is imported. The use of this service is
# nobody else's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
