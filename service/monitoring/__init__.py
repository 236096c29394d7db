"""What answered texts tell of the models: the comparison with a shadow, and drift. Nobody waits for it."""
