"""A run as pictures, tables and a page."""
