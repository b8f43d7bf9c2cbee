"""The ResNet50 engine: plain Python and Keras."""

import os

# TensorFlow would reserve nearly all of a GPU in the first process that uses it, and leave nothing
# to the next: worker and trainer share one. Not by `set_memory_growth`, which is refused once
# anything has been computed.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
