"""Text to probability.

`tokenizers` convert text to token ids, `inputs` convert the ids to the padded arrays of a run, `session` computes the
graph of a `bundle` on them, and `predictor` joins these steps. `manifest` describes the bundle, and `batching` has the
sizes of jobs, runs and windows.
"""
