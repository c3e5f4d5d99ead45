"""TF1 models that see: image strings, detectors, classic networks, quantization; see `tf1_models`."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from interop.tf1_models import Feeds, case, f32, normal, strings, variable


def picture(seed: int, height: int = 12, width: int = 10, channels: int = 3) -> Any:
    return np.random.RandomState(seed).randint(0, 256, (height, width, channels)).astype(np.uint8)


def encoded(tf: Any, *seeds: int) -> Any:
    """Pictures as PNG."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return strings(*(session.run(tf.io.encode_png(picture(seed))) for seed in seeds))


@case()
def image_strings(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Encoded images, decoded and resized one by one in map_fn."""
    v1 = tf.compat.v1
    data = feed("image_bytes", encoded(tf, 0, 1))

    def one(text: Any) -> Any:
        image = tf.image.decode_png(text, channels=3)
        image = tf.image.convert_image_dtype(image, tf.float32)
        image = v1.image.resize_bilinear(image[None], [8, 8], align_corners=False)[0]
        return (image - 0.5) * 2.0

    images = v1.map_fn(one, data, dtype=tf.float32, back_prop=False)
    images.set_shape([None, 8, 8, 3])
    return {"images": images, "mean": tf.reduce_mean(images, [1, 2])}


@case()
def base64_images(tf: Any, feed: Feeds) -> dict[str, Any]:
    texts = [base64.urlsafe_b64encode(one) for one in encoded(tf, 3, 4)]
    data = tf.io.decode_base64(feed("b64", strings(*texts)))
    image = tf.image.decode_image(data[0], channels=3, expand_animations=False)
    image.set_shape([None, None, 3])
    gray = tf.image.rgb_to_grayscale(image)
    return {
        "image": image, "gray": gray, "back": tf.io.encode_base64(data, pad=True), "shape": tf.shape(image),
        "cropped": tf.image.resize_with_crop_or_pad(image, 8, 16), "central": tf.image.central_crop(image, 0.5),
        "standard": tf.image.per_image_standardization(image), "flipped": tf.image.flip_left_right(image),
    }  # fmt: skip


@case(tolerance=1e-3)
def detector(tf: Any, feed: Feeds) -> dict[str, Any]:
    """The shape of the object detection API: preprocessing and non-max suppression in loops, crops, padding."""
    v1 = tf.compat.v1
    image = feed(
        "image_tensor", np.stack([picture(1, 16, 16), picture(2, 16, 16)]), shape=(None, None, None, 3)
    )

    def resize(one: Any) -> Any:
        return v1.image.resize_images(one, [12, 12], method=0), tf.constant([12, 12, 3])

    resized, true_shapes = v1.map_fn(resize, tf.cast(image, tf.float32), (tf.float32, tf.int32))
    h = v1.layers.conv2d((2.0 / 255) * resized - 1.0, 8, 3, strides=2, padding="same", activation=tf.nn.relu6)
    h = v1.layers.separable_conv2d(h, 8, 3, padding="same", activation=tf.nn.relu6)
    boxes = v1.layers.conv2d(h, 4, 1)
    scores = v1.layers.conv2d(h, 3, 1)
    grid = tf.stack(tf.meshgrid(tf.range(6), tf.range(6), indexing="ij"), -1)
    centers = (tf.cast(tf.reshape(grid, [1, -1, 2]), tf.float32) + 0.5) / 6.0
    ty, tx, th, tw = tf.unstack(tf.reshape(boxes, [tf.shape(image)[0], -1, 4]), axis=2)
    cy, cx = centers[..., 0] + ty * 0.1, centers[..., 1] + tx * 0.1
    hh, ww = tf.exp(th) * 0.15, tf.exp(tw) * 0.15
    decoded = tf.stack([cy - hh, cx - ww, cy + hh, cx + ww], 2)
    probabilities = tf.nn.sigmoid(tf.reshape(scores, [tf.shape(image)[0], -1, 3]))

    def suppress(both: Any) -> Any:
        one, score = both
        one = tf.clip_by_value(one, 0.0, 1.0)
        found_boxes, found_scores, found_classes = [], [], []
        for number in range(3):
            keep = tf.where(tf.greater(score[:, number], 0.4))[:, 0]
            kept, kept_scores = tf.gather(one, keep), tf.gather(score[:, number], keep)
            chosen = tf.image.non_max_suppression(kept, kept_scores, tf.minimum(4, tf.shape(kept)[0]), 0.5)
            found_boxes.append(tf.gather(kept, chosen))
            found_scores.append(tf.gather(kept_scores, chosen))
            found_classes.append(tf.fill(tf.shape(chosen), np.float32(number)))
        found_scores = tf.concat(found_scores, 0)
        best = tf.argsort(found_scores, direction="DESCENDING", stable=True)[:6]
        short = 6 - tf.shape(best)[0]
        return (
            tf.ensure_shape(tf.pad(tf.gather(tf.concat(found_boxes, 0), best), [[0, short], [0, 0]]), [6, 4]),
            tf.ensure_shape(tf.pad(tf.gather(found_scores, best), [[0, short]]), [6]),
            tf.ensure_shape(tf.pad(tf.gather(tf.concat(found_classes, 0), best), [[0, short]]), [6]),
            tf.shape(best)[0],
        )

    types = (tf.float32, tf.float32, tf.float32, tf.int32)
    boxes, scores, classes, count = v1.map_fn(suppress, (decoded, probabilities), types)
    rows = tf.repeat(tf.range(tf.shape(image)[0]), 6)
    crops = v1.image.crop_and_resize(resized, tf.reshape(boxes, [-1, 4]), rows, [3, 3])
    return {
        "detection_boxes": boxes, "detection_scores": scores, "detection_classes": classes + 1.0,
        "num_detections": tf.cast(count, tf.float32), "crops": crops, "true_shapes": true_shapes,
    }  # fmt: skip


@case()
def combined_suppression(tf: Any, feed: Feeds) -> dict[str, Any]:
    random = np.random.RandomState(5)
    corner = random.rand(2, 20, 1, 2).astype(np.float32)
    boxes = feed("boxes", np.concatenate([corner, corner + 0.3], -1))
    scores = feed("scores", random.rand(2, 20, 3).astype(np.float32))
    found = tf.image.combined_non_max_suppression(boxes, scores, 4, 7, 0.4, 0.3)
    padded, valid = tf.image.non_max_suppression_padded(
        boxes[0, :, 0], scores[0, :, 0], 6, 0.5, pad_to_max_output_size=True
    )
    soft, soft_scores = tf.image.non_max_suppression_with_scores(
        boxes[0, :, 0], scores[0, :, 0], 5, 0.5, soft_nms_sigma=0.5
    )
    return {**found._asdict(), "padded": padded, "valid": valid, "soft": soft, "soft_scores": soft_scores}


@case(tolerance=1e-3)
def classic_network(tf: Any, feed: Feeds) -> dict[str, Any]:
    """tf.layers and tf.nn of ImageNet networks."""
    v1 = tf.compat.v1
    x = feed("x", normal(2, 15, 15, 3), shape=(None, 15, 15, 3))
    h = v1.layers.conv2d(x, 8, 5, strides=2, padding="valid", activation=tf.nn.relu)
    h = tf.nn.local_response_normalization(h, 2, 1.0, 1e-4, 0.75)
    h = tf.concat(
        [
            v1.layers.conv2d(h, 4, 1),
            v1.layers.average_pooling2d(h, 3, 1, "same"),
            v1.layers.max_pooling2d(h, 3, 1, "same"),
            v1.layers.conv2d(h, 4, 3, padding="same", dilation_rate=2, activation=tf.nn.leaky_relu),
        ],
        3,
    )
    h = v1.layers.conv2d_transpose(h, 6, 3, strides=2, padding="same")
    h = tf.nn.depthwise_conv2d(h, variable(tf, "dw", 3, 3, 6, 2), [1, 2, 2, 1], "SAME")
    h = tf.nn.atrous_conv2d(h, variable(tf, "at", 2, 2, 12, 5), 2, "SAME")
    h, where = v1.nn.max_pool_with_argmax(h, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    h = tf.nn.space_to_depth(tf.pad(h, [[0, 0], [1, 0], [0, 1], [0, 0]], "REFLECT"), 2)
    return {
        "features": h,
        "where": where,
        "pooled": tf.reduce_mean(h, [1, 2]),
        "up": v1.image.resize_nearest_neighbor(h, [5, 7]),
    }


@case()
def three_dimensions(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    x = feed("x", normal(1, 6, 7, 5, 2))
    h = v1.layers.conv3d(x, 3, 3, strides=(1, 2, 1), padding="same")
    h = v1.layers.max_pooling3d(h, 2, 2, "same")
    up = v1.layers.conv3d_transpose(h, 2, 3, 2, "same")
    one = v1.layers.conv1d(x[:, :, 0, 0], 4, 3, 2)
    return {"h": h, "up": up, "one": one, "pool": v1.layers.average_pooling1d(one, 2, 1)}


@case()
def fake_quantized(tf: Any, feed: Feeds) -> dict[str, Any]:
    x = feed("x", normal(2, 6, 6, 3))
    low, high = variable(tf, "low", 4, seed=1), variable(tf, "high", 4, seed=2)
    w = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        variable(tf, "w", 3, 3, 3, 4), -tf.abs(low) - 0.1, tf.abs(high) + 0.1, narrow_range=True
    )
    h = tf.nn.relu6(tf.nn.conv2d(x, w, 1, "SAME"))
    h = tf.quantization.fake_quant_with_min_max_vars(h, -0.1, 6.0, num_bits=8)
    return {"h": h, "args": tf.quantization.fake_quant_with_min_max_args(h, 0.0, 3.0, 4)}


@case()
def quantized(tf: Any, feed: Feeds) -> dict[str, Any]:
    x = feed("x", f32([-1, 0.2, 3], [0.7, 2, -0.5]))
    q, low, high = tf.quantization.quantize(x, -1.0, 3.0, tf.quint8)
    signed, slow, shigh = tf.quantization.quantize(x, -1.0, 3.0, tf.qint8, mode="SCALED")
    return {
        "back": tf.quantization.dequantize(q, low, high),
        "scaled": tf.quantization.dequantize(signed, slow, shigh, mode="SCALED"),
        "both": tf.quantization.quantize_and_dequantize_v2(x, -1.0, 3.0),
        "bits": tf.bitcast(q, tf.uint8),
    }


@case()
def color_and_geometry(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    image = feed("image", np.random.RandomState(3).rand(6, 8, 3).astype(np.float32))
    return {
        "hsv": tf.image.rgb_to_hsv(image), "hue": tf.image.adjust_hue(image, 0.1),
        "saturation": tf.image.adjust_saturation(image, 0.5), "contrast": tf.image.adjust_contrast(image, 1.5),
        "yuv": tf.image.rgb_to_yuv(image), "rot": tf.image.rot90(image), "gamma": tf.image.adjust_gamma(image, 2.0),
        "cubic": v1.image.resize_bicubic(image[None], [9, 5]), "area": v1.image.resize_area(image[None], [3, 5]),
        "corners": v1.image.resize_bilinear(image[None], [11, 3], align_corners=True),
        "half": v1.image.resize_bilinear(image[None], [11, 3], half_pixel_centers=True),
        "boxed": tf.image.draw_bounding_boxes(image[None], [[[0.1, 0.2, 0.8, 0.9]]], [[1.0, 0.0, 0.0]]),
        "glimpse": tf.image.extract_glimpse(image[None], [3, 3], [[0.2, 0.1]]),
        "patches": tf.image.extract_patches(image[None], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"),
        "sobel": tf.image.sobel_edges(image[None]), "ssim": tf.image.total_variation(image),
        "lanczos": tf.image.resize(image, [4, 9], "lanczos3", antialias=True),
    }  # fmt: skip


@case(random=True)
def augmented(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Random preprocessing that was left in the graph."""
    image = feed("image", np.random.RandomState(3).rand(6, 8, 3).astype(np.float32))
    h = tf.image.random_flip_left_right(image)
    h = tf.image.random_brightness(h, 0.2)
    h = tf.compat.v1.random_crop(tf.image.random_contrast(h, 0.5, 1.5), [4, 4, 3])
    h = tf.image.random_hue(h, 0.1) + tf.random.truncated_normal([4, 4, 3])
    begin, _, box = tf.image.sample_distorted_bounding_box([6, 8, 3], [[[0.1, 0.1, 0.9, 0.9]]], 0, 0.5)
    return {"h": h, "begin": begin, "box": box, "pick": tf.random.categorical(tf.zeros([2, 3]), 4)}
