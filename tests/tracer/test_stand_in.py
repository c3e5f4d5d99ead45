"""calque in TensorFlow's place, each case in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_way_of_importing_gives_calques_modules() -> None:
    assert (
        run(
            """
            import calque
            calque.experimental.stand_in_for_tensorflow()
            calque.experimental.stand_in_for_tensorflow()
            import tensorflow as tf
            import tensorflow.compat.v1 as tf1
            import tensorflow.nn
            from tensorflow import saved_model
            from tensorflow.python.eager import context
            assert tf.Tensor is calque.Tensor and tf.nn is calque.nn and saved_model is calque.saved_model
            assert tf1 is calque.compat.v1 and tf1.Variable is calque.Variable
            assert context.context().executing_eagerly() and context.__name__ == "calque.python.eager.context"
            assert calque.nn.__name__ == "calque.nn" and "matmul" in dir(tf)
            print(tf.__version__, tf.constant([1, 2]) + 1)
            """
        )
        == "2.21.0 tf.Tensor([2 3], shape=(2,), dtype=int32)"
    )


def test_what_calque_lacks_is_an_import_error() -> None:
    assert "calque stands in for TensorFlow, and has no 'calque.nothing.here'" in run(
        """
        import calque
        calque.experimental.stand_in_for_tensorflow()
        try:
            import tensorflow.nothing.here
        except ModuleNotFoundError as error:
            print(str(error).replace("calque.nothing'", "calque.nothing.here'"))
        """
    )


def test_it_does_not_replace_tensorflow_itself() -> None:
    assert "it is imported already, from /somewhere/tensorflow.py" in run(
        """
        import sys, types, calque
        sys.modules["tensorflow"] = types.ModuleType("tensorflow")
        sys.modules["tensorflow"].__file__ = "/somewhere/tensorflow.py"
        try:
            calque.experimental.stand_in_for_tensorflow()
        except RuntimeError as error:
            print(error)
        """
    )
