#!/usr/bin/env bash
# `make check-pi`: the real aarch64 wheels in a Debian bookworm arm64 root, without a Raspberry Pi.
#
# Builds the root (mmdebstrap), installs the wheel there as the README says for a Pi, and runs images, a video, the
# self-test, edge-doctor and edge-bench with a bundle under QEMU, once with LiteRT and once with tflite-runtime. Then
# the reports are rendered here and merged with those of the same engine here. Speed says nothing there, and no time
# is shown.
# Needs root, and: apt install mmdebstrap qemu-user-static binfmt-support
#
# Usage: check.sh BIN MODEL.tflite RUN     [PI_ROOT=folder for the Debian root]
set -euo pipefail
BIN=$1 MODEL=$2 RUN=$3
PYTHON=$BIN/python IMAGES=$RUN/examples
ROOT=${PI_ROOT:-build/pi-arm64}
INSIDE=/opt/check

if [ ! -x "$ROOT/usr/bin/python3" ]; then
    mmdebstrap --architectures=arm64 --variant=minbase \
        --include=python3,python3-venv,ca-certificates,libgl1,libglib2.0-0,libxcb1 \
        bookworm "$ROOT" http://deb.debian.org/debian
fi
rm -rf "$ROOT$INSIDE" && mkdir -p "$ROOT$INSIDE"
"$PYTHON" -m pip wheel -q --no-deps -w "$ROOT$INSIDE" .
cp "$MODEL" "$ROOT$INSIDE/model.tflite"
cp -r "$IMAGES" "$ROOT$INSIDE/images"
"$PYTHON" - "$ROOT$INSIDE" <<'VIDEO'
import sys
import cv2
from edge_runtime.images import list_images, read_image
from pathlib import Path
folder = Path(sys.argv[1])
writer = cv2.VideoWriter(str(folder / "video.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 64))
for image in list_images(folder / "images"):
    writer.write(cv2.resize(read_image(image, at_least=0)[..., ::-1].copy(), (64, 64)))
writer.release()
VIDEO
# The demo's 269 test images are too few to see whether 998 of 1,000 answers agree: each is also a little darker and
# brighter.
"$PYTHON" - "$RUN" "$ROOT$INSIDE/brightness" <<'BRIGHTNESS'
import sys
from pathlib import Path
import numpy as np
from edge_runtime import encode_png, read_run
run, folder = read_run(Path(sys.argv[1])), Path(sys.argv[2])
data = run.open_data()
for number, sample in enumerate(run.split("test")):
    image = data.read(sample.file)
    (folder / sample.label).mkdir(parents=True, exist_ok=True)
    for percent in range(92, 109, 2):
        changed = np.clip(image * (percent / 100), 0, 255).round().astype(np.uint8)
        (folder / sample.label / f"{number}_{percent}.png").write_bytes(encode_png(changed))
BRIGHTNESS
FEW=(--num-runs 20 --min-seconds 0 --processes 1)
"$BIN/edge-bench" bundle "$RUN" --data "$ROOT$INSIDE/brightness" --model "$MODEL" "${FEW[@]}" --out "$ROOT$INSIDE/bundle.zip"
# Memory and processor are read from /proc.
mountpoint -q "$ROOT/proc" || mount -t proc proc "$ROOT/proc"
trap 'umount "$ROOT/proc"' EXIT
cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
if [ -n "${PIP_CERT:-}" ]; then cp "$PIP_CERT" "$ROOT$INSIDE/certificates.pem"; fi

# QEMU's default processor has instructions that crash LiteRT; a Cortex-A72 is a Raspberry Pi 4's.
inside() {
    chroot "$ROOT" env -i HOME=/root PATH=/usr/bin:/bin LANG=C.UTF-8 QEMU_CPU=cortex-a72 \
        ${PIP_CERT:+PIP_CERT=$INSIDE/certificates.pem} PIP_DISABLE_PIP_VERSION_CHECK=1 "$@"
}

check() {
    local name=$1 wheel=$2 bin=/root/$1/bin
    echo "== $name on $(inside uname -m)"
    inside rm -rf "/root/$name"
    inside python3 -m venv "/root/$name"
    inside "$bin/pip" install -q "$wheel"
    local model=$INSIDE/model.tflite
    inside "$bin/edge-classify" -m "$model" --engine "$name" --self-test
    inside "$bin/edge-classify" -m "$model" --engine "$name" --input "$INSIDE/images" -k 1 \
        | tee "$ROOT$INSIDE/$name.txt"
    inside "$bin/edge-classify" -m "$model" --engine "$name" --input "$INSIDE/video.avi" -k 1 --format jsonl \
        | tail -n 1
    inside "$bin/edge-doctor" "$model"
    inside "$bin/edge-bench" run "$INSIDE/bundle.zip" --engine "$name" "${FEW[@]}" --out "$INSIDE/report-$name"
}

WHEEL=$(basename "$ROOT$INSIDE"/edge_classify-*.whl)
check litert "$INSIDE/$WHEEL"
check tflite-runtime "$INSIDE/$WHEEL[tflite-runtime]"
labels() { sed -E 's/ [0-9.]+ \([0-9.]+ ms\)$//' "$1"; }
diff <(labels "$ROOT$INSIDE/litert.txt") <(labels "$ROOT$INSIDE/tflite-runtime.txt")

# What the emulated board wrote, shown here and beside the report of the same engine on this machine.
"$PYTHON" -m venv "$ROOT-x86"
"$ROOT-x86/bin/pip" install -q "$ROOT$INSIDE/$WHEEL[tflite-runtime]"
for name in litert tflite-runtime; do
    here=$BIN there=$ROOT$INSIDE/report-$name/report.json
    if [ "$name" = tflite-runtime ]; then here=$ROOT-x86/bin; fi
    "$here/edge-bench" run "$ROOT$INSIDE/bundle.zip" --engine "$name" "${FEW[@]}" --out "$ROOT$INSIDE/x86-$name"
    "$BIN/edge-bench" render "$there"
    "$BIN/edge-bench" merge "$ROOT$INSIDE/x86-$name/report.json" "$there" --out "$ROOT$INSIDE/merged-$name"
    "$PYTHON" - "$ROOT$INSIDE/merged-$name/merged.json" <<'ANSWERS'
import json, sys
rows = json.load(open(sys.argv[1]))["rows"]
emulated = [row for row in rows if row["machine"]["emulated"]]
assert emulated and all(row["p50"] is None for row in emulated), "an emulated processor has no times"
for row in emulated:
    same, images = row["same_answers"], row["images"]
    print(f"{row['model']}: {same:.4f} of {images} answers are those of x86 ({row['engine']})")
    assert same >= 0.998, "more than 2 of 1,000 answers are others than on x86"
ANSWERS
done
echo "check-pi passed: both engines give the same labels, and the benchmark runs without the workstation's libraries"
