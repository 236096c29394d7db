"""What answered texts tell of the models: the comparison with a shadow. Nobody waits for it."""
