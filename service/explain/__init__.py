"""Why a text got its answer: which words moved it, and its way through the network."""
