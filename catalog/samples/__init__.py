"""The sample catalog: product-like pictures drawn by code, for a first start without photos."""
