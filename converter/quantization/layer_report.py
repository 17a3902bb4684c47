"""Signal-to-noise of every layer, float against int8, by TensorFlow's own QuantizationDebugger."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.quantization.activations import readable
from converter.quantization.calibration import representative_dataset
from converter.quantization.int8 import Calibrated
from converter.tensorflow_internals import quantize_for_debugging

MAX_IMAGES = 16


@dataclass(frozen=True)
class LayerError:
    """The quantization error of one layer's output.

    Attributes:
        layer: its name in the Keras model.
        operator: its kind.
        tensor: the name of its output tensor in the converted model.
        snr: signal-to-noise ratio in dB: 10 log10 of the float output's variance over the mean square of the
            difference.
        fall: how much lower that is than the layer before it, in dB.
    """

    layer: str
    operator: str
    tensor: str
    snr: float
    fall: float


def measure_layers(calibrated: Calibrated, leave_out: Collection[str] = ()) -> list[LayerError]:
    """Run float and int8 side by side, each on its own earlier outputs, and compare every layer.

    Args:
        calibrated: the float model; up to `MAX_IMAGES` of its images are run.
        leave_out: names of output tensors whose error means nothing, since they are clipped on purpose.

    Returns:
        One for each quantized operator, in the order in which they run.
    """
    import tensorflow as tf

    images = calibrated.images[:MAX_IMAGES]
    debugger = tf.lite.experimental.QuantizationDebugger(
        quant_debug_model_content=quantize_for_debugging(calibrated.content),
        debug_dataset=lambda: representative_dataset(images, calibrated.input_range),
        debug_options=tf.lite.experimental.QuantizationDebugOptions(
            layer_direct_compare_metrics={"snr": _signal_to_noise}
        ),
    )
    debugger.run()
    text = io.StringIO()
    debugger.layer_statistics_dump(text)
    return _read_statistics(text.getvalue(), leave_out)


def worst_layers(layers: Sequence[LayerError], count: int) -> list[LayerError]:
    """The layers with the largest fall of the signal-to-noise ratio."""
    return sorted(layers, key=lambda layer: -layer.fall)[:count]


def format_layers(layers: Sequence[LayerError]) -> str:
    """`layers.csv`: one line a layer."""
    import csv

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["layer", "operator", "snr_db", "fall_db"])
    writer.writerows([each.layer, each.operator, f"{each.snr:.2f}", f"{each.fall:.2f}"] for each in layers)
    return text.getvalue()


def draw_layers(layers: Sequence[LayerError], title: str) -> bytes:
    """A bar for each layer's signal-to-noise ratio, first layer on top, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.5 + 0.2 * len(layers)), dpi=100, layout="constrained")
    axis = figure.subplots()
    worst = {each.tensor for each in worst_layers(layers, 3)}
    colors = ["tab:red" if each.tensor in worst else "tab:blue" for each in layers]
    axis.barh(range(len(layers)), [each.snr for each in layers], color=colors)
    axis.set_yticks(range(len(layers)), [each.layer.replace("$", r"\$") for each in layers], fontsize=7)
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.set(xlabel="signal-to-noise ratio, dB (red: the largest falls)", title=title)
    axis.grid(axis="x", alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _signal_to_noise(exact: NDArray[Any], quantized: NDArray[Any], scale: float, zero_point: int) -> float:
    real = (quantized.astype(np.float64) - zero_point) * scale
    # A constant carries no information: the signal is the difference of the output from its mean.
    signal, noise = np.square(exact - exact.mean(dtype=np.float64)).sum(), np.square(exact - real).sum()
    return float(10 * np.log10(max(signal, 1e-12) / max(noise, 1e-12)))


def _read_statistics(text: str, leave_out: Collection[str]) -> list[LayerError]:
    import csv

    layers: list[LayerError] = []
    previous: float | None = None
    for row in csv.DictReader(io.StringIO(text)):
        if row["tensor_name"] in leave_out:
            continue
        snr = float(row["snr"])
        fall = 0.0 if previous is None else previous - snr
        layers.append(LayerError(readable(row["tensor_name"]), row["op_name"], row["tensor_name"], snr, fall))
        previous = snr
    return layers
