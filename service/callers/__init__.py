"""The callers: who they are by their API keys, and what they may ask for."""
