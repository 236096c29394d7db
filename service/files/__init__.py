"""Files of texts: bytes to text to records, records and predictions to bytes, without HTTP.

A chunk of a file passes `compression` (gzip), `encoding` (other encodings to UTF-8), `splitting` or `json_array` (UTF-8
to lines, rows or elements) and the format itself (`plain`, `ndjson`, `delimited`), which also writes the answers;
`reading` puts these stages together and `formats` lists the formats. `sources` reads a whole file, or a Parquet table
(`parquet`), in windows for `score`, which works without a server; `checkpoint` keeps what an interrupted run has done.
"""
