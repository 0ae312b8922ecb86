"""What the scripts share, in one folder per stage of the paper's pipeline.

errors.py             InputError and Interrupted: how a script ends in good order
command_line.py       flags that scripts share; run(), which turns errors into exit statuses
atomic.py             files that are whole or absent; locks on folders
tensorflow_setup.py   loads TensorFlow once, for everybody
data/                 drawings -> images -> batches
networks/             what n1.py and n2.py are built from: layers, heads, losses
runs/                 a training's settings, its folder and its checkpoints
training/             the steps between two checkpoints
evaluation/           accuracy, feature vectors, rankings, mAP, results.csv
"""
