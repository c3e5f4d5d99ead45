"""The harness itself: what goes to TensorFlow and comes back, and how failures arrive."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from interop.tf_process import TensorFlow, TensorFlowError


def test_text_leaves_its_answer_in_result(tf: TensorFlow) -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    answer = tf.run("result = {'product': tf.matmul(x, x), 'version': tf.__version__}", x=x)
    np.testing.assert_array_equal(answer["product"], x @ x)
    assert answer["version"].startswith("2.21")


def test_a_function_is_sent_as_source_and_autograph_can_read_it(tf: TensorFlow) -> None:
    def halvings(n: int) -> object:
        import tensorflow as tf

        @tf.function
        def count(n):
            steps = 0
            while n > 1:
                n //= 2
                steps += 1
            return steps

        return count(tf.constant(n))

    assert tf.run(halvings, n=1024) == 10


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.complex128, np.bool_, ml_dtypes.bfloat16])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_arrays_travel_both_ways(tf: TensorFlow, dtype: type, shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    name, back = tf.run("t = tf.constant(x)\nresult = t.dtype, t", x=x)
    assert name == np.dtype(dtype).name
    assert np.asarray(back).dtype == x.dtype
    np.testing.assert_array_equal(back, x)


def test_strings_variables_shapes_and_nests_become_plain(tf: TensorFlow) -> None:
    code = """
    result = {
        "string": tf.constant([b"a\\x00", b""]),
        "variable": [tf.Variable(5)],
        "shapes": (tf.TensorShape([None, 2]), tf.TensorShape(None)),
    }
    """
    answer = tf.run(code)
    assert answer["string"].tolist() == [b"a\x00", b""]
    assert answer["variable"] == [5]
    assert answer["shapes"] == ([None, 2], None)


def test_an_error_arrives_with_class_message_and_place(tf: TensorFlow) -> None:
    with pytest.raises(TensorFlowError, match=r"tf\.reshape") as caught:
        tf.run("tf.reshape([1, 2, 3], [2, 2])")
    assert caught.value.kind == "InvalidArgumentError"
    assert "3 values" in caught.value.message
    assert tf.run("result = 'still there'") == "still there"


def test_an_answer_that_cannot_travel_is_an_error(tf: TensorFlow) -> None:
    with pytest.raises(TensorFlowError, match="pickle"):
        tf.run("result = lambda: 0")


def test_what_is_printed_does_not_disturb(tf: TensorFlow) -> None:
    assert tf.run("print('noise'); tf.print('noise', output_stream='file:///dev/stdout'); result = 1") == 1


def test_requests_share_a_process_but_no_names(tf: TensorFlow) -> None:
    first = tf.run("import os; left = 1; result = os.getpid()")
    second = tf.run("import os; result = os.getpid(), 'left' in globals()")
    assert second == (first, False)


def test_a_script_has_its_own_process_and_environment(tf: TensorFlow) -> None:
    code = "import os; result = os.getpid(), os.environ.get('CALQUE_HARNESS')"
    shared, fresh = tf.run(code), tf.script(code, env={"CALQUE_HARNESS": "on"})
    assert fresh[0] != shared[0]
    assert (shared[1], fresh[1]) == (None, "on")


def test_a_death_is_reported_and_the_next_request_gets_a_new_process(tf: TensorFlow) -> None:
    with pytest.raises(TensorFlowError, match="exit status 7"):
        tf.run("import os; os.write(2, b'last words'); os._exit(7)")
    assert tf.run("result = 1 + 1") == 2


def test_a_request_that_hangs_is_ended(tf: TensorFlow) -> None:
    with pytest.raises(TensorFlowError, match="killed after 3 s"):
        tf.script("import time; time.sleep(60)", timeout=3)


def test_commands(tf: TensorFlow, tmp_path: Path) -> None:
    tf.run("tf.saved_model.save(tf.Module(), path)", path=str(tmp_path))
    assert "serve" in tf.command("saved_model_cli", "show", "--dir", str(tmp_path))
    with pytest.raises(TensorFlowError, match="exited with"):
        tf.command("saved_model_cli", "no-such-command")
