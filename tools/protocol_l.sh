# Protocol L, for reproduce.sh: 22 categories of 650 + 50 drawings, the paper's batch of 128.

l_precision=${PRECISION:-mixed}
l_run=checkpoints_n1 # skNet, seed 0
l_data=(--drawings docs/results/protocol_l_drawings.csv)
l_batch=()
l_small=()
l_control=(0 1 2 3 5 7 10)       # epochs of skNet in float32
l_skNet=(1 2 3 5 7 10 13 17 20 30)
l_skResNet=(1 2 3 5 7 10 13 17 20) # of seed 0
l_skResNet_1=(1 2 3 5 7 10)        # of seed 1
l_trained=(1 7 10 20 30)           # epochs with training accuracy
l_change=10                        # epochs of one change at a time
l_separate=(7 17)                  # epochs of trainings of their own
l_numbers=(1 2 3)                  # how many there are of each
l_others=(few deep wide)           # data sets with other numbers of drawings and categories
l_seeds=(0 1)                      # of their trainings
l_few=100                          # training drawings per category, where they are fewer
l_few_epochs=(5 10 15 20 45 91 182 320) # 320 are 5,500 steps, the paper's 7 epochs
l_deep=(--train 400 --test 50)     # 34 categories
l_wide=(--classes 345 --train 20 --test 5)
l_categories=categories.txt

smoke_l() {
    l_precision=float32
    l_run=checkpoints_n1_batch8
    l_small=(--size 96)
    l_data=(--categories-only "${categories[@]}" --classes 4 --train 8 --test 4 "${l_small[@]}")
    l_batch=(--batch-size 8)
    l_control=(1) l_skNet=(1) l_skResNet=(1) l_skResNet_1=(1)
    l_trained=(1) l_change=1 l_separate=(1 2) l_numbers=(1) l_seeds=(0)
    l_few=4 l_few_epochs=(1) l_others=(few)
    l_deep=(--classes 5 --train 4 --test 4 "${l_small[@]}")
    l_categories=$files/../categories.txt
    l_wide=(--classes 6 --train 2 --test 2 "${l_small[@]}")
}

protocol_l() {
    local l=$1
    local runs=(--data "$l" --checkpoints "$l" --results "$l/results.csv" "${l_batch[@]}"
        --measure test)
    local chosen=("${runs[@]}" --precision "$l_precision")
    if [ "$l_precision" = mixed ]; then l_run=${l_run}_mixed; fi

    # 1. All data sets, so that a missing file is told at once. Few drawings: the first of the list.
    create --out "$l" "${l_data[@]}"
    awk -F, -v few="$l_few" '$1 != "train" || n[$2]++ < few' "$l/drawings.csv" >"$l/few_drawings.csv"
    create --out "$l/few" --categories "$l_categories" --drawings "$l/few_drawings.csv" "${l_small[@]}"
    create --out "$l/deep" --categories-only "${categories[@]}" "${l_deep[@]}"
    create --out "$l/wide" --categories "$l_categories" "${l_wide[@]}"

    # 2. skNet in float32, the control; then both networks with two seeds.
    "$py" train.py "${runs[@]}" --net n1 --epochs "${l_control[@]}"
    "$py" train.py "${chosen[@]}" --net n1 --epochs "${l_skNet[@]}"
    "$py" train.py "${chosen[@]}" --net n1 --epochs "${l_skNet[@]}" --seed 1
    "$py" train.py "${chosen[@]}" --net n2 --epochs "${l_skResNet[@]}"
    "$py" train.py "${chosen[@]}" --net n2 --epochs "${l_skResNet_1[@]}" --seed 1
    for count in "${l_trained[@]}"; do
        for folder in "$l"/checkpoints_n[12]*_"$count"e; do
            if [ -d "$folder" ] && [[ $folder != *_precise-bn_* ]]; then
                "$py" load.py --data "$l" --results "$l/results.csv" --measure train "$folder"
            fi
        done
    done
    evaluate "$l" "$l" "$l/results.csv" --rerank --report "$l/reports"
    "$py" plots.py --results "$l/results.csv" --out "$l/figures"

    # 3. What the paper could have had: one change at a time, against skNet as trained.
    local change=(--data "$l" --checkpoints "$l/changes" --results "$l/changes.csv" --net n1
        "${l_batch[@]}" --epochs "$l_change" --precision "$l_precision" --measure test)
    "$py" train.py "${change[@]}" --augment
    "$py" train.py "${change[@]}" --learning-rate-decay 0.7
    "$py" train.py "${change[@]}" --loss triplet-and-cross-entropy
    evaluate "$l" "$l/changes" "$l/changes.csv" --rerank
    "$py" -m tools.compare --data "$l" --k "$k" all --distance both --rerank \
        --differences "$l/differences.csv" \
        "$l/${l_run}_${l_change}e" "$l"/changes/checkpoints_*_"$l_change"e

    # 4. Each epoch count trained by itself: another seed for every run.
    for place in 0 1; do
        for number in "${l_numbers[@]}"; do
            "$py" train.py --data "$l" --checkpoints "$l/separate" --results "$l/separate.csv" \
                --net n1 "${l_batch[@]}" --epochs "${l_separate[place]}" --measure test \
                --precision "$l_precision" --seed $((10 + 20 * place + number))
        done
    done
    evaluate "$l" "$l/separate" "$l/separate.csv"

    # 5. Fewer drawings, and more categories.
    for data in "${l_others[@]}"; do
        local counts=("${l_separate[@]}")
        if [ "$data" = few ]; then counts=("${l_few_epochs[@]}"); fi
        for seed in "${l_seeds[@]}"; do
            "$py" train.py --data "$l/$data" --checkpoints "$l/$data" --results "$l/$data.csv" \
                --net n1 "${l_batch[@]}" --epochs "${counts[@]}" --precision "$l_precision" \
                --seed "$seed"
        done
        evaluate "$l/$data" "$l/$data" "$l/$data.csv"
    done
}
