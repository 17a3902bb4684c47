"""A `.tflite` that was unpacked, changed and packed again."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from converter.flatbuffer import with_output, with_signature


def test_a_signature_names_the_input_and_the_output(color_models: dict[str, Path]) -> None:
    content = color_models["uint8"].read_bytes()
    interpreter = Interpreter(model_content=with_signature(content))
    name = interpreter.get_input_details()[0]["name"]
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": [name], "outputs": ["output_0"]}
    }
    green = np.zeros((1, 8, 8, 3), np.uint8)
    green[..., 1] = 255
    (scores,) = interpreter.get_signature_runner()(**{name: green}).values()
    assert scores.argmax() == 1


def test_another_output_has_no_signature(color_models: dict[str, Path]) -> None:
    content = with_signature(color_models["float32"].read_bytes())
    inner = Interpreter(model_content=content).get_input_details()[0]["index"]
    assert Interpreter(model_content=with_output(content, inner)).get_signature_list() == {}
