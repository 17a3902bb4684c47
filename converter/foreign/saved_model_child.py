"""The child process that makes a float `.tflite` of a SavedModel, on stdout; it cannot fill a file."""

import os
import sys

MEMORY_BYTES = 16 * 1024**3


def main() -> None:
    """Convert the folder that is named."""
    import resource

    from edge_runtime.system import limit_resources

    limit_resources(memory_bytes=MEMORY_BYTES, cpu_seconds=600)
    result = os.dup(1)
    os.dup2(2, 1)  # what TensorFlow prints is no part of the model
    import tensorflow as tf

    # Whatever the operations are told to save.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        content = tf.lite.TFLiteConverter.from_saved_model(sys.argv[1]).convert()
    except Exception as error:  # noqa: BLE001 - the parent says it in one line
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    with open(result, "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(content)


if __name__ == "__main__":
    main()
