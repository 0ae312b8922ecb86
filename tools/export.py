"""Exports a checkpoint for use without this code: a SavedModel and a TensorFlow Lite file.

    python -m tools.export checkpoints_n1_10e --out exported

Fills --out with saved_model/ (signatures classify, features and, after a triplet loss, embedding;
serving_default has all outputs), model.tflite (all outputs), labels.txt (class names in the order
of the probabilities; saved_model/assets.extra/ has it, too) and MODEL_CARD.md (what it takes and
gives, how it was trained, what --results measured).
"""

import shutil

from sketch import atomic, command_line
from sketch.reporting import model_card, results
from sketch.runs import folders
from sketch.runs.settings import Default


def main(argv=None):
    """Parse the command line, export, and return the Path of the folder."""
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    add('checkpoint', type=command_line.path, metavar='CHECKPOINT', help='checkpoint folder')
    add('--out', type=command_line.path, metavar='FOLDER', required=True, help='folder to make')
    add('--float16', action='store_true', help='also model_float16.tflite, half as large')
    command_line.add_results(arguments)
    command_line.add_unfinished(arguments)
    options = arguments.parse_args(argv)
    with atomic.new_folder(options.out) as building:
        results.read(options.results)  # refused now rather than after the work
        export(folders.one(options.checkpoint, options.unfinished), building, options)
    print(options.out)
    return options.out


def export(folder, out, options):
    """Fill a folder with the exported forms of a checkpoint folder."""
    from sketch.evaluation import exported  # TensorFlow
    from sketch.runs.checkpoints import open_checkpoint

    checkpoint = open_checkpoint(folder)
    size = checkpoint.settings.size or Default.size
    signatures = exported.save(checkpoint, size, out / 'saved_model')
    for name in ['model', 'model_float16'] if options.float16 else ['model']:
        lite = exported.to_lite(out / 'saved_model', 'float16' in name)
        (out / f'{name}.tflite').write_bytes(lite)
    labels = out / 'saved_model' / exported.LABELS
    if labels.exists():
        shutil.copy(labels, out)
    usage = [
        f'- Signatures of `saved_model`: {", ".join(signatures)}, all with the input `images`. '
        f'`{exported.ALL}` and `model.tflite` have all outputs.',
        *model_card.outputs(checkpoint.settings, '`labels.txt`'),
    ]
    model_card.write(out, checkpoint, size, usage, options.results)
    print(checkpoint.title)
    for form in sorted([out / 'saved_model', *out.glob('*.tflite')]):
        files = [form] if form.is_file() else form.rglob('*')
        total = sum(path.stat().st_size for path in files if path.is_file())
        print(f'{form.name}: {total / 1e6:.1f} MB')


if __name__ == '__main__':
    command_line.run(main)
