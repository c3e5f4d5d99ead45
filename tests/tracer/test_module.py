"""Module: names, scopes and the order of variables and submodules, as measured with TensorFlow."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from calque.context import name_scope
from calque.module import Module
from calque.variable import Variable


class M(Module):
    pass


def build() -> Any:
    m = M(name="root")
    m.z = Variable(1.0, name="z")
    m.b = [Variable(2.0, name="b0"), M("sub0"), {"y": Variable(3.0, name="y"), "x": M("sub1")}]
    m.b[1].w = Variable(4.0, name="w")
    m.b[1].a = M("deep")
    m.b[1].a.q = Variable(5.0, name="q", trainable=False)
    m.b[2]["x"].w = Variable(6.0, name="w2")
    m.a = m.b[1]
    m.loop = m
    m.b[1].up = m
    m.c = (M("t0"),)
    m.c[0].v = m.z
    m.s = {1: M("i"), 2: 3}
    return m


def found(items: Any) -> list[str]:
    return [item.name for item in items]


def is_variable(leaf: Any) -> bool:
    return isinstance(leaf, Variable)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        ("A", "a"),
        ("ABc", "a_bc"),
        ("aB", "a_b"),
        ("MyModule", "my_module"),
        ("HTTPServer2D", "http_server2_d"),
        ("Conv2D", "conv2_d"),
        ("_Private", "__private"),
        ("__A", "__a"),
        ("my_mod", "my_mod"),
        ("LSTMCell", "lstm_cell"),
        ("A1B2", "a1_b2"),
        ("X_Y", "x_y"),
        ("AaBbCC", "aa_bb_cc"),
    ],
)
def test_the_name_comes_from_the_class(cls: str, name: str) -> None:
    assert type(cls, (Module,), {})().name == name


@pytest.mark.parametrize("name", ["a b", "1a", "a/b", "", "a.b", "a-b"])
def test_names_that_are_not_valid(name: str) -> None:
    with pytest.raises(
        ValueError, match="is not a valid module name. Module names must be valid Python identifiers"
    ):
        Module(name=name)


@pytest.mark.parametrize("name", ["_x", "A", "a_1"])
def test_names_that_are_valid(name: str) -> None:
    assert Module(name=name).name == name


def test_variables_and_submodules_in_order() -> None:
    m = build()
    assert found(m.variables) == ["b0:0", "y:0", "z:0", "w:0", "q:0", "w2:0"]
    assert found(m.trainable_variables) == ["b0:0", "y:0", "z:0", "w:0", "w2:0"]
    assert found(m.non_trainable_variables) == ["q:0"]
    assert found(m.submodules) == ["sub0", "sub1", "t0", "i", "deep"]
    assert isinstance(m.variables, tuple)


def test_flatten_options() -> None:
    m = build()
    wanted = lambda leaf: isinstance(leaf, (Variable, Module))  # noqa: E731
    assert found(m._flatten(recursive=False, predicate=wanted)) == [
        "sub0",
        "b0:0",
        "sub1",
        "y:0",
        "t0",
        "i",
        "z:0",
    ]
    z_first = m._flatten(attribute_traversal_key=lambda name: (name != "z", name), predicate=is_variable)
    assert found(z_first) == ["z:0", "b0:0", "y:0", "w:0", "q:0", "w2:0"]
    paths = [(path, leaf.name) for path, leaf in m._flatten(with_path=True, predicate=is_variable)]
    assert paths == [
        (("b", 0), "b0:0"),
        (("b", 2, "y"), "y:0"),
        (("z",), "z:0"),
        (("a", "w"), "w:0"),
        (("a", "a", "q"), "q:0"),
        (("a", "up", "b", 0), "b0:0"),
        (("a", "up", "b", 2, "y"), "y:0"),
        (("a", "up", "z"), "z:0"),
        (("b", 1, "w"), "w:0"),
        (("b", 1, "a", "q"), "q:0"),
        (("b", 1, "up", "b", 0), "b0:0"),
        (("b", 1, "up", "b", 2, "y"), "y:0"),
        (("b", 1, "up", "z"), "z:0"),
        (("b", 2, "x", "w"), "w2:0"),
        (("c", 0, "v"), "z:0"),
        (("loop", "b", 0), "b0:0"),
        (("loop", "b", 2, "y"), "y:0"),
        (("loop", "z"), "z:0"),
    ]
    assert len(list(m._flatten(with_path=True, predicate=lambda leaf: isinstance(leaf, Module)))) == 28


def test_bookkeeping_is_no_property_and_more_can_be_ignored() -> None:
    class Shy(Module):
        _TF_MODULE_IGNORED_PROPERTIES = frozenset(("hidden", *Module._TF_MODULE_IGNORED_PROPERTIES))

    m = Shy()
    m.hidden, m.shown = Variable(1.0), Variable(2.0, name="shown")
    assert found(m.variables) == ["shown:0"]
    assert [path for path, _ in m._flatten(with_path=True, predicate=is_variable)] == [("shown",)]


def test_subclasses_of_lists_and_dicts_are_looked_into_though_not_tracked() -> None:
    class Layers(list[Any]):
        pass

    m = M()
    m.layers = Layers([Variable(1.0)])
    assert len(m.variables) == 1
    assert m._trackable_children() == {}


def test_keys_that_cannot_be_sorted() -> None:
    m = M()
    m.d = {1: Variable(1.0), "a": 2}
    with pytest.raises(ValueError, match="Error processing property 'd'"):
        _ = m.variables


def test_attributes_before_or_without_init() -> None:
    class Early(Module):
        def __init__(self) -> None:
            self.a = Variable(1.0)
            super().__init__(name="q")

    class Never(Module):
        def __init__(self) -> None:
            self.a = Variable(1.0)

    assert (len(Early().variables), Early().name, len(Never().variables)) == (1, "q", 1)


def test_variables_made_on_the_first_call_have_the_modules_scope() -> None:
    class Dense(Module):
        @Module.with_name_scope
        def __call__(self, x: float) -> Any:
            """Doc."""
            if not hasattr(self, "w"):
                self.w = Variable(x, name="w")
            return self.w

    dense = Dense()
    assert dense.variables == ()
    assert dense(1.0).name == "dense/w:0"
    assert len(dense.variables) == 1
    assert (Dense.__call__.__name__, Dense.__call__.__doc__) == ("__call__", "Doc.")
    named = Dense(name="foo")
    with name_scope("elsewhere"):
        assert named(1.0).name == "foo/w:0"


def test_the_scope_is_that_of_the_making() -> None:
    with name_scope("outer"):
        m = M()
    assert m.name_scope.name == "outer/m/"
    with m.name_scope:
        assert Variable(1.0, name="v").name == "outer/m/v:0"


def test_a_deep_copy_has_variables_of_its_own() -> None:
    m = build()
    twin = copy.deepcopy(m)
    assert found(twin.variables) == found(m.variables)
    twin.z.assign(9.0)
    assert m.z.numpy() == 1.0
    assert twin._trackable_children()["z"] is twin.z
    assert twin.c[0].v is twin.z
