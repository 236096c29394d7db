"""Other servers of models over the same fixed-length graph, each set up as its own documentation advises.

`serve.py` in a peer's folder runs in an environment of its own, which `installation` makes from the
`requirements.txt` beside it; `contenders` has their commands. `supervision` stops them, `answers` checks that
they say what the bundle says, and `table` writes what was measured.
"""
