"""Fits the sentiment network and exports it as a bundle that `service` can load.

Read the modules in the order of a run: `recipes`, `data_sets`, `model`, `fit`, `evaluate`, `export`, `plots`. `record`
and `report` read back what a run wrote. `data` reads IMDB and `nsmc` Korean reviews; `corpora` shows them to `explore`.
"""
