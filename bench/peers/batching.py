"""Sizes of dynamic batches, the same for every peer."""

import os

MAX_BATCH_SIZE = 16
"""Texts run together: a power of two, as Ray Serve's page on batching advises."""
WAIT_MILLISECONDS = 2
"""Wait for more texts: less than the run of one takes (3 ms), as mosec's page advises."""
CORES = len(os.sched_getaffinity(0))
"""Workers or replicas, each of which runs the graph on one thread."""
