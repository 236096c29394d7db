"""The lecture's network: built, fitted, exported."""
