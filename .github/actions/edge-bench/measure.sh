#!/usr/bin/env bash
# Runs `edge-bench ci` with what the environment says; for any CI system.
#
#   EDGE_BENCH_RUN       run or bundle
#   EDGE_BENCH_MODELS    model files, separated by spaces
#   EDGE_BENCH_BASELINE  report.json to compare with; nothing is compared where it does not exist
#   EDGE_BENCH_RULES     options of edge-bench gate as TOML
#   EDGE_BENCH_OPTIONS   further options of edge-bench ci
#   EDGE_BENCH_OUT       folder for the report; "report" when empty
#
# Exit code 9 where a rule is broken.
set -euo pipefail
out=${EDGE_BENCH_OUT:-report}
mkdir -p "$out"
arguments=(--out "$out")
if [ -n "${EDGE_BENCH_BASELINE:-}" ]; then arguments+=(--baseline "$EDGE_BENCH_BASELINE"); fi
if [ -n "${EDGE_BENCH_RULES:-}" ]; then
    printf '%s\n' "$EDGE_BENCH_RULES" > "$out/rules.toml"
    arguments+=(--rules "$out/rules.toml")
fi
read -r -a models <<< "${EDGE_BENCH_MODELS:-}"
read -r -a options <<< "${EDGE_BENCH_OPTIONS:-}"
exec edge-bench ci "$EDGE_BENCH_RUN" ${models[@]+"${models[@]}"} "${arguments[@]}" ${options[@]+"${options[@]}"}
