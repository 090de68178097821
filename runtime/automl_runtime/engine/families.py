"""Configurations that depend on what else there is: families that users registered, and pictures."""

from __future__ import annotations

from automl_runtime.engine.configurations import Shipped
from automl_runtime.engine.learners.registry import registered_params
from automl_runtime.engine.trials import Config

__all__ = ["of_pictures", "registered"]


def of_pictures(shipped: Shipped, *, copies: bool) -> list[Config]:
    """What is tried first where columns hold pictures; `copies`: whether there are copies of them.

    Copies that are turned and moved cost time and help most problems; whether mirrored ones do depends on what the
    pictures show, and so does whether colours tell anything.
    """
    process, linear = shipped.named("gaussian_process"), shipped.named("linear")
    network = shipped.base["network"]
    cnn = shipped.named("cnn")
    if not copies:
        shapes = Config("network_shapes", "network", {**network, "colors": False}, 1.0)
        return [process, Config("network", "network", network), linear, shapes, cnn]
    return [
        process,
        Config("network_copies", "network", {**network, "copies": 4}, 1.0),
        linear,
        Config("network_mirrored", "network", {**network, "copies": 5}, 1.2),
        Config("network_shapes", "network", {**network, "copies": 4, "colors": False}, 1.0),
        Config("network_wide", "network", {**network, "copies": 4, "width": 320, "dropout": 0.3}, 2.5),
        cnn,
    ]


def registered() -> list[Config]:
    """Configurations of the families that users registered."""
    return [
        Config(name if not place else f"{name}_{place + 1}", name, params)
        for name, settings in registered_params().items()
        for place, params in enumerate(settings)
    ]
