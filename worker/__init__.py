"""Celery tasks; joins catalog and classifier."""

import os

# Before numpy is loaded. Its threads wait by spinning: on two busy cores the principal components
# of 8,000 embeddings took 24 to 56 s with two threads, and 3 to 6 s with one. TensorFlow has its
# own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
