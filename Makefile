# Two commands for a fresh machine: `make demo` and `make test`. They need Python >= 3.11 with venv, and a package index.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo
# The tests start hundreds of commands: each would compile the toolkit's modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test test-313 test-lowest test-slow test-avx2 bench-self bench-peers check-pi soak wheels addon sbom docs format clean

help:
	@echo "make demo        train on handwritten digits, convert to int8, classify, benchmark (minutes)"
	@echo "make install     make $(VENV) with everything a developer needs"
	@echo "make test        all checks: format, lint, types, import layers, tests"
	@echo "make test-313    the same with Python 3.13, in .venv-313"
	@echo "make test-slow   other programs that read the model file, installs of the wheel, photos, attacks, the loop"
	@echo "make test-lowest the device's tests with the lowest versions that pyproject.toml allows"
	@echo "make test-avx2   the tests with AVX-512, VNNI and AMX hidden (x86-64 with cpuid_fault)"
	@echo "make bench-self  the toolkit's own speed and memory, with a bar for each value"
	@echo "make bench-peers the demo's model file through MediaPipe, OpenVINO, ONNX Runtime, a bare loop"
	@echo "make check-pi    do what docs/raspberry-pi.md says in Debian systems for arm64 and armhf under QEMU (needs root)"
	@echo "make soak        100,000 frames and 300 reopenings of a camera: is anything left behind?"
	@echo "make wheels      the wheels for devices (64-bit, 32-bit) and for the workstation, in dist/"
	@echo "make addon       the Home Assistant add-on with the wheels in it, dist/home-assistant/"
	@echo "make sbom        the device's software bill of materials (CycloneDX), build/edge-classify.cdx.json"
	@echo "make docs        write what is generated: docs/cli.md, the JSON schema of the report"
	@echo "make format      format the code and fix what the linter can"
	@echo "make clean       remove what the targets above made"

install: $(VENV)/.dev

demo: $(DEMO)/run/model.keras
	$(BIN)/edge-convert $(DEMO)/run --out $(DEMO)/digits.tflite
	$(BIN)/edge-classify -m $(DEMO)/digits.tflite --self-test
	$(BIN)/edge-classify -m $(DEMO)/digits.tflite --input $(DEMO)/run/examples
	$(BIN)/edge-bench run $(DEMO)/run $(DEMO)/digits.tflite --out $(DEMO)/report
	@echo "look at $(DEMO)/run/report.html and $(DEMO)/report/report.html; model file: $(DEMO)/digits.tflite"

# Trained once: `make clean` to train again.
$(DEMO)/run/model.keras: | $(VENV)/.train
	$(BIN)/edge-train --config recipes/digits.toml --out $(DEMO)/run

# Runs a stage and prints how long it took: $(call stage,NAME,COMMAND)
define stage
@started=$$(date +%s); $(2) && echo "== $(1): $$(($$(date +%s) - started)) s"
endef

test: $(VENV)/.dev
	$(call stage,format,$(BIN)/ruff format --check -q .)
	$(call stage,lint,$(BIN)/ruff check -q .)
	$(call stage,types,$(BIN)/mypy)
	$(call stage,import layers,$(BIN)/lint-imports > $(VENV)/layers.txt || { cat $(VENV)/layers.txt; false; })
	$(call stage,tests,$(BIN)/pytest -n 2 --dist worksteal)

test-313:
	@$(MAKE) --no-print-directory test VENV=.venv-313 PYTHON=python3.13

test-slow: $(VENV)/.dev
	$(call stage,slow tests,$(BIN)/pytest -n 2 --dist worksteal -m extra)

# The lower bounds in pyproject.toml are versions that work. Old libraries warn of newer ones; that is no error here.
test-lowest: $(VENV)-lowest/.dev
	$(call stage,tests with the lowest versions,$(VENV)-lowest/bin/pytest -n 2 --dist worksteal -o filterwarnings=default tests/edge_runtime)

# No test may hold on one kind of processor only: libraries find an x86-64 with AVX2 and nothing newer.
test-avx2: $(VENV)/.dev
	$(CC) -O2 -shared -fPIC -o $(VENV)/hide_vnni.so tests/cpu/hide_vnni.c -ldl
	LD_PRELOAD=$(abspath $(VENV)/hide_vnni.so) $(BIN)/pytest -n 2 --dist worksteal

# The real wheels under QEMU, without a Raspberry Pi. Needs root: see tests/pi/check.py. SYSTEM=bookworm-arm64 for one.
check-pi: demo $(VENV)/.dev
	$(BIN)/python -m tests.pi.check $(DEMO)/digits.tflite $(DEMO)/run $(SYSTEM)

# 100,000 frames and 300 reopenings of the camera; the gate runs a tenth of it.
soak: $(VENV)/.dev
	EDGE_SOAK=1 $(BIN)/pytest tests/edge_runtime/pipeline/test_soak.py tests/edge_runtime/collection/test_collector.py

# Exit code 9 where a value is not within its bar. With the test data also training on photos.
bench-self: $(VENV)/.dev
	$(BIN)/python -P -m benchmarks.studies.bars $(if $(EDGE_TEST_ASSETS),$(EDGE_TEST_ASSETS)/alpaca $(EDGE_TEST_ASSETS)/mobilenet_v2_1.0_no_top.weights.h5)

# Other runtimes with the demo's model file, in a virtual environment of their own.
bench-peers: demo
	$(PYTHON) -m venv $(DEMO)/peers
	$(DEMO)/peers/bin/python -m pip install -q -e . rich -r benchmarks/studies/peers-requirements.txt
	$(BIN)/python -m pip install -q --no-deps --upgrade --target $(DEMO)/tf2onnx tf2onnx onnx
	PYTHONPATH=$(DEMO)/tf2onnx $(BIN)/python -m tf2onnx.convert --tflite $(DEMO)/digits.tflite --output $(DEMO)/digits.onnx
	$(DEMO)/peers/bin/python -P -m benchmarks.studies.peers $(DEMO)/digits.tflite $(DEMO)/run/examples

# Three wheels: pip takes the right one on 32-bit and on 64-bit systems; the extra `train` adds the third.
wheels: $(VENV)/.dev
	$(BIN)/python -P .ci/wheels.py dist

# To be copied into the folder `addons` of Home Assistant, which builds it.
addon: wheels
	rm -rf dist/home-assistant && cp -r deploy/home-assistant dist/home-assistant
	cp install.sh dist/edge_classify-*.whl dist/home-assistant/

# What `pip install edge-classify` puts on a device, in a virtual environment of its own.
sbom: wheels
	$(PYTHON) -m venv --clear build/device
	build/device/bin/python -m pip install -q --find-links dist edge-classify
	$(BIN)/cyclonedx-py environment --of JSON --sv 1.6 --output-reproducible --pyproject pyproject.toml \
		-o build/edge-classify.cdx.json build/device

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) $(VENV)-lowest .venv-313 $(DEMO) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c '' 2>/dev/null || { echo "there is no $(PYTHON) here: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, $(PYTHON) is older: make PYTHON=python3.11 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install -q -e '.[train]'
	@$(MAKE) --no-print-directory opencv
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install -q -e '.[dev]'
	@$(MAKE) --no-print-directory opencv
	@touch $@

$(VENV)-lowest/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install -q uv
	$(VENV)-lowest/bin/uv pip install -q --python $(VENV)-lowest/bin/python --resolution lowest-direct -e '.[dev]'
	@$(MAKE) --no-print-directory opencv BIN=$(VENV)-lowest/bin
	@touch $@

# opencv-python needs a desktop's libraries (libGL, libxcb); the headless build is the same module without them.
.PHONY: opencv
opencv:
	@$(BIN)/python -c 'import cv2' 2>/dev/null || { \
		echo "opencv-python cannot be imported here: taking opencv-python-headless instead"; \
		version=$$($(BIN)/python -c 'from importlib.metadata import version; print(version("opencv-python"))'); \
		$(BIN)/python -m pip uninstall -q -y opencv-python; \
		$(BIN)/python -m pip install -q "opencv-python-headless==$$version"; \
		$(BIN)/python -c 'import cv2'; }
