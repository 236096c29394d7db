"""Models side by side on labelled texts."""
