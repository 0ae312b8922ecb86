"""How often the intervals of mAP hold the mean over other samples of test drawings.

    python -m tools.interval_coverage

Simulates drawings: each category is drawn in a few ways, some of them rarely, and each drawing is
one of them with noise. A sample is 20 categories x 50 drawings in two spaces of features, as two
networks would give them. Prints for three levels of mAP how often the 95 % interval of mAP, and of
the difference of the two, holds the mean of all samples, and how wide it is beside their scatter.
"""

import numpy as np

from sketch import command_line
from sketch.metrics.average_precision import DEFINITIONS, retrieve
from sketch.metrics.intervals import normal
from sketch.metrics.jackknife import standard_error

CATEGORIES, EACH, VALUES = 20, 50, 8
LEVELS = ((3, 1.15), (3, 0.62), (1, 0.5))  # ways and noise: mAP near 0.15, 0.4 and 0.8
SECOND = 0.2  # further noise of the second space of features


def samples(ways, noise, count, seed=0):
    """Yield (images, values) features in two spaces, and (images,) labels, count times.

    Args:
        ways: in which each category is drawn.
        noise: standard deviation of a drawing around its way.
        count: of samples.
        seed: of everything that is random.
    """
    random = np.random.default_rng(seed)
    centres = random.standard_normal((CATEGORIES, ways, VALUES))
    likely = random.dirichlet(np.ones(ways), CATEGORIES)
    labels = np.repeat(np.arange(CATEGORIES), EACH)
    for _ in range(count):
        way = np.concatenate([random.choice(ways, EACH, p=of_category) for of_category in likely])
        chosen = centres[labels, way]
        first = chosen + noise * random.standard_normal(chosen.shape)
        yield first, first + SECOND * random.standard_normal(chosen.shape), labels


def measure(ways, noise, count):
    """Return mAP, its coverage and width, and those of a difference.

    Returns:
        mean mAP of all ranks (standard definition), then for mAP and for the difference of two
        spaces: the fraction of intervals that hold the mean over samples, and the mean standard
        error divided by the standard deviation over samples.
    """
    values, errors = [], []
    for first, second, labels in samples(ways, noise, count):
        found = [retrieve(features, labels, [len(labels) - 1]) for features in (first, second)]
        means = [retrieval.average_precisions.mean(axis=0) for retrieval in found]
        without = found[0].without, found[1].without - found[0].without
        values.append((means[0], means[1] - means[0]))
        errors.append([standard_error(each, labels) for each in without])
    standard = DEFINITIONS.index('standard')
    values, errors = np.array(values)[:, :, standard, 0], np.array(errors)[:, :, standard, 0]
    low, high = np.vectorize(normal)(values, errors)
    truth = values.mean(axis=0)
    covered = np.mean((low <= truth) & (truth <= high), axis=0)
    widths = errors.mean(axis=0) / values.std(axis=0, ddof=1)
    return truth[0], *zip(covered, widths)


def main(argv=None):
    """Parse the command line and print a line for each level of mAP."""
    arguments = command_line.parser(__doc__)
    arguments.add_argument('--samples', type=command_line.positive_int, default=1000)
    count = arguments.parse_args(argv).samples
    for level in LEVELS:
        mean, *cells = measure(*level, count)
        (covered, width), (of_difference, width_of_difference) = cells
        print(
            f'mAP {mean:.3f}: {covered:.1%} of the intervals hold it; '
            f'standard error {width:.2f} of the scatter'
        )
        print(f'    differences: {of_difference:.1%}, {width_of_difference:.2f}')


if __name__ == '__main__':
    command_line.run(main)
