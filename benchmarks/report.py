"""The tables of README.md and docs/performance.md, from the runs of performance.csv."""

from benchmarks import performance
from benchmarks.machine import kind
from benchmarks.rows import number, percent, times
from sketch.reporting import markdown

VERSIONS = {
    'Python': 'python',
    'TensorFlow': 'tensorflow',
    'NumPy': 'numpy',
    "NumPy's matrix products": 'blas',
    'PyTorch': 'torch',
}
# Rows that README.md shows, with their titles there.
SUMMARY = {
    'skNet, training, float32, batch 64': 'skNet, training, batch 64',
    'skNet, evaluation, float32, batch 64': 'skNet, evaluation, batch 64',
    'skResNet, training, float32, batch 64': 'skResNet, training, batch 64',
    'skResNet, evaluation, float32, batch 64': 'skResNet, evaluation, batch 64',
    'mAP of 5,000 images, all ranks': 'mAP of 5,000 images, all ranks',
}


def tables(runs):
    """Return {name: Markdown table}; the tables are empty if there are no runs.

    Args:
        runs: of performance.read().
    """
    runs = performance.by_kind(runs)
    if not runs:
        return dict.fromkeys(('machines', 'performance', 'speed'), '')
    return {'machines': machines(runs), 'performance': rows(runs), 'speed': summary(runs)}


def machines(runs):
    """docs/performance.md: when and with what each kind of machine was measured."""
    lines = [['kind of machine', 'measured', *VERSIONS]]
    for title, run in runs.items():
        versions = (run.about[column] for column in VERSIONS.values())
        lines.append([title, run.about['date'].partition('T')[0], *versions])
    return markdown.table(lines)


def rows(runs):
    """docs/performance.md: all quantities, a column for each kind of machine."""
    lines = [['what', 'unit', 'peer', 'limit', *runs]]
    known = {what: row for run in runs.values() for what, row in run.rows.items()}
    for what, row in known.items():
        cells = [_cell(run.rows.get(what)) for run in runs.values()]
        lines.append([what, row.unit, row.peer_name, row.limit_name, *cells])
    return markdown.table(lines)


def summary(runs):
    """README.md: a few quantities of the kind of machine that was measured last."""
    run = max(runs.values(), key=lambda run: run.about['date'])
    lines = [[f'speed, {kind(run.about)} ([more](docs/performance.md))', 'here', 'elsewhere']]
    for what, title in SUMMARY.items():
        row = run.rows.get(what)
        if row:
            version = (
                f' {run.about["torch"].partition("+")[0]}' if row.peer_name == 'PyTorch' else ''
            )
            peer = f'{number(row.peer)} {row.unit} ({row.peer_name}{version})' if row.peer else ''
            lines.append([title, f'{number(row.ours)} {row.unit}', peer])
    return markdown.table(lines)


def _cell(row):
    """Return '62.1 (2.46 times, 57 %)': ours, how often the peer's, and the share of the limit."""
    if row is None:
        return ''
    ratios = ', '.join(filter(None, (times(row.times_peer()), percent(row.share_of_limit()))))
    return number(row.ours) + (f' ({ratios})' if ratios else '')
