"""What the scripts share, in one folder per stage of the paper's pipeline.

errors              exceptions that end a script with one line
command_line        flags that scripts share; run(), which turns errors into exit statuses
atomic              files and folders that are whole or absent
locks               one process at a time
tables              CSV files, read, checked and written; tables of measurements
plotting            matplotlib without a display

data/               drawings -> images -> batches
    category_names      the list of names, and a choice of some
    drawing             what a drawing is, and the checks of its parts
    quickdraw           parser of .bin files
    ndjson              parser of .ndjson files
    drawing_files       finds a category's file, whatever its form and name
    drawings_list       reads and writes drawings.csv
    selection           which drawings become images
    simplify            raw strokes -> those of the data set
    raster              strokes -> images
    download            fetches .bin files
    builder             draws the images of a data set
    staging             builds a data set out of sight, renames it when complete
    contact_sheet       one picture of a data set
    dataset             opens a data set
    image_digest        checks images, and knows when one has changed
    image_file          decodes one image
    samplers            the order of the training images
    input_pipeline      batches for the Estimator
    augment             distortions of training images
    query_image         any picture -> an image like those of the data set
    ink                 the strokes in a scan or photograph

backend/            TensorFlow, the same on every supported version
    setup               loads TensorFlow once, for all modules
    patterns            paths that TensorFlow takes as they are
    estimator           tf.estimator for versions without it
    state               what TensorFlow takes from the process, changed for one block
    installation        which TensorFlow there is, and what it lacks
    stderr_filter       hides what no switch turns off
    processor           what the processor can do

networks/           what n1.py and n2.py are built from
    registry            a record of each network; the losses; no TensorFlow
    layers              convolution, pooling, residual unit, fc1
    folding             the same for evaluation, batch norm folded in
    heads               the Estimator's side: classifier, feature extractor
    losses              the triplet loss

runs/               one training on disk
    settings            all defaults; settings.json; the folder's name
    names               the parts of a folder's name
    folders             which checkpoint folders there are, finished or not
    checkpoints         opens, checks and recognises checkpoints
    run_folder          makes a folder ready, resumes, cleans up
    training_images     which images a network was trained on
    checksums           the hashes of a published folder's files

training/           trains one network in its folder
    loop                steps, stops, Estimator
    hooks               checkpoints, progress, summaries
    signals             Ctrl-C, SIGTERM and SIGHUP
    failures            NaN and a full disk
    precise_bn          batch norm's statistics from training images
    precision           mixed precision
    distribution        several devices
    workers             several machines

metrics/            arrays -> numbers, by NumPy alone
    ranking             exact order by distance
    neighbours          the vectors nearest to a query
    average_precision   AP in four definitions
    jackknife           mAP without each image, and its standard error
    intervals           confidence intervals
    compactness         distance within over distance between categories

evaluation/         a checkpoint and a data set -> what is measured
    measurement         what an evaluation returns
    accuracy            images classified correctly
    features            fc1 of all images
    outputs             class probabilities and embedding, from fc1
    loaded_network      a network in one session, for many images
    exported            a network for use without this code
    retrieval           mAP and compactness of a checkpoint
    search_index        images to be searched

reporting/          what was measured -> tables, figures, cards, pictures
    results             results.csv
    markdown            tables of documents
    speeds              what benchmarks measured, and its tables
    differences         mAP of two checkpoints on the same queries
    points              the numbers that figures show
    figures             draws what plots.py shows
    report              tables and charts by category
    model_card          what a network takes, how it was trained, what was measured
    search_picture      draws what a search finds

page/               the page of draw.py, with what the browser loads in static/
    server              serves until Ctrl-C, within limits
    hosts               addresses and names of the server
    app                 what is answered to a request
    queries             checks what the browser asks
    answers             what a drawing or a test image finds
"""

import os
import sys
import tempfile
from pathlib import Path

try:
    Path.home()
except RuntimeError:
    # A user that the system does not know, as in containers: TensorFlow makes a folder named ~,
    # and matplotlib does not load.
    os.environ['HOME'] = tempfile.gettempdir()
if sys.platform == 'win32':
    print('error: native Windows is not supported; use WSL2 (README.md, Install)', file=sys.stderr)
    sys.exit(2)
