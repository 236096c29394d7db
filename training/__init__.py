"""Fit the sentiment networks and export them as bundles that `service` can load.

Imports flow one way, from the command line down to what all stages share (import-linter checks it):

- `cli` has a module for each command.
- `run` does a whole run of a recipe; `own` trains on a user's own texts; `publish` copies a bundle.
- `explore` looks at a data set; `compare` has finished models read a labelled file; `report` draws a run.
- `export` writes a bundle, reopens it through the service and compares it with the trained network.
- `lecture` and `wide_deep` build and fit a kind of network each; `graphs` writes networks as ONNX.
- `evaluate` measures, `trained` says what fitting gives, `recipes` holds every choice, `data` reads texts.
"""
