"""A trained network as ONNX graphs."""
