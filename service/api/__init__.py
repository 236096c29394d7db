"""The routes, one module a group. They speak HTTP and leave the work to `predictor` and `scheduler`."""
