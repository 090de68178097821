from __future__ import annotations

import pytest
from automl_runtime.engine.watch import raise_interrupt


def covered(first):
    try:
        try:
            raise first
        finally:
            raise RuntimeError("release unlocked lock")
    except RuntimeError as error:
        return error


def test_an_interrupt_that_another_error_covers_is_raised():
    with pytest.raises(KeyboardInterrupt):
        raise_interrupt(covered(KeyboardInterrupt()))


def test_other_errors_are_left_to_the_caller():
    raise_interrupt(covered(ValueError()))
    raise_interrupt(RuntimeError())
