"""What conversion promises besides results: places in the user's file, errors, caching, closures, threads, files."""

from __future__ import annotations

import functools
import inspect
import linecache
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import calque as tf
from calque.autograph import calls, status
from calque.autograph.errors import ConversionError
from calque.autograph.needs import needs_conversion
from calque.autograph.options import ConversionOptions

HERE = str(pathlib.Path(__file__))


def line_of(text: str) -> int:
    lines = pathlib.Path(HERE).read_text().splitlines()
    return 1 + next(i for i, line in enumerate(lines) if line.strip() == text)


def run(source: str) -> str:
    """What a fresh process prints."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(source)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Places


def branching(x: Any) -> Any:
    if x > 0:
        y = tf.sin(x)  # in the branch
    else:
        y = tf.cos(x)
    for _ in tf.range(3):
        y = tf.exp(y)  # in the loop
    return y if y > 0 else tf.tan(y)  # in the expression


def nodes(function: Any) -> list[Any]:
    """Every node of a graph and of the functions that its nodes refer to."""
    found = list(function.nodes)
    for node in function.nodes:
        for value in node.attrs.values():
            inner = getattr(value, "function", None)
            if inner is not None:
                found += nodes(inner)
    return found


def test_nodes_bear_the_users_lines() -> None:
    concrete = tf.function(branching).get_concrete_function(tf.constant(1.0))
    places = {node.op.name: node.location for node in nodes(concrete.function)}
    for op, text in {
        "Sin": "y = tf.sin(x)  # in the branch",
        "Cos": "y = tf.cos(x)",
        "Exp": "y = tf.exp(y)  # in the loop",
        "Tan": "return y if y > 0 else tf.tan(y)  # in the expression",
    }.items():
        file, line, name = places[op]
        assert (file, line) == (HERE, line_of(text))
        assert name in ("branching", "<lambda>")
    assert places["StatelessWhile"][1:] == (line_of("for _ in tf.range(3):"), "branching")


def failing(x: Any) -> Any:
    for i in tf.range(3):
        if i > x:
            fails_inside(i)
    return x


class OwnError(Exception):
    def __init__(self, code: int, more: str) -> None:
        super().__init__(code, more)
        self.code = code


def fails_inside(i: Any) -> None:
    if i.shape.rank == 0:
        raise OwnError(17, "inside")


def test_an_error_is_the_users_own_with_the_users_lines() -> None:
    with pytest.raises(OwnError) as caught:
        tf.function(failing)(tf.constant(1))
    assert caught.value.code == 17
    frames = traceback.extract_tb(caught.value.__traceback__)
    mine = [(f.lineno, f.name) for f in frames if f.filename == HERE][1:]
    assert mine == [
        (line_of("for i in tf.range(3):"), "failing"),
        (line_of("if i > x:"), "failing"),
        (line_of("fails_inside(i)"), "failing"),
        (line_of("if i.shape.rank == 0:"), "fails_inside"),
        (line_of('raise OwnError(17, "inside")'), "fails_inside"),
    ]
    first = next(i for i, f in enumerate(frames) if f.name == "failing")
    assert all(f.filename == HERE for f in frames[first:])


def test_a_wrong_call_names_the_function() -> None:
    def inner(a: Any, b: Any) -> Any:
        return a if a > b else b

    @tf.function
    def f(x: Any) -> Any:
        return inner(x) if x > 0 else x  # type: ignore[call-arg]

    with pytest.raises(TypeError, match=r"inner\(\) missing 1 required positional argument: 'b'"):
        f(tf.constant(1))


# What is converted, and when


def test_malt_is_imported_by_the_first_function_that_needs_it() -> None:
    out = run(
        """
        import pathlib, sys, tempfile, textwrap
        import calque as tf

        source = '''
        import calque as tf

        def straight(x):
            return tf.nn.relu(tf.matmul(x, x) + 1.0)

        def branches(x):
            return x if x > 0 else -x
        '''
        folder = tempfile.mkdtemp()
        path = pathlib.Path(folder, "some_module.py")
        path.write_text(textwrap.dedent(source))
        sys.path.insert(0, folder)
        import some_module

        print("malt" in sys.modules)
        tf.function(some_module.straight)(tf.ones([2, 2]))
        print("malt" in sys.modules)
        tf.function(some_module.branches)(tf.constant(1.0))
        print("malt" in sys.modules)
        """
    )
    assert out.split() == ["False", "False", "True"]


def test_conversion_writes_no_file() -> None:
    before = set(os.listdir(tempfile.gettempdir()))
    modules = set(sys.modules)

    @tf.function
    def f(x: Any) -> Any:
        return 1 if x > 0 else 2

    f(tf.constant(1))
    made = set(os.listdir(tempfile.gettempdir())) - before
    assert not [name for name in made if "autograph" in name]
    assert not [name for name in set(sys.modules) - modules if "generated" in name]


def test_conversion_is_done_once_for_each_code(monkeypatch: pytest.MonkeyPatch) -> None:
    from calque.autograph import transpile

    made = []
    original = transpile._made
    monkeypatch.setattr(transpile, "_made", lambda f, o: made.append(f.__name__) or original(f, o))

    def adder(n: int) -> Callable[[Any], Any]:
        def add(x: Any) -> Any:
            return x + n if x > 0 else x - n

        return add

    results = [tf.function(adder(n))(tf.constant(x)).numpy() for n in (1, 2, 3) for x in (10, -10)]
    assert results == [11, -11, 12, -12, 13, -13]
    assert made == ["add"]


def test_converted_functions_share_cells() -> None:
    count = 0

    @tf.function
    def f(x: Any) -> Any:
        nonlocal count
        count += 1
        if x > 0:
            return x + count
        return x

    assert f(tf.constant(1)).numpy() == 2
    count = 5
    assert f(tf.constant(1.0)).numpy() == 7.0
    assert count == 6


def test_threads_convert_together() -> None:
    def work(x: Any) -> Any:
        s = 0
        for i in tf.range(x):
            if i % 2 == 0:
                s += i
        return s

    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda: results.append(tf.function(work)(tf.constant(10)).numpy()))
        for _ in range(8)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [20] * 8


def test_lambdas_in_one_line_are_told_apart() -> None:
    f, g = (lambda x: x + 1 if x > 0 else x), (lambda x: x + 2 if x > 0 else x)
    nested = lambda x: (lambda y: y * 3 if y > 0 else y)(x) if x > -5 else x  # noqa: E731
    if sys.version_info >= (3, 11):
        assert tf.function(f)(tf.constant(1)).numpy() == 2
        assert tf.function(g)(tf.constant(1)).numpy() == 3
    assert tf.function(nested)(tf.constant(1)).numpy() == 3


def test_autograph_false_runs_it_as_it_stands() -> None:
    @tf.function(autograph=False)
    def f(x: Any) -> Any:
        return 1 if x > 0 else 2

    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        f(tf.constant(1))


def test_library_functions_are_called_as_they_stand() -> None:
    seen = []

    class Recorder:
        def __call__(self, x: Any) -> Any:
            seen.append(inspect.currentframe())
            return x

    assert tf.function(lambda x: functools.reduce(lambda a, b: a + b, [x, x]))(tf.constant(2)).numpy() == 4
    assert tf.function(lambda x: tf.nest.map_structure(Recorder(), [x]))(tf.constant(2))[0].numpy() == 2
    assert len(seen) == 1


def test_a_function_without_source_runs_as_it_stands_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scope: dict[str, Any] = {"tf": tf}
    exec(compile("def f(x):\n  y = x\n  while y is None: pass\n  return y + 1", "<nowhere>", "exec"), scope)

    @tf.function
    def caller(x: Any) -> Any:
        return scope["f"](x) if x > -100 else x

    with caplog.at_level(logging.WARNING):
        assert caller(tf.constant(1)).numpy() == 2
        assert caller(tf.constant(1.0)).numpy() == 2.0
        assert tf.function(scope["f"])(tf.constant(5)).numpy() == 6
    warnings = [r for r in caplog.records if "could not transform" in r.message]
    assert 1 <= len(warnings) <= 2  # as a callee, and as a function asked for by name
    assert "there is no source code of" in warnings[0].message


def test_strict_conversion_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRAPH_STRICT_CONVERSION", "1")

    @tf.function
    def loops(x: Any) -> Any:
        for _ in range(2):
            x = x + 1
        else:
            x = x + 10
        return x

    with pytest.raises(NotImplementedError, match="for/else statement not yet supported"):
        loops(tf.constant(1))


def test_a_changed_file_is_not_taken_for_the_source(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "changing.py"
    path.write_text("def f(x):\n    if x > 0:\n        return 1\n    return 2\n")
    scope: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    path.write_text("# something else\n\n\ndef g():\n    pass\n" * 3)
    linecache.clearcache()
    with pytest.raises(ConversionError, match="it has changed"):
        tf.autograph.to_graph(scope["f"])


# The public names


def test_to_graph_and_to_code() -> None:
    def f(x: Any) -> Any:
        if x > 0:
            x = x * 2
        return x

    converted = tf.autograph.to_graph(f)
    assert converted(tf.constant(2)).numpy() == 4
    assert converted(-2) == -2
    code = tf.autograph.to_code(f)
    assert code.startswith("def tf__f(x):")
    assert "ag__.if_stmt(ag__.ld(x) > 0, if_body, else_body" in code
    compile(code, "code", "exec")


@pytest.mark.parametrize("what", [3, tf.function(lambda x: x), functools.partial(max, 1), int])
def test_to_graph_takes_functions_only(what: Any) -> None:
    with pytest.raises(ConversionError, match="function"):
        tf.autograph.to_graph(what)


def test_to_graph_of_a_method_takes_self() -> None:
    class Scale:
        factor = 3

        def __call__(self, x: Any) -> Any:
            return x * self.factor if x > 0 else x

    scale = Scale()
    assert tf.autograph.to_graph(scale.__call__)(scale, tf.constant(2)).numpy() == 6


def test_do_not_convert() -> None:
    @tf.autograph.experimental.do_not_convert
    def plain(x: Any) -> Any:
        return called(x)

    def called(x: Any) -> Any:
        return 1 if x > 0 else 2

    class Holder:
        @tf.autograph.experimental.do_not_convert()
        def method(self, x: Any) -> Any:
            return 1 if x > 0 else 2

    for f in (plain, Holder().method):
        with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
            tf.function(lambda x, f=f: f(x))(tf.constant(1))
        assert f(1) == 1
    assert plain.__name__ == "plain"
    assert tf.function(called)(tf.constant(1)).numpy() == 1


def test_features() -> None:
    features = tf.autograph.experimental.Feature
    assert features.LISTS in features.all()
    assert set(features.all_but(features.LISTS)) == set(features.all()) - {features.LISTS, features.ALL}
    assert set(features.all_but([features.LISTS, features.ALL])) == set(features.all_but(features.LISTS))
    with pytest.raises(TypeError, match="members of tf.autograph.experimental.Feature"):
        tf.function(lambda x: x, experimental_autograph_options="LISTS")(1)


def test_assert_statements(capfd: pytest.CaptureFixture[str]) -> None:
    feature = tf.autograph.experimental.Feature.ASSERT_STATEMENTS

    @tf.function(experimental_autograph_options=feature)
    def f(x: Any) -> Any:
        assert x > 0, f"x is {'not'} positive"
        assert True
        return x

    assert f(tf.constant(1)).numpy() == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="x is not positive"):
        f(tf.constant(-1))
    with pytest.raises(AssertionError, match="x is not positive"):
        f(-1)


def test_builtin_functions_print_when_the_graph_runs(capsys: pytest.CaptureFixture[str]) -> None:
    @tf.function(experimental_autograph_options=tf.autograph.experimental.Feature.BUILTIN_FUNCTIONS)
    def f(x: Any) -> Any:
        print("x is", x, {"a": 1}, sep="|", end=".\n")
        print("once")
        return x

    f(tf.constant([1, 2]))
    f(tf.constant([3, 4]))
    assert capsys.readouterr().out == "once\nx is|[1 2]|{'a': 1}.\nx is|[3 4]|{'a': 1}.\n"


def test_equality_operators() -> None:
    feature = tf.autograph.experimental.Feature.EQUALITY_OPERATORS

    @tf.function(experimental_autograph_options=feature)
    def f(x: Any, y: Any) -> Any:
        return x == y, x != y, 1 == 1.0, x == y == x

    assert [bool(r) for r in f(tf.constant(1), tf.constant(1))] == [True, False, True, True]


def test_name_scopes() -> None:
    @tf.function(experimental_autograph_options=tf.autograph.experimental.Feature.NAME_SCOPES)
    def outer(x: Any) -> Any:
        return inner(tf.sin(x))

    def inner(x: Any) -> Any:
        return tf.cos(x)

    names = {o.name for o in outer.get_concrete_function(tf.constant(1.0)).graph.get_operations()}
    assert {"outer/Sin", "outer/inner/Cos"} <= names


def test_lists() -> None:
    @tf.function(experimental_autograph_options=tf.autograph.experimental.Feature.LISTS)
    def f(n: Any) -> Any:
        found = []
        for i in tf.range(n):
            found.append(i * i)
        own = [1, 2]
        own[0] = 5
        own[1] += 1
        last = own.pop()
        return len(found), own[0], last

    assert [int(v) for v in f(tf.constant(4))] == [4, 5, 3]


def test_verbosity(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        return 1 if x > 0 else 2

    tf.autograph.set_verbosity(10, alsologtostdout=True)
    try:
        with caplog.at_level(logging.INFO):
            tf.function(f)(tf.constant(1))
    finally:
        tf.autograph.set_verbosity(0)
    assert any("AutoGraph converts" in r.message for r in caplog.records)
    assert "ag__.if_exp" in capsys.readouterr().out
    tf.autograph.trace("seen", 1)
    assert capsys.readouterr().out == "seen 1\n"


def test_callbacks_follow_their_caller() -> None:
    def callback(x: Any) -> Any:
        return 1 if x > 0 else 2

    def library(f: Callable[..., Any], x: Any) -> Any:
        return calls.tf_convert(f, status.control_status())(x)

    assert tf.function(lambda x: library(callback, x))(tf.constant(1)).numpy() == 1
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        tf.function(lambda x: library(callback, x), autograph=False)(tf.constant(1))


def test_a_warning_for_a_loop_that_unrolls_forever(caplog: pytest.LogCaptureFixture) -> None:
    from calque.autograph.operators import loops

    @tf.function
    def f(x: Any) -> Any:
        for _ in range(200):
            x = x + 1
        return x

    before, loops._MANY_ITERATIONS = loops._MANY_ITERATIONS, 100
    try:
        with caplog.at_level(logging.WARNING):
            assert f(tf.constant(0)).numpy() == 200
    finally:
        loops._MANY_ITERATIONS = before
    (record,) = [r for r in caplog.records if "Large unrolled loop" in r.message]
    assert "test_conversion.py" in record.getMessage()


def straight(x: Any) -> Any:
    dense = isinstance(x, tf.Tensor)
    return tf.nn.relu(tf.matmul(x, x) + 1.0), sum((1, dense))


def calls_user_code(x: Any) -> Any:
    return straight(x)


def calls_method(x: Any) -> Any:
    return x.ref()


def uses_len(x: Any) -> Any:
    return len(x)


def chains(x: Any) -> Any:
    return 0 < x < 1


@pytest.mark.parametrize(
    ("function", "needed"),
    [(straight, False), (calls_user_code, True), (calls_method, True), (uses_len, True), (chains, True)],
)
def test_straight_line_code_is_left_alone(function: Any, needed: bool) -> None:
    options = ConversionOptions(recursive=True, user_requested=True, optional_features=None)
    assert needs_conversion(function, options) is needed
