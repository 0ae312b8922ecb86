#!/usr/bin/env bash
# The runs of docs/reproduction.md: hours on a CPU.
#
#     make reproduction FILES=files OUT=reproduction
#
# FILES is the folder of .bin files; OUT receives data sets, checkpoints, results and figures.
# What is there already is kept: after an interruption the same command resumes.
set -eu
cd "$(dirname "$0")/.."
files=${1:?folder of .bin files}
out=${2:?folder to fill}
py=${PY:-python}

categories=(
    airplane "alarm clock" ambulance ant apple backpack basket bicycle butterfly cactus
    calculator camera campfire candle cat "coffee cup" computer crab crayon dragon duck eye
    face guitar headphones "ice cream" map monkey "paint can" paintbrush pig pineapple
    suitcase television
)
epochs=(0 0.25 0.5 1 2 3 4 5 6 7 8 9 10)
# The runs in docs/results/ were made when 0.99 was the default.
momentum=(--batch-norm-momentum 0.99)
runs=(--data "$out" --checkpoints "$out" --results "$out/results.csv" --batch-size 32 "${momentum[@]}")
table=(--data "$out" --results "$out/results.csv")

# 1. The data set: 20 of the 34 categories, 200 + 50 drawings each.
"$py" create_dataset.py --files "$files" --out "$out" --categories-only "${categories[@]}" \
    --classes 20 --train 200 --test 50

# 2. Both networks with two seeds; untrained networks with three more.
"$py" train.py "${runs[@]}" --epochs "${epochs[@]}" --measure test
for seed in 2 3 4; do
    "$py" train.py "${runs[@]}" --epochs 0 --measure test --seed "$seed"
done
"$py" train.py "${runs[@]}" --epochs "${epochs[@]}" --measure test --seed 1
for count in 1 2 5 10; do
    "$py" load.py "${table[@]}" "$out"/checkpoints_n[12]_batch32_momentum0.99_"$count"e \
        "$out"/checkpoints_n[12]_batch32_momentum0.99_seed1_"$count"e
done

# 3. The same checkpoints with precise batch norm, and the mAP of all.
"$py" -m tools.precise_bn --data "$out" --checkpoints "$out"
"$py" load.py "${table[@]}" --measure test "$out"/checkpoints_*_precise-bn_*e
"$py" mAP.py "${table[@]}" --checkpoints "$out" --k 49 all --distance both --rerank \
    --report "$out/reports"

# 4. Questions 4 and 5: one change at a time.
changes=(--data "$out" --results "$out/changes.csv")
train_change() {
    "$py" train.py "${changes[@]}" --checkpoints "$out/changes" --epochs 5 --batch-size 32 \
        "${momentum[@]}" --measure test "$@"
}
train_change --net n1 --augment
train_change --net n1 --learning-rate-decay 0.7
train_change --loss triplet
train_change --loss triplet-and-cross-entropy
train_change --net n1 --loss triplet --seed 1
train_change --net n1 --loss triplet-and-cross-entropy --seed 1
"$py" -m tools.precise_bn --data "$out" --checkpoints "$out/changes"
"$py" load.py "${changes[@]}" --measure test "$out"/changes/checkpoints_*_precise-bn_*e
"$py" mAP.py "${changes[@]}" --checkpoints "$out/changes" --k 49 all --distance both --rerank

# 5. Question 3: the first ten categories at two sizes.
for side in 128 256; do
    folder=$out/$side
    "$py" create_dataset.py --files "$files" --out "$folder" \
        --categories-only "${categories[@]:0:10}" --classes 10 --train 100 --test 50 --size "$side"
    place=(--data "$folder" --checkpoints "$folder" --results "$out/sizes.csv")
    "$py" train.py "${place[@]}" --net n1 --epochs 5 --batch-size 16 "${momentum[@]}"
    "$py" -m tools.precise_bn --data "$folder" --checkpoints "$folder"
    "$py" mAP.py "${place[@]}" --k 49 all --distance both
done

# 6. Figures 1 to 7.
"$py" plots.py --results "$out/results.csv" --out "$out/figures"
"$py" -m tools.draw_networks --out "$out/figures"
