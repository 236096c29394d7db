"""Clients that need versions of their own, and so a Python beside that of the tests: `CLIENTS_PYTHON`."""
