"""A model of functions that take and give composite tensors, in either library."""
# No __future__ annotations: TensorFlow reads the fields' types off the class.

from typing import Any


def build(tf: Any) -> tuple[Any, tuple[Any, ...]]:
    """The model, called once, and the arguments of its function `every`."""

    class Scores(tf.experimental.ExtensionType):  # type: ignore[misc, name-defined]
        __name__ = "support.Scores"
        values: tf.Tensor  # type: ignore[name-defined]
        scale: float = 1.0

    class Model(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

        @tf.function  # type: ignore[untyped-decorator]
        def every(self, ragged: Any, sparse: Any, slices: Any, scores: Any) -> Any:
            return {
                "ragged": ragged + 1,
                "sparse": tf.sparse.add(sparse, sparse),
                "slices": tf.IndexedSlices(slices.values * 2.0, slices.indices, slices.dense_shape),
                "scores": Scores(scores.values * scores.scale, scores.scale),
                "sum": tf.reduce_sum(ragged, 1),
            }

        @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)])
        def embed(self, ids: Any) -> Any:
            return tf.reduce_mean(tf.gather(self.table, ids), 1)

    model = Model()
    ragged = tf.ragged.constant([[1, 2], [0]], tf.int32)
    sparse = tf.sparse.from_dense([[0.0, 1.5], [2.5, 0.0]])
    slices = tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([1]), tf.constant([3, 2]))
    arguments = ragged, sparse, slices, Scores([1.0, 2.0], 3.0)
    model.every(*arguments)
    return model, arguments


def told(tf: Any, model: Any, arguments: Any) -> dict[str, Any]:
    """What the model's functions give, as lists."""
    result = model.every(*arguments)
    return {
        "ragged": result["ragged"].to_list(),
        "sparse": tf.sparse.to_dense(result["sparse"]).numpy().tolist(),
        "slices": tf.convert_to_tensor(result["slices"]).numpy().tolist(),
        "scores": [result["scores"].values.numpy().tolist(), result["scores"].scale],
        "sum": result["sum"].numpy().tolist(),
        "embed": [model.embed(tf.ragged.constant(rows)).numpy().tolist() for rows in ([[0, 1], [2]], [[1]])],
    }


WANTED: dict[str, Any] = {
    "ragged": [[2, 3], [1]],
    "sparse": [[0.0, 3.0], [5.0, 0.0]],
    "slices": [[0.0, 0.0], [2.0, 4.0], [0.0, 0.0]],
    "scores": [[3.0, 6.0], 3.0],
    "sum": [3, 0],
    "embed": [[[2.0, 3.0], [5.0, 6.0]], [[3.0, 4.0]]],
}
