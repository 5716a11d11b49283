"""Who starts the worker: one module or package per backend, and the registry that finds them."""
