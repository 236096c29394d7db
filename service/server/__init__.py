"""HTTP around the routes.

`processes` listen, each connection speaks by `protocol`, every request passes the `edge` and comes to the `app`.
"""
