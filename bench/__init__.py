"""How fast the service is, against the usual way of serving the same weights. `make bench` runs all of it."""
