"""Fits the sentiment network and exports it as a bundle that `service` can load.

Read the modules in the order of a run: `recipes`, `data`, `model`, `fit`, `evaluate`, `export`, `plots`. `record` and
`report` read back what a run wrote. `compare` has finished models read a labelled file (`bundles`, `labelled`,
`side_by_side`), without TensorFlow.
"""
