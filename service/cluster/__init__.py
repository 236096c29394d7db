"""A corpus of many files, scored by the machines of a cluster.

`corpus` lists the files, `manifest` says which of them are done, `ray_engine` gives the others to the workers of a
cluster. A worker reads a file as tables (`tables`, `json_members`), scores it and writes its output in one step
(`scored_file`). All of them reach files through `storage`.
"""
