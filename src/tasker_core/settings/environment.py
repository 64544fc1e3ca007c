"""What the environment says about settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tasker_core.rules.spelling import nearest
from tasker_core.settings.fields import all_settings
from tasker_core.settings.layers import Layer, Origin, Remark

PREFIX = "TASKER_"
PLACES = ("TASKER_CONFIG_PATH", "TASKER_CONFIG_ROOT")
"""Variables that say where the files are."""
_OTHERS = ("TASKER_TEST_", "TASKER_BENCH_")


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """The settings in ``environ``; a variable that is set to nothing isn't set."""
    layer = Layer()
    for setting in all_settings():
        for variable in setting.variables:
            if value := environ.get(variable):
                layer.say(setting.path, value, Origin("environment", variable, is_ours=variable.startswith(PREFIX)))
                break
    return layer


def misspelt_variables(environ: Mapping[str, str]) -> Iterator[Remark]:
    """Variables that look like Tasker's, mean nothing, and are near to one that does."""
    ours = {name for setting in all_settings() for name in setting.variables if name.startswith(PREFIX)}
    known = ours | set(PLACES)
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in known and not variable.startswith(_OTHERS):
            # Without what they all begin with, which would make everything look alike.
            match = nearest(variable.removeprefix(PREFIX), [name.removeprefix(PREFIX) for name in known])
            if match:
                yield Remark("warning", "", f"{variable} means nothing; did you mean {PREFIX}{match}?")
