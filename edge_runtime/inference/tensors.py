"""Shape, dtype and quantization of a model's input and output."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TensorSpec:
    """A model's input or output.

    Attributes:
        shape: with the batch, (1, height, width, 3) or (1, classes).
        dtype: float32, uint8 or int8.
        scale: real = scale * (quantized - zero_point); 0 where the tensor is not quantized.
        zero_point: the quantized value of 0.0.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int

    @property
    def quantized(self) -> bool:
        """Whether the tensor holds integers with a scale."""
        return self.scale > 0

    def zeros(self) -> NDArray[Any]:
        """A tensor of this shape and dtype, all 0."""
        return np.zeros(self.shape, self.dtype)

    def real(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Dequantize values of the tensor to float32."""
        if not self.quantized:
            return values.astype(np.float32)
        return (values.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)
