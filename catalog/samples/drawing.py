"""Drawing one sample picture: a product of a category, in a place, under some light.

`draw(slug, seed=n)` gives the same pixels for the same slug and seed. Most pictures are studio
shots on a pale ground; the others are a merchant's own, with any surface, angle, light and clutter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from PIL import Image

from catalog.samples import backdrops, motifs, props, scenes
from catalog.samples.backdrops import Backdrop
from catalog.samples.camera import Shot, expose
from catalog.samples.motifs import MOTIFS, Motif, Pose
from catalog.samples.paint import Cutout, Light

STUDIO_SHARE = 0.9
STUDIO_SIZES = ((640, 640), (600, 600), (560, 560), (560, 640), (640, 560))
SIZES = (
    (640, 640), (540, 720), (560, 700), (480, 640), (720, 540), (700, 560), (640, 480), (480, 720),
    (720, 480),
)  # fmt: skip


def draw(slug: str, *, seed: int) -> Image.Image:
    """One picture (RGB, 480 to 720 pixels a side) of a product of the category `slug`.

    ValueError for a slug that is no leaf of the sample tree.
    """
    if slug not in MOTIFS:
        raise ValueError(f"No pictures are drawn for {slug!r}. Choose one of: {', '.join(MOTIFS)}.")
    rng = Random(f"{slug}/{seed}")
    motif = motifs.drawn(rng, slug)
    return _studio(rng, motif) if rng.random() < STUDIO_SHARE else _amateur(rng, motif)


@dataclass(frozen=True)
class Shoot:
    """One picture in the making: `scene` is painted on in place."""

    rng: Random
    scene: Image.Image
    light: Light
    horizon: float | None

    @classmethod
    def begun(cls, rng: Random, backdrop: Backdrop) -> Shoot:
        """Light falls from above, anywhere between far left and far right."""
        angle = math.radians(rng.choice((-1, 1)) * rng.uniform(15, 75))
        light = Light(math.sin(angle), -math.cos(angle))
        return cls(rng, backdrop.picture, light, backdrop.horizon)

    def put(
        self, cutout: Cutout, *, x: float, y: float, extent: float, turn: float, depth: float
    ) -> None:
        """Place an object: its middle (x, y) and extent as shares of the picture.

        On a floor only x counts; `depth` (0 to 1) is how far in front of the back edge it stands.
        """
        w, h = self.scene.size
        placed = scenes.pose(
            self.rng,
            cutout,
            middle=(x * w, y * h),
            extent=extent * min(w, h),
            turn=turn,
            skew=0.025,
        )
        if self.horizon is None:
            lift = extent * min(w, h) * self.rng.uniform(0.012, 0.04)
            scenes.lay(self.rng, self.scene, placed, self.light, lift=lift)
            return
        foot = (self.horizon + (1 - self.horizon) * depth) * h
        if placed.picture.height > foot:
            foot = min(h * 1.05, placed.picture.height + h * 0.02)
        grounded = placed.standing_on(round(foot))
        mirror = self.rng.random() < 0.2
        scenes.stand(self.rng, self.scene, grounded, self.light, mirror=mirror)

    def prop(self, *, at_rim: bool) -> None:
        """Add a small thing, anywhere behind the product or at the picture's left or right rim."""
        rng = self.rng
        standing = self.horizon is not None
        turn = rng.uniform(-3, 3) if standing else rng.uniform(-180, 180)
        paint = rng.choice(props.STANDING if standing else props.LYING)
        rim = rng.choice((rng.uniform(0.0, 0.1), rng.uniform(0.9, 1.0)))
        self.put(
            paint(rng, self.light.turned(turn)),
            x=rim if at_rim else rng.random(),
            y=rng.choice((rng.uniform(0.04, 0.2), rng.uniform(0.8, 0.96))),
            extent=rng.uniform(0.16, 0.24 if at_rim else 0.34),
            turn=turn,
            depth=rng.uniform(0.05, 0.4),
        )


def _studio(rng: Random, motif: Motif) -> Image.Image:
    """The product large, upright and alone, or nearly so, on a pale ground."""
    pose = motif.poses[0]
    size = rng.choice(STUDIO_SIZES)
    shoot = Shoot.begun(rng, backdrops.studio(rng, size, standing=pose is Pose.STANDING))
    if rng.random() < 0.15:
        shoot.prop(at_rim=True)
    reach = min(pose.value, 8)
    turn = rng.uniform(-reach, reach)
    shoot.put(
        motif.paint(rng, shoot.light.turned(turn)),
        x=rng.uniform(0.45, 0.55),
        y=rng.uniform(0.47, 0.53),
        extent=rng.uniform(0.72, 0.94),
        turn=turn,
        depth=rng.uniform(0.4, 0.75),
    )
    return expose(rng, shoot.scene, shoot.light, Shot.studio(rng))


def _amateur(rng: Random, motif: Motif) -> Image.Image:
    """The product as a merchant takes it: any surface, any angle, things lying about."""
    pose = rng.choice((motif.poses[0], *motif.poses))
    shoot = Shoot.begun(rng, _place(rng, pose))
    if pose is not Pose.HANGING:
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            shoot.prop(at_rim=False)
        if rng.random() < 0.15:
            _second_product(shoot)
    turn = rng.uniform(-pose.value, pose.value)
    shoot.put(
        motif.paint(rng, shoot.light.turned(turn)),
        x=rng.uniform(0.42, 0.58),
        y=rng.uniform(0.43, 0.57),
        extent=rng.choice(
            (rng.uniform(0.65, 0.95), rng.uniform(0.65, 0.95), rng.uniform(0.5, 1.15))
        ),
        turn=turn,
        depth=rng.uniform(0.35, 0.8),
    )
    return expose(rng, shoot.scene, shoot.light, Shot.amateur(rng))


def _place(rng: Random, pose: Pose) -> Backdrop:
    size = rng.choice(SIZES)
    if pose is Pose.STANDING:
        return backdrops.stage(rng, size)
    return backdrops.wall(rng, size) if pose is Pose.HANGING else backdrops.surface(rng, size)


def _second_product(shoot: Shoot) -> None:
    """Another product, of any category, half out of the picture: what a crowded stall shows."""
    rng = shoot.rng
    motif = motifs.drawn(rng, rng.choice(list(MOTIFS)))
    turn = rng.uniform(-8, 8)
    shoot.put(
        motif.paint(rng, shoot.light.turned(turn)),
        x=rng.choice((rng.uniform(0.0, 0.12), rng.uniform(0.88, 1.0))),
        y=rng.uniform(0.2, 0.8),
        extent=rng.uniform(0.4, 0.6),
        turn=turn,
        depth=0.2,
    )
