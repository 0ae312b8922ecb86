"""Makes a checkpoint folder to be published: without the optimizer's variables, a third as large.

    python -m tools.publish checkpoints_n1_10e --out weights/sknet_22x650_10e --results results.csv

Fills --out with the checkpoint, settings.json, training_images.npy, MODEL_CARD.md and SHA256SUMS.
All scripts take such a folder as any other; of those in weights/ the name alone is enough.
"""

from sketch import atomic, command_line
from sketch.errors import InputError
from sketch.reporting import model_card, results
from sketch.runs import checksums, folders, training_images
from sketch.runs import settings as run_settings
from sketch.runs.names import epochs_in, number_text
from sketch.runs.settings import Default

USAGE = (
    '- `search.py --checkpoint`, `draw.py --checkpoint`, `load.py` and `mAP.py` take this folder. '
    '`python -m tools.export` makes a SavedModel and a TensorFlow Lite file of it.',
    f'- `sha256sum -c {checksums.FILE}` checks the files (on macOS: `shasum -a 256 -c '
    f'{checksums.FILE}`).',
)


def main(argv=None):
    """Parse the command line, write the folder, and return its Path."""
    arguments = command_line.parser(__doc__)
    add = arguments.add_argument
    add('checkpoint', type=command_line.path, metavar='CHECKPOINT', help='checkpoint folder')
    add('--out', type=command_line.path, metavar='FOLDER', required=True, help='folder to make')
    command_line.add_results(arguments)
    options = arguments.parse_args(argv)
    folder = folders.one(options.checkpoint, unfinished=False)
    settings, named = run_settings.load(folder), epochs_in(options.out.name)
    if settings and named not in (None, settings.epochs):
        raise InputError(
            f'{options.out}: the name says {number_text(named)} epochs, but {folder} has '
            f'{number_text(settings.epochs)}; give another name'
        )
    with atomic.new_folder(options.out) as building:
        results.read(options.results)  # refused now rather than after the work
        publish(folder, building, options.results)
    print(options.out)
    return options.out


def publish(folder, out, table):
    """Fill a folder with what a checkpoint folder holds that evaluation needs.

    Args:
        folder: of the checkpoint.
        out: Path of the folder to fill.
        table: results file.
    """
    from sketch.backend.patterns import literal
    from sketch.backend.setup import tf
    from sketch.runs.checkpoints import is_of_inference, open_checkpoint  # TensorFlow

    checkpoint = open_checkpoint(folder)
    settings = checkpoint.settings
    file = f'model.ckpt-{checkpoint.step}'
    reader = tf.train.load_checkpoint(literal(checkpoint.prefix))
    kept = {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if name == 'global_step' or is_of_inference(name)
    }
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [tf.compat.v1.Variable(value, name=name) for name, value in kept.items()]
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(variables)
        saver.save(session, literal(out / file), write_meta_graph=False, write_state=False)
    folders.name_latest(out, file)
    if settings.images:  # else there is no settings.json
        run_settings.save(out, settings)
    training_images.save(out, checkpoint.trained_on)
    usage = [*model_card.outputs(settings, '`categories` in `settings.json`'), *USAGE]
    model_card.write(out, checkpoint, settings.size or Default.size, usage, table)
    checksums.write(out)


if __name__ == '__main__':
    command_line.run(main)
