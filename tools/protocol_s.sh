# Protocol S, for reproduce.sh: 20 categories of 200 + 50 drawings, batches of 32.

# Those of protocol L are 22 of them.
categories=(
    airplane "alarm clock" ambulance ant apple backpack basket bicycle butterfly cactus
    calculator camera campfire candle cat "coffee cup" computer crab crayon dragon duck eye
    face guitar headphones "ice cream" map monkey "paint can" paintbrush pig pineapple
    suitcase television
)
s_data=(--classes 20 --train 200 --test 50)
s_losses=(triplet triplet-and-cross-entropy)
s_batch=32
s_epochs=(0 0.25 0.5 1 2 3 4 5 6 7 8 9 10)
s_whole=(1 2 3 4 5 6 7 8 9 10) # of skResNet, seed 1
s_untrained=(1 2 3 4)          # seeds
s_trained=(1 2 5 10)           # epochs with training accuracy
s_change=5                     # epochs of questions 3 to 5
s_sides=(128 256)
s_side_data=(--classes 10 --train 100 --test 50)
s_side_batch=16

smoke_s() {
    s_data=(--classes 4 --train 8 --test 4 --size 96)
    s_losses=(triplet-and-cross-entropy)
    s_batch=8
    s_epochs=(1) s_whole=(1) s_untrained=(1) s_trained=(1) s_change=1
    s_sides=(96)
    s_side_data=(--classes 3 --train 8 --test 4)
    s_side_batch=8
}

protocol_s() {
    local s=$1 seed count loss side
    local momentum=(--batch-norm-momentum 0.99) # the default when docs/results/ was made
    local runs=(--data "$s" --checkpoints "$s" --results "$s/results.csv"
        --batch-size "$s_batch" "${momentum[@]}" --measure test)
    local run=batch${s_batch}_momentum0.99

    # 1. The data set.
    create --out "$s" --categories-only "${categories[@]}" "${s_data[@]}"

    # 2. Both networks, skNet with a second seed; untrained networks with four more.
    "$py" train.py "${runs[@]}" --epochs "${s_epochs[@]}"
    "$py" train.py "${runs[@]}" --epochs "${s_epochs[@]}" --net n1 --seed 1
    for seed in "${s_untrained[@]}"; do
        "$py" train.py "${runs[@]}" --epochs 0 --seed "$seed"
    done
    for count in "${s_trained[@]}"; do
        "$py" load.py --data "$s" --results "$s/results.csv" --measure train \
            "$s"/checkpoints_n[12]_"$run"_"$count"e "$s/checkpoints_n1_${run}_seed1_${count}e"
    done

    # 3. The same checkpoints with precise batch norm, and the mAP of all.
    evaluate "$s" "$s" "$s/results.csv" --rerank --report "$s/reports"

    # 4. skResNet with a second seed: its accuracy alone.
    "$py" train.py "${runs[@]}" --epochs "${s_whole[@]}" --net n2 --seed 1

    # 5. Questions 4 and 5: one change at a time.
    local change=(--data "$s" --checkpoints "$s/changes" --results "$s/changes.csv"
        --epochs "$s_change" --batch-size "$s_batch" "${momentum[@]}" --measure test)
    "$py" train.py "${change[@]}" --net n1 --augment
    "$py" train.py "${change[@]}" --net n1 --learning-rate-decay 0.7
    for loss in "${s_losses[@]}"; do
        "$py" train.py "${change[@]}" --loss "$loss"
        "$py" train.py "${change[@]}" --loss "$loss" --net n1 --seed 1
    done
    evaluate "$s" "$s/changes" "$s/changes.csv" --rerank

    # 6. Question 3: the first ten categories at two sizes.
    for side in "${s_sides[@]}"; do
        create --out "$s/$side" --categories-only "${categories[@]:0:10}" "${s_side_data[@]}" \
            --size "$side"
        "$py" train.py --data "$s/$side" --checkpoints "$s/$side" --results "$s/sizes.csv" \
            --net n1 --epochs "$s_change" --batch-size "$s_side_batch" "${momentum[@]}"
        evaluate "$s/$side" "$s/$side" "$s/sizes.csv"
    done

    # 7. Figures 1 to 7, and what the documents' tables show.
    "$py" plots.py --results "$s/results.csv" --out "$s/figures"
    "$py" -m tools.draw_networks --out "$s/figures"
    copy "$s/results.csv" reproduction.csv
    copy "$s/changes.csv" changes.csv
    copy "$s/sizes.csv" sizes.csv
}
