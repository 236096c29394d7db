"""Recorded answers of the committed bundles; run the package to record those that are missing."""
