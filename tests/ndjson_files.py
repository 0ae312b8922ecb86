"""Writes .ndjson files as the data set has them."""

import json

from sketch.data import quickdraw


def line_of(word, key_id, strokes, recognized=True):
    """Return a line as the data set has it. Strokes are lists of x, y and perhaps times."""
    entry = {'word': word, 'countrycode': 'US', 'timestamp': '2017-03-06 14:25:13.61 UTC'}
    entry |= {'recognized': recognized, 'key_id': str(key_id), 'drawing': strokes}
    return json.dumps(entry, separators=(',', ':')).encode() + b'\n'


def with_times(stroke):
    """Return a raw stroke: larger, elsewhere, and with times."""
    x, y = stroke.T.astype(float) * 3.7 + 41.25
    return [x.tolist(), y.tolist(), list(range(len(x)))]


def without_times(stroke):
    return stroke.T.tolist()


def converted(bins, folder, form):
    """Write all .bin files of a folder as .ndjson; return the folder."""
    folder.mkdir()
    for path in bins.glob('*.bin'):
        with quickdraw.DrawingFile(path) as drawings:
            lines = [
                line_of(path.stem, drawing.key_id, list(map(form, drawing.strokes)))
                for drawing in (drawings[index] for index in range(len(drawings)))
            ]
        (folder / f'{path.stem}.ndjson').write_bytes(b''.join(lines))
    return folder
