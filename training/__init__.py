"""Fits the sentiment networks and exports them as bundles that `service` can load.

Read the modules in the order of a run: `recipes`, `data_sets`, `model` and `fit` for the lecture's network, `wide_deep`
for the others, `evaluate`, `export`, `plots`. `record` and `report` read back what a run wrote. `data` reads IMDB and
`nsmc` Korean reviews; `corpora` shows them to `explore`. `compare` has finished models read a labelled file (`bundles`,
`labelled`, `side_by_side`), without TensorFlow.
"""
