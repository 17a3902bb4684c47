#!/bin/sh
# Install edge-classify on a Raspberry Pi, or any Debian: a virtual environment, OpenCV that works without a desktop,
# the engine, the group `video`, a check, and a service if wanted. Read it before you run it; run it again at any time.
# Nothing is done with sudo before the command was shown and you said yes.
#
#   sh install.sh --wheels . --model birds.tflite
#   sh install.sh --wheels . --model birds.tflite --service "--camera 0 --on-change --to jsonl:seen.jsonl"
#   sh install.sh --uninstall
set -eu

VENV=$HOME/edge WHEELS='' MODEL='' SERVICE='' EXTRAS='' HEADLESS='' YES='' UNINSTALL=''
UNIT=/etc/systemd/system/edge-classify.service
MARK=.edge-classify

usage() {
    cat <<'USAGE'
usage: sh install.sh [options]
  --wheels DIR     folder with the wheels (made by `make wheels`); without it from the package index
  --venv DIR       where to install                                          [default: ~/edge]
  --extras LIST    mqtt, web, sign, archive, with commas
  --headless       OpenCV without windows also where there is a desktop
  --model FILE     model file to check and to test on this machine
  --service ARGS   a service that starts with the machine: options of edge-classify, needs --model
  --yes            answer every question with yes
  --uninstall      remove the service and what was installed
USAGE
}

fail() {
    echo "install.sh: $1" >&2
    exit "${2:-1}"
}

step() { echo "== $1"; }

# Run a command with sudo, if the user agrees. 1: not run.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
        return
    fi
    printf 'this needs root: sudo %s\nrun it? [y/N] ' "$*"
    answer=$YES
    if [ -z "$answer" ] && [ -t 0 ]; then read -r answer; else echo "${answer:-no}"; fi
    case $answer in
        y | Y | yes) sudo "$@" ;;
        *) return 1 ;;
    esac
}

# A system that is new has no list of packages yet.
packages() { as_root apt-get update -q && as_root apt-get install -y -q "$@"; }

while [ $# -gt 0 ]; do
    case $1 in
        --yes) YES=yes ;;
        --uninstall) UNINSTALL=yes ;;
        --headless) HEADLESS=yes ;;
        -h | --help) usage && exit 0 ;;
        --wheels | --venv | --extras | --model | --service)
            [ $# -gt 1 ] || fail "$1 needs a value; see sh install.sh --help" 2
            case $1 in
                --wheels) WHEELS=$2 ;;
                --venv) VENV=$2 ;;
                --extras) EXTRAS=$2 ;;
                --model) MODEL=$2 ;;
                --service) SERVICE=$2 ;;
            esac
            shift
            ;;
        *) fail "there is no option $1; see sh install.sh --help" 2 ;;
    esac
    shift
done

if [ -n "$UNINSTALL" ]; then
    if [ -e "$UNIT" ]; then
        as_root systemctl stop edge-classify && as_root systemctl disable edge-classify && as_root rm "$UNIT" \
            || echo "the service stays: $UNIT"
    fi
    [ -e "$VENV" ] || { echo "nothing is installed in $VENV" && exit 0; }
    # Never remove a folder that this script did not make.
    [ -e "$VENV/$MARK" ] || fail "$VENV was not made by install.sh: remove it yourself"
    rm -rf "$VENV"
    echo "removed: $VENV (model files, results and ~/.cache/edge-classify stay)"
    exit 0
fi

[ -z "$SERVICE" ] || [ -n "$MODEL" ] || fail "--service needs --model FILE" 2
[ -z "$MODEL" ] || [ -f "$MODEL" ] || fail "$MODEL: no such model file" 3
[ -z "$WHEELS" ] || ls "$WHEELS"/edge_classify-*.whl >/dev/null 2>&1 \
    || fail "$WHEELS: no edge_classify-*.whl in it; make them with \`make wheels\` on the workstation" 2

step "Python"
command -v python3 >/dev/null || packages python3 python3-venv || fail "python3 is not installed" 2
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || fail "Python 3.11 or newer is needed, this is $(python3 -V): install a system of 2023 or later (bookworm)" 2
python3 -c 'import sys; sys.exit(sys.maxsize < 2**32 and sys.version_info >= (3, 12))' \
    || fail "there is no engine for a 32-bit $(python3 -V): install the 64-bit system, or bookworm with Python 3.11" 2
python3 -c 'import ensurepip, venv' 2>/dev/null || packages python3-venv \
    || fail "python3-venv is not installed: sudo apt install python3-venv" 2

step "virtual environment in $VENV"
if [ -e "$VENV" ] && [ ! -e "$VENV/$MARK" ]; then
    fail "$VENV is there already and was not made by install.sh: name another folder with --venv" 2
fi
# The camera library of a Raspberry Pi belongs to the system's Python.
SITE=''
python3 -c 'import picamera2' 2>/dev/null && SITE=--system-site-packages
# shellcheck disable=SC2086 # empty or one option
python3 -m venv $SITE "$VENV"
touch "$VENV/$MARK"

step "edge-classify"
pip() { "$VENV/bin/python" -m pip install -q --disable-pip-version-check --prefer-binary ${WHEELS:+--find-links "$WHEELS"} "$@"; }

# opencv-python needs libraries of a desktop. Where they are missing, the headless build is the same module without
# windows: never both are downloaded. The requirements are those of edge-classify, with the other name.
headless_requirements() {
    "$VENV/bin/python" - "$EXTRAS" <<'PYTHON'
import re
import sys
from importlib.metadata import requires
from pip._vendor.packaging.requirements import Requirement

extras = [each for each in sys.argv[1].split(",") if each] or [""]
for requirement in map(Requirement, requires("edge-classify")):
    if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
        requirement.marker = None
        print(re.sub("^opencv-python(?!-)", "opencv-python-headless", str(requirement)))
PYTHON
}

WANTED="edge-classify${EXTRAS:+[$EXTRAS]}"
desktop() {
    [ -z "$HEADLESS" ] && "$VENV/bin/python" -c '
from ctypes import CDLL
for name in ("libGL.so.1", "libxcb.so.1", "libgthread-2.0.so.0"): CDLL(name)' 2>/dev/null
}

if desktop; then
    pip --upgrade "$WANTED" || fail "pip could not install it, see above"
else
    echo "without a desktop: taking opencv-python-headless for opencv-python"
    pip --upgrade --no-deps "$WANTED" || fail "pip could not install it, see above"
    headless_requirements >"$VENV/requirements.txt" || fail "the requirements of edge-classify cannot be read, see above"
    # While edge-classify is there, pip calls the missing opencv-python an error.
    "$VENV/bin/python" -m pip uninstall -q -y edge-classify
    pip --upgrade -r "$VENV/requirements.txt" || fail "pip could not install what edge-classify needs, see above"
    pip --no-deps "$WANTED" || fail "pip could not install it, see above"
fi
"$VENV/bin/python" -c 'import cv2' || fail "OpenCV cannot be imported, see above" 9

step "cameras"
if [ "$(id -u)" != 0 ] && getent group video >/dev/null && ! id -nG | tr ' ' '\n' | grep -qx video; then
    if as_root usermod -aG video "$(id -un)"; then
        echo "log out and in again, so that this takes effect"
    else
        echo "without the group video no camera can be opened: sudo usermod -aG video $(id -un)"
    fi
fi

step "check"
# shellcheck disable=SC2086 # empty or one file
"$VENV/bin/edge-doctor" ${MODEL:+"$MODEL"} || fail "something is missing, see above; then run this again" 9

if [ -n "$SERVICE" ]; then
    step "service"
    # The options are words, as on a command line.
    # shellcheck disable=SC2086
    "$VENV/bin/edge-classify" -m "$(realpath "$MODEL")" $SERVICE --print-service >"$VENV/edge-classify.service"
    if as_root cp "$VENV/edge-classify.service" "$UNIT" && as_root systemctl daemon-reload \
        && as_root systemctl enable edge-classify && as_root systemctl restart edge-classify; then
        echo "running: journalctl -u edge-classify -f"
    else
        echo "not started; the unit is in $VENV/edge-classify.service"
    fi
fi
echo "done: $VENV/bin/edge-classify ${MODEL:+-m $MODEL }--camera 0"
