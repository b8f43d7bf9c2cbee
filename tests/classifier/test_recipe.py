from __future__ import annotations

import dataclasses
import json

import pytest

from classifier.errors import RecipeError
from classifier.network import build_backbone
from classifier.recipe import CONVOLUTIONS, Recipe


def test_overrides_take_the_type_of_their_setting() -> None:
    recipe = Recipe(image_size=96).with_overrides(
        ["views=8", "dropout=0.25", "flip=no", "image_size=none", "class_weights=none"]
    )
    assert recipe == dataclasses.replace(
        Recipe(), views=8, dropout=0.25, flip=False, image_size=None, class_weights="none"
    )


OTHER = {bool: False, int: 33, float: 0.33}
OTHERS = {"image_size": 96, "class_weights": "none", "fine_tune_from": "conv5_block1"}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Recipe)])
def test_any_setting_can_be_overridden(name: str) -> None:
    default = getattr(Recipe(), name)
    value = OTHERS[name] if name in OTHERS else OTHER[type(default)]

    recipe = Recipe().with_overrides([f"{name}={value}"])

    assert recipe.to_dict() == Recipe().to_dict() | {name: value}
    assert recipe != Recipe()


def test_an_unknown_setting_is_refused_with_the_known_names() -> None:
    with pytest.raises(RecipeError, match=r"'view'.*views, head_epochs"):
        Recipe().with_overrides(["view=8"])


@pytest.mark.parametrize(
    "setting",
    [
        "views", "views=many", "flip=perhaps", "dropout=2", "class_weights=some",
        "fine_tune_from=conv5_block4",
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_with_its_name(setting: str) -> None:
    with pytest.raises(RecipeError, match=setting.partition("=")[0]):
        Recipe().with_overrides([setting])


def test_fine_tuning_may_begin_at_any_convolution_of_the_network() -> None:
    layers = build_backbone(None, 32).get_layer("resnet50").layers
    assert {layer.name for layer in layers if layer.name.endswith("conv")} == set(CONVOLUTIONS)


def test_a_recipe_survives_json() -> None:
    recipe = Recipe().with_overrides(["seed=7", "image_size=160"])
    assert Recipe(**json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_the_demo_recipe_is_bounded() -> None:
    demo = Recipe.demo()
    assert demo.views == 4
    assert demo.fine_tune_epochs <= 1
