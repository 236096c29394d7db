"""The routes, one module a group. They translate between HTTP and `service.classifier`."""
