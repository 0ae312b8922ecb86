"""Time and memory of the metric, beside the paper's way, a bare matrix product, and FAISS.

    python -m benchmarks --only retrieval

Random feature vectors (1024 values, half of them 0 as after ReLU) of 5,000 and 34,500 images in
categories of 50. The paper calls a distance function for each pair of images; here a sample of
pairs is timed and scaled up. The limit is a float32 product of all pairs and a sort of each row.
Needs scikit-learn (requirements-dev.txt) and faiss-cpu (requirements-benchmarks.txt).
"""

import numpy as np

from benchmarks.measuring import has_peer, in_new_process, megabytes, seconds
from sketch.metrics.average_precision import retrieve, retrieve_reordered
from sketch.metrics.ranking import Rankings
from sketch.reporting.speeds import Row

IMAGES, VALUES, PER_CATEGORY = 5000, 1024, 50
PAIRS = 3000  # of the paper's way that are timed
TURNS = 7  # of the comparison with a product and a sort, at up to IMAGES
KS = [1, 5, 10, 49, 100, 1000, IMAGES - 1]
TOP = 10  # images that FAISS finds


def collection(images):
    random = np.random.default_rng(0)
    vectors = np.maximum(random.standard_normal((images, VALUES), np.float32), 0)
    labels = np.repeat(np.arange(-(-images // PER_CATEGORY)), PER_CATEGORY)[:images]
    return vectors, labels


def scaled_up(distance, vectors):
    """Return the seconds that a call for each pair takes for all pairs, from some of them."""

    def compare(pairs):
        for i in range(pairs):
            distance(vectors[:1], vectors[i + 1 : i + 2])

    pairs = min(PAIRS, len(vectors) - 1)
    compare(min(100, pairs))
    return seconds(compare, pairs) / pairs * len(vectors) * (len(vectors) - 1)


def product_and_sort(vectors):
    """All products and each row sorted, in float32, at most 5,000 rows at a time."""
    for start in range(0, len(vectors), IMAGES):
        np.sort(vectors[start : start + IMAGES] @ vectors.T, axis=1)


def in_turn(vectors, labels):
    """Return seconds of the metric, and of product and sort: a change in load meets both."""
    ours = bare = float('inf')
    for _ in range(TURNS if len(vectors) <= IMAGES else 1):
        bare = min(bare, seconds(product_and_sort, vectors, repeats=1))
        ours = min(ours, seconds(retrieve, vectors, labels, [len(vectors) - 1], repeats=1))
    return ours, bare


def memory_of_retrieve(images):
    retrieve(*collection(images), [images - 1])
    return megabytes()


def measure(images=IMAGES):
    """Yield Rows of mAP over all ranks of so many images."""
    vectors, labels = collection(images)
    ours, bare = in_turn(vectors, labels)
    papers = None
    if has_peer('sklearn'):
        from sklearn.metrics.pairwise import euclidean_distances

        papers = scaled_up(euclidean_distances, vectors)
    what = f'mAP of {images:,} images, all ranks'
    names = f'scikit-learn, scaled up from {PAIRS:,} pairs', 'product and sort'
    yield Row(what, 's', ours, papers, bare, *names)
    yield Row(f'{what}: memory', 'MB', in_new_process(memory_of_retrieve, images))


def seconds_reordered():
    """Return seconds of the orders by distance, class and probability, at once and in turn."""
    # With TensorFlow, which the other timings do without.
    from sketch.evaluation.retrieval import BY_CLASS, BY_PROBABILITY, reordering

    vectors, labels = collection(IMAGES)
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.full(labels[-1] + 1, 0.1), len(labels))
    reorders = [None, *(reordering(way, probabilities) for way in (BY_CLASS, BY_PROBABILITY))]
    *passes, at_once = (
        seconds(retrieve_reordered, vectors, labels, KS[-1:], chosen)
        for chosen in (*([reorder] for reorder in reorders), reorders)
    )
    return at_once, sum(passes)


def measure_variants():
    """Yield Rows of other peers, more k, reordered rankings and threads."""
    vectors, labels = collection(IMAGES)
    what, last = f'mAP of {IMAGES:,} images', KS[-1:]
    looped = scaled_up(lambda a, b: np.linalg.norm(a - b), vectors)
    ours = seconds(retrieve, vectors, labels, last)
    yield Row(f'{what}, beside a loop', 's', ours, looped, None, 'np.linalg.norm, each pair')
    yield Row(f'{what}, {len(KS)} k at once', 's', seconds(retrieve, vectors, labels, KS))
    passes = *in_new_process(seconds_reordered), None
    yield Row(f'{what}, also reordered in two ways', 's', *passes, 'three passes')
    for threads in (1, 2, 4):
        took = seconds(retrieve, vectors, labels, last, threads=threads)
        yield Row(f'{what}, threads: {threads}', 's', took)
    if has_peer('faiss'):
        yield from compare_with_faiss(vectors)


def compare_with_faiss(vectors):
    """Yield Rows of the first images and the time of FAISS's exact index."""
    import faiss

    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    queries = np.arange(len(vectors))
    orders, _ = Rankings(vectors).rank(queries)
    _, found = index.search(vectors, TOP + 1)
    # FAISS finds the query too, and computes in float32.
    same = [
        np.array_equal(mine[:TOP], theirs[theirs != query][:TOP])
        for query, mine, theirs in zip(queries, orders, found)
    ]
    what = f'{len(vectors):,} queries'
    ours, theirs = seconds(Rankings(vectors).rank, queries), seconds(index.search, vectors, TOP + 1)
    name = f'FAISS IndexFlatL2, first {TOP} only'
    yield Row(f'{what}: all images in order', 's', ours, theirs, None, name)
    yield Row(f'{what}: first {TOP} as FAISS has them', '%', 100 * float(np.mean(same)))
