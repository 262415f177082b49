"""Names of rooms: listed, loaded when first used, refused when unknown."""

import importlib

import pytest

ROOMS = ("data", "scoring", "runs", "views")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_gives_every_name_it_lists(room):
    package = importlib.import_module(f"sedlab.{room}")
    assert dir(package) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None


@pytest.mark.parametrize("room", ROOMS)
def test_a_name_a_room_does_not_list_is_an_attribute_error(room):
    with pytest.raises(AttributeError, match=f"sedlab.{room}' has no attribute 'nowhere'"):
        importlib.import_module(f"sedlab.{room}").nowhere
