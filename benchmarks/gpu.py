"""What a GPU makes of the network, through Keras with the JAX backend: photos a second of inference
and of fine-tuning at float32 and bfloat16 by batch size, what share of the hardware's peak that is,
and what bounds it.

    python -m benchmarks.gpu [--json] [--images SIDE] [--quick] [--only inference|training]
        [--batches N ...] [--seconds S] [--weights W] [--on-cpu]

It needs JAX, which the product itself does not: `pip install "jax[cuda13]"`. Pixels are noise; the
weights are real ones, since both zeros and overflow change how fast a GPU is.

The two ceilings are measured in the same run: a product of two large matrices of the precision and
a copy from memory to memory. A batch cannot take less than its arithmetic over the first, nor less
than its bytes over the second, where every convolution reads its input and its weights and writes
its output once and everything else happens on the way. The larger of the two bounds it, and its
share of the time measured says how near it comes. Where it is less than half, a batch waits for
neither, but for kernels to start and for those that fill the GPU badly. Inference is the compiled
network on photos that are on the GPU already, training is Keras' `fit` on such; beside each, Keras'
own loop with photos that come from the host's memory."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from classifier.network import Backbone

SIDE, QUICK_SIDE = 224, 64
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
BYTES = {"float32": 4, "bfloat16": 2}
BATCHES = {"inference": (1, 8, 32, 128, 512), "training": (8, 32, 128, 512)}
QUICK_BATCHES = (1, 4)
CLASSES = 30
SECONDS, QUICK_SECONDS = 1.0, 0.1
STRETCHES = 5
MATRIX, QUICK_MATRIX = 8192, 512
COPIED, QUICK_COPIED = 2**30, 2**22
BOUND = 0.5
"""Below this share of the floor, a batch waits for neither arithmetic nor memory."""


@dataclass(frozen=True)
class Work:
    """The least one batch takes: arithmetic operations, a multiplication and an addition counted as
    two, and numbers read or written."""

    operations: float
    numbers: float


@dataclass(frozen=True)
class Ceilings:
    """What this device does at most, of one precision."""

    operations: float  # per second
    bytes: float  # per second, read and written

    def floor(self, work: Work, width: int) -> tuple[float, str]:
        """The seconds a batch takes at least, and what bounds it; `width` bytes a number."""
        arithmetic = work.operations / self.operations
        memory = work.numbers * width / self.bytes
        return max((arithmetic, "arithmetic"), (memory, "memory"))


def work_of(backbone: Backbone, batch: int, *, training: bool) -> Work:
    """Of one batch. Learning goes back through each layer that learns: once more for the gradient
    of its input and once for that of its weights."""
    operations = numbers = 0.0
    learned = False
    for layer in backbone.base.layers:
        kernel = getattr(layer, "kernel", None)
        learned = learned or bool(kernel is not None and layer.trainable)
        passes = 3 if training and learned else 1
        if kernel is not None:
            read, written = prod(layer.input.shape[1:]), prod(layer.output.shape[1:])
            outputs = written // kernel.shape[-1]
            operations += passes * 2 * batch * outputs * prod(kernel.shape)
            numbers += passes * (batch * (read + written) + prod(kernel.shape))
        elif type(layer).__name__ == "Add":  # one input is at hand, the other is read again
            numbers += passes * batch * prod(layer.output.shape[1:])
    return Work(operations, numbers)


def seconds_each(act: Callable[[], Any], seconds: float, done: Callable[[Any], Any]) -> float:
    """How long `act` takes once it is compiled: the median of some stretches, each waited for by
    `done`."""
    done(act())
    began = time.perf_counter()
    done(act())
    times = max(1, round(seconds / STRETCHES / (time.perf_counter() - began)))

    def stretch() -> float:
        start = time.perf_counter()
        for _ in range(times):
            result = act()
        done(result)
        return (time.perf_counter() - start) / times

    return statistics.median(stretch() for _ in range(STRETCHES))


def ceilings(precision: str, *, quick: bool, seconds: float) -> Ceilings:
    import jax
    from keras import ops

    side = QUICK_MATRIX if quick else MATRIX
    copied = QUICK_COPIED if quick else COPIED
    width = BYTES[precision]
    random = np.random.default_rng(0)
    left, right = (
        ops.cast(random.standard_normal((side, side), np.float32), precision) for _ in range(2)
    )
    long = ops.ones((copied // width,), precision)
    multiply, copy = jax.jit(ops.matmul), jax.jit(lambda numbers: numbers + 1)
    done = jax.block_until_ready
    product = seconds_each(lambda: multiply(left, right), seconds, done)
    passed = seconds_each(lambda: copy(long), seconds, done)
    return Ceilings(2 * side**3 / product, 2 * copied / passed)


@dataclass(frozen=True)
class Network:
    """The product's network: a backbone, and with a head on it the one that is fine-tuned."""

    backbone: Backbone
    model: Any
    side: int

    def pixels(self, batch: int) -> Any:
        shape = (batch, self.side, self.side, 3)
        return np.random.default_rng(1).integers(0, 256, shape, np.uint8)

    def labels(self, batch: int) -> Any:
        return np.eye(CLASSES, dtype=np.float32)[np.arange(batch) % CLASSES]


def network(weights: str, side: int, precision: str, *, training: bool) -> Network:
    """As a run builds it (`training.fine_tune`): the recipe's layers learn, with Adam."""
    import keras

    from classifier.network import build_head, load_backbone, unfreeze_from
    from classifier.recipe import Recipe
    from classifier.weights import resolve

    recipe = Recipe()
    keras.config.set_dtype_policy(PRECISIONS[precision])
    backbone = load_backbone(resolve(weights), image_size=side)
    if not training:
        return Network(backbone, backbone.model, side)
    unfreeze_from(backbone, recipe.fine_tune_from)
    head = build_head(CLASSES, units=recipe.head_units, dropout=recipe.dropout)
    model = keras.Model(backbone.model.input, head(backbone.model.output))
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.fine_tune_learning_rate),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    return Network(backbone, model, side)


def infer(net: Network, batch: int, seconds: float) -> tuple[float, float]:
    """Seconds a batch: of the compiled network alone, and of `predict`."""
    import jax

    pixels = net.pixels(batch)
    there = jax.device_put(pixels)
    variables = net.model.trainable_variables, net.model.non_trainable_variables
    learned, fixed = ([variable.value for variable in each] for each in variables)

    def answer(learned: Any, fixed: Any, images: Any) -> Any:
        return net.model.stateless_call(learned, fixed, images, training=False)[0]

    compiled = jax.jit(answer)
    alone = seconds_each(lambda: compiled(learned, fixed, there), seconds, jax.block_until_ready)
    rounds = _rounds(alone, seconds)
    loop = seconds_each(
        lambda: net.model.predict(_again((pixels,), rounds), steps=rounds, verbose=0),
        seconds,
        lambda _: None,  # what it answers is in the host's memory
    )
    return alone, loop / rounds


def learn(net: Network, batch: int, seconds: float) -> tuple[float, float]:
    """Seconds a batch: of `fit` with batches that are on the device, and from the host's memory."""
    import jax

    given = net.pixels(batch), net.labels(batch)
    there = jax.device_put(given)

    def fit(data: Any, steps: int) -> None:
        net.model.fit(_again(data, steps), steps_per_epoch=steps, shuffle=False, verbose=0)
        jax.block_until_ready(net.model.trainable_variables[-1].value)

    def fitted(data: Any) -> float:
        rounds = _rounds(seconds_each(lambda: fit(data, 2), 0, lambda _: None) / 2, seconds)
        return seconds_each(lambda: fit(data, rounds), seconds, lambda _: None) / rounds

    return fitted(there), fitted(given)


def _again(data: Any, times: int) -> Iterator[Any]:
    yield from [data] * times


def _rounds(step: float, seconds: float) -> int:
    """So many batches that beginning and ending a loop of Keras does not count."""
    return max(2, round(seconds / step))


def measure(what: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for precision in PRECISIONS:
        most = ceilings(precision, quick=options.quick, seconds=options.seconds)
        print(
            f"{precision}: at most {most.operations / 1e12:.1f} TFLOP/s and "
            f"{most.bytes / 1e9:.0f} GB/s",
            flush=True,
        )
        net = network(options.weights, options.images, precision, training=what == "training")
        for batch in options.batches or BATCHES[what]:
            work = work_of(net.backbone, batch, training=what == "training")
            floor, bound = most.floor(work, BYTES[precision])
            act = learn if what == "training" else infer
            alone, loop = act(net, batch, options.seconds)
            yield {
                "what": what,
                "precision": precision,
                "batch": batch,
                "images_per_s": batch / alone,
                "keras_images_per_s": batch / loop,
                "tflops": work.operations / alone / 1e12,
                "share_of_arithmetic_peak": work.operations / alone / most.operations,
                "share_of_floor": floor / alone,
                "floor_of": bound,
                "bound": bound if floor / alone >= BOUND else "neither of the two",
                "ceilings": asdict(most),
            }


def why_not(*, on_cpu: bool) -> str:
    """Why nothing can be measured; empty where it can."""
    try:
        import jax
    except ImportError:
        return 'JAX is not installed: pip install "jax[cuda13]" in an environment of its own.'
    if on_cpu or jax.default_backend() == "gpu":
        return ""
    return "JAX finds no GPU on this machine; --on-cpu measures its processor."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, metavar="SIDE", default=SIDE, help="pixels")
    parser.add_argument("--photos", type=Path, help="not used: the pixels are noise")
    parser.add_argument("--only", choices=tuple(BATCHES))
    parser.add_argument("--batches", type=int, nargs="+")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--weights", default="starter")
    parser.add_argument("--on-cpu", action="store_true")
    parser.add_argument("--quick", action="store_true", help="tiny: to see that it works")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["KERAS_BACKEND"] = "jax"
    if reason := why_not(on_cpu=options.on_cpu):
        print(reason, file=sys.stderr)
        return 0
    import jax

    if options.quick:
        options.images, options.seconds = QUICK_SIDE, QUICK_SECONDS
        options.batches = options.batches or QUICK_BATCHES
    device = jax.devices()[0].device_kind
    print(f"{device}, {options.images} px, JAX {jax.__version__}")
    rows = []
    for what in [options.only] if options.only else BATCHES:
        for row in measure(what, options):
            rows.append(row)
            print(
                f"{what} {row['precision']}, batches of {row['batch']}: "
                f"{row['images_per_s']:.0f} photos/s, by Keras' loop "
                f"{row['keras_images_per_s']:.0f}; {row['tflops']:.1f} TFLOP/s, "
                f"{row['share_of_arithmetic_peak']:.0%} of the peak; "
                f"{row['share_of_floor']:.0%} of what {row['floor_of']} allows; "
                f"bound by {row['bound']}",
                flush=True,
            )
    if options.json:
        settings = {"device": device, "side": options.images, "weights": options.weights}
        print(json.dumps({"settings": settings, "rows": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
