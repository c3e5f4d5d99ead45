"""The guide's way: a module, a layer, a model; summarized, drawn, trained, saved, and loaded again.

    python examples/guide.py [FOLDER]

Follows TensorFlow's guide "Introduction to modules, layers and models" with one import changed, and goes on where it
ends: the model learns digits. Pictures go to FOLDER (guide_pictures): the graph of the model, its summary, and how
training went; beside them TensorBoard's logs.
"""

from __future__ import annotations

import sys
import tempfile
from html import escape
from pathlib import Path

import numpy as np
from digits import digits

import calque as tf


class Dense(tf.Module):
    """A module: variables, and a function of them."""

    def __init__(self, in_features, out_features, name=None):
        super().__init__(name=name)
        self.w = tf.Variable(tf.random.normal([in_features, out_features]), name="w")
        self.b = tf.Variable(tf.zeros([out_features]), name="b")

    def __call__(self, x):
        return tf.nn.relu(tf.matmul(x, self.w) + self.b)


class FlexibleDense(tf.keras.layers.Layer):
    """A layer: like a module, but built when the shape of its input is known."""

    def __init__(self, out_features, **kwargs):
        super().__init__(**kwargs)
        self.out_features = out_features

    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=[input_shape[-1], self.out_features])
        self.b = self.add_weight(name="b", shape=[self.out_features], initializer="zeros")

    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b


def network():
    """A functional model with two ways from the pixels to the digit."""
    images = tf.keras.Input([8, 8, 1], name="images")
    x = tf.keras.layers.Conv2D(8, 3, padding="same", activation="relu")(images)
    x = tf.keras.layers.MaxPooling2D()(x)
    near = tf.keras.layers.Flatten()(x)
    whole = FlexibleDense(32)(tf.keras.layers.Flatten()(images))
    x = tf.keras.layers.Concatenate()([near, tf.nn.relu(whole)])
    x = tf.keras.layers.Dropout(0.2)(x)
    return tf.keras.Model(
        images, tf.keras.layers.Dense(10, activation="softmax", name="digit")(x), name="digits"
    )


def text_picture(lines):
    """Lines of text as SVG."""
    width, height = max(map(len, lines)) * 7.3 + 24, len(lines) * 17 + 20
    rows = [f'<tspan x="12" dy="17" xml:space="preserve">{escape(line)}</tspan>' for line in lines]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" font-family="monospace" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/><text y="6">{"".join(rows)}</text></svg>\n'
    )


def curves_picture(curves, width=560, height=300):
    """Lists of numbers, one for each epoch, as curves in SVG."""
    left, right, top, bottom = 46, 120, 14, 34
    most = max(max(values) for values in curves.values())
    epochs = max(len(values) for values in curves.values())

    def at(epoch, value):
        x = left + (width - left - right) * epoch / max(epochs - 1, 1)
        return f"{x:.1f},{top + (height - top - bottom) * (1 - value / most):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<path d="M{at(0, most)}L{at(0, 0)}L{at(epochs - 1, 0)}" fill="none" stroke="#999"/>',
        f'<text x="{(width - right + left) / 2}" y="{height - 6}" text-anchor="middle">epoch 1 to {epochs}</text>',
    ]
    parts += [
        f'<text x="{left - 6}" y="{at(0, v).split(",")[1]}" text-anchor="end" dy="4">{v:.2f}</text>'
        for v in (0, most / 2, most)
    ]
    labels = []
    for (name, values), color in zip(
        curves.items(), ("#2b6cb0", "#c05621", "#2f855a", "#97266d"), strict=False
    ):
        points = " ".join(at(i, v) for i, v in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        x, y = at(len(values) - 1, values[-1]).split(",")
        labels.append((float(y), float(x) + 6, f"{name} {values[-1]:.2f}", color))
    lowest = 0.0
    for y, x, label, color in sorted(labels):
        lowest = max(y, lowest + 14)  # so that no label covers another
        parts.append(f'<text x="{x:.1f}" y="{lowest:.1f}" dy="4" fill="{color}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    tf.keras.utils.set_random_seed(7)

    module = Dense(in_features=3, out_features=2, name="dense")
    print("A module:", module(tf.constant([[2.0, 2.0, 2.0]])).numpy(), [v.name for v in module.variables])
    layer = FlexibleDense(out_features=3)
    layer(tf.constant([[2.0, 2.0, 2.0]]))
    print("A layer, built by its first call:", [v.name for v in layer.variables])

    model = network()
    lines = []
    model.summary(print_fn=lines.append)
    print("\n".join(lines))
    (folder / "summary.svg").write_text(text_picture(lines), encoding="utf-8")
    tf.keras.utils.plot_model(model, folder / "model.svg", show_shapes=True, show_layer_names=True)

    learn, test = digits()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        *learn,
        epochs=12,
        validation_data=test,
        verbose=2,
        callbacks=[
            tf.keras.callbacks.TensorBoard(folder / "logs"),
            tf.keras.callbacks.EarlyStopping(patience=4),
        ],
    ).history
    (folder / "training.svg").write_text(curves_picture(history), encoding="utf-8")
    share = model.evaluate(*test, verbose=0)[1]
    print(f"{100 * share:.1f}% of the test digits right")

    with tempfile.TemporaryDirectory() as directory:
        model.save(directory)
        again = tf.keras.models.load_model(
            directory
        )  # FlexibleDense is not registered: it runs what was saved
    same = np.allclose(again.predict(test[0], verbose=0), model.predict(test[0], verbose=0), atol=1e-6)
    print(f"Loaded: {type(again).__name__} of {len(again.layers)} layers, the same predictions: {same}")
    print("Pictures:", ", ".join(sorted(str(p) for p in folder.glob("*.svg"))))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "guide_pictures"))
