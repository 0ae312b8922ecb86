# Protocol L, for reproduce.sh: 22 categories of 650 + 50 drawings, the paper's batch of 128; skNet.

l_run=checkpoints_n1
l_data=(--drawings docs/results/protocol_l_drawings.csv)
l_batch=()
l_epochs=(0 1 2 3 5 7 10)
l_trained=(1 7 10) # epochs with training accuracy
l_from=7           # other epoch counts are compared with these epochs
l_last=10          # cosine, orders by class and precise batch norm with these
l_few=100          # training drawings per category, where they are fewer
l_few_0=(5 10 15)  # epochs of seed 0 then
l_few_1=(5 10)     # of seed 1

smoke_l() {
    l_run=checkpoints_n1_batch8
    l_data=(--categories-only "${categories[@]}" --classes 4 --train 8 --test 4 --size 96)
    l_batch=(--batch-size 8)
    l_epochs=(0 1) l_trained=(1) l_from=1 l_last=1
    l_few=4 l_few_0=(0 1) l_few_1=(0 1)
}

# differences DATA_SET TABLE RUN EPOCHS OTHER_EPOCHS...
# mAP after other epoch counts minus that after the first, as trained and with precise batch norm.
differences() {
    local data=$1 table=$2 run=$3 statistics folders
    shift 3
    for statistics in '' _precise-bn; do
        folders=("${@/#/$run${statistics}_}")
        "$py" -m tools.compare --data "$data" --k "$k" all --differences "$table" "${folders[@]/%/e}"
    done
}

protocol_l() {
    local l=$1 few=$1/few folders
    local training=(--net n1 "${l_batch[@]}")

    # 1. Both data sets, so that a missing file is told at once. Few drawings: the first of the list.
    create --out "$l" "${l_data[@]}"
    awk -F, -v few="$l_few" '$1 != "train" || n[$2]++ < few' "$l/drawings.csv" >"$l/few_drawings.csv"
    create --out "$few" --drawings "$l/few_drawings.csv"

    # 2. All drawings.
    "$py" train.py --data "$l" --checkpoints "$l" --results "$l/results.csv" "${training[@]}" \
        --epochs "${l_epochs[@]}" --measure test
    folders=("${l_trained[@]/#/$l/${l_run}_}")
    "$py" load.py --data "$l" --results "$l/results.csv" --measure train "${folders[@]/%/e}"
    evaluate "$l" "$l" "$l/results.csv" --rerank --report "$l/reports"
    "$py" plots.py --results "$l/results.csv" --out "$l/figures"
    differences "$l" "$l/from_first.csv" "$l/$l_run" "$l_from" "${l_epochs[@]}"
    "$py" -m tools.compare --data "$l" --k "$k" all --distance both --rerank \
        --differences "$l/from_last.csv" "$l/${l_run}_${l_last}e" "$l/${l_run}_precise-bn_${l_last}e"

    # 3. Few drawings, two seeds.
    training+=(--data "$few" --checkpoints "$few" --results "$l/few.csv")
    "$py" train.py "${training[@]}" --epochs "${l_few_0[@]}"
    "$py" train.py "${training[@]}" --epochs "${l_few_1[@]}" --seed 1
    evaluate "$few" "$few" "$l/few.csv"
    differences "$few" "$l/few_from_first.csv" "$few/$l_run" "${l_few_0[@]}"
    differences "$few" "$l/few_from_first.csv" "$few/${l_run}_seed1" "${l_few_1[@]}"

    # 4. What the documents' tables show.
    copy "$l/results.csv" protocol_l.csv
    copy "$l/from_first.csv" protocol_l_from_7.csv
    copy "$l/from_last.csv" protocol_l_from_10.csv
    copy "$l/few.csv" protocol_l_few.csv
    copy "$l/few_from_first.csv" protocol_l_few_from_5.csv
}
