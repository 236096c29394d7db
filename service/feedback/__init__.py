"""Feedback: the true labels of texts that were answered, joined with the answers and counted by model version."""
