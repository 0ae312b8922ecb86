#!/usr/bin/env bash
# The runs of docs/reproduction.md: hours to days on a CPU.
#
#     make reproduction FILES=files OUT=reproduction           both protocols
#     make reproduction FILES=files OUT=reproduction ONLY=s    one of them: s or l
#     make reproduction-smoke                                  the same recipe at toy scale: minutes
#
# FILES is the folder of .bin files; OUT receives data sets, checkpoints, results, reports and figures.
# At its end a protocol copies its tables into docs/results/ (at toy scale into OUT/results/); then
# `python -m tools.fill_tables` fills the documents.
# What is there already is kept: after an interruption the same command resumes.
set -eu
cd "$(dirname "$0")/.."
fail() {
    echo "reproduce.sh: error: $1" >&2
    exit 2
}
if [ $# -lt 2 ]; then fail 'give the folder of .bin files and the folder to fill'; fi
files=$1
out=$2
only=${3:-}
py=${PY:-python}
if ((BASH_VERSINFO[0] < 5)); then fail "bash $BASH_VERSION; install bash 5 (brew install bash)"; fi
case $only in '' | s | l) ;; *) fail "protocol $only; give s, l, or nothing for both" ;; esac

create() { "$py" create_dataset.py --files "$files" "$@"; }

# evaluate DATA_SET CHECKPOINTS TABLE [flag of mAP.py ...]
# Adds precise batch norm to all checkpoints in a folder; measures its accuracy, and the mAP of all.
evaluate() {
    local data=$1 checkpoints=$2 table=$3
    shift 3
    "$py" -m tools.precise_bn --data "$data" --checkpoints "$checkpoints"
    "$py" load.py --data "$data" --results "$table" --measure test \
        "$checkpoints"/checkpoints_*_precise-bn_*e
    "$py" mAP.py --data "$data" --results "$table" --checkpoints "$checkpoints" \
        --k "$k" all --distance both "$@"
}

# copy TABLE NAME: into the documents' results.
copy() {
    mkdir -p "$results"
    cp "$1" "$results/$2"
}

k=49
results=docs/results
source tools/protocol_s.sh
source tools/protocol_l.sh
if [ -n "${SMOKE:-}" ]; then
    mapfile -t categories <"$files/../categories.txt"
    k=3
    results=$out/results
    smoke_s
    smoke_l
fi
if [ "$only" != l ]; then protocol_s "$out/S"; fi
if [ "$only" != s ]; then protocol_l "$out/L"; fi
