"""Time and memory of the metric, beside the paper's way, a bare matrix product, and FAISS.

    python -m benchmarks.retrieval

Random feature vectors (1024 values, half of them 0 as after ReLU) of 5,000 images in 100
categories, k = 4999, then of up to 34,500 in 345. The paper calls a distance function for each pair
of images; here a sample of pairs is timed and scaled up. Needs scikit-learn
(requirements-dev.txt) and faiss-cpu (requirements-benchmarks.txt).
"""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
from sketch.evaluation.average_precision import retrieve, retrieve_reordered
from sketch.evaluation.ranking import Rankings

IMAGES, VALUES, PER_CATEGORY = 5000, 1024, 50
PAIRS = 3000  # of the paper's way that are timed
REPEATS = 3  # the fastest counts
TURNS = 7  # of the comparison with a product and a sort


def collection(images):
    random = np.random.default_rng(0)
    vectors = np.maximum(random.standard_normal((images, VALUES), np.float32), 0)
    labels = np.repeat(np.arange(-(-images // PER_CATEGORY)), PER_CATEGORY)[:images]
    return vectors, labels


def seconds(function, *arguments, repeats=REPEATS, **keywords):
    shortest = float('inf')
    for _ in range(repeats):
        started = time.perf_counter()
        function(*arguments, **keywords)
        shortest = min(shortest, time.perf_counter() - started)
    return shortest


def paper_way(vectors, pairs):
    """One scikit-learn call a pair, as the author's code does."""
    from sklearn.metrics.pairwise import euclidean_distances

    for i in range(pairs):
        euclidean_distances(vectors[:1], vectors[i + 1 : i + 2])


def norm_loop(vectors, pairs):
    for i in range(pairs):
        np.linalg.norm(vectors[0] - vectors[i + 1])


def product_and_sort(vectors):
    """All products and each row sorted, in float32."""
    np.sort(vectors @ vectors.T, axis=1)


def compare_with_product_and_sort(vectors, labels):
    """Time both in turn, so that a change in the load of the machine meets both."""
    bare = ours = float('inf')
    for _ in range(TURNS):
        bare = min(bare, seconds(product_and_sort, vectors, repeats=1))
        ours = min(ours, seconds(retrieve, vectors, labels, [IMAGES - 1], repeats=1))
    print(f'{IMAGES} images, k = {IMAGES - 1}: {ours:.2f} s, ', end='')
    print(f'{peak_megabytes(IMAGES):.0f} MB resident at most')
    print(f'  float32 product and row-wise sort alone: {bare:.2f} s; ratio {ours / bare:.2f}')
    return ours


def reordered(vectors, labels):
    """The order of distance, by class and by probability, in one pass."""
    # With TensorFlow, which the other timings do without.
    from sketch.evaluation.retrieval import BY_CLASS, BY_PROBABILITY, reordering

    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.full(labels[-1] + 1, 0.1), len(labels))
    variants = (BY_CLASS, BY_PROBABILITY)
    reorders = [None, *(reordering(variant, probabilities) for variant in variants)]
    retrieve_reordered(vectors, labels, [IMAGES - 1], reorders)


def peak_megabytes(images):
    code = (
        'from pathlib import Path\n'
        'from benchmarks.retrieval import collection\n'
        'from sketch.evaluation.average_precision import retrieve\n'
        f'vectors, labels = collection({images})\n'
        f'retrieve(vectors, labels, [{images} - 1])\n'
        'print(Path("/proc/self/status").read_text())'
    )
    told = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    return int(re.search(r'VmHWM:\s+(\d+)', told.stdout).group(1)) / 1024


def compare_with_faiss(vectors):
    """Compare the first images and the time with FAISS's exact index."""
    try:
        import faiss
    except ImportError:
        print('faiss-cpu is not installed: not compared')
        return
    top = 10
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    _, answers = index.search(vectors, top + 1)
    orders, _ = Rankings(vectors).rank(np.arange(len(vectors)))
    # FAISS finds the query too, and computes in float32.
    same = np.mean(
        [
            np.array_equal(mine[:top], theirs[theirs != query][:top])
            for query, (mine, theirs) in enumerate(zip(orders, answers))
        ]
    )
    took = seconds(index.search, vectors, top + 1)
    print(
        f'FAISS IndexFlatL2, first {top}: {took:.2f} s; the same {top} images in the same ', end=''
    )
    print(f'order for {same:.2%} of the queries')


def main():
    vectors, labels = collection(IMAGES)
    every = IMAGES * (IMAGES - 1)
    ours = compare_with_product_and_sort(vectors, labels)
    for name, way in (('scikit-learn, one call a pair', paper_way), ('norm loop', norm_loop)):
        way(vectors, 100)
        theirs = seconds(way, vectors, PAIRS) / PAIRS * every
        print(f'  {name}: {theirs:.0f} s, from {PAIRS} pairs; ratio {theirs / ours:.0f}')
    many = seconds(retrieve, vectors, labels, [1, 5, 10, 49, 100, 1000, IMAGES - 1])
    print(f'  seven k at once: {many:.2f} s')
    print(f'  with both reordered rankings: {seconds(reordered, vectors, labels):.2f} s')
    for threads in (1, 2, 4):
        took = seconds(retrieve, vectors, labels, [IMAGES - 1], threads=threads)
        print(f'  {threads} threads: {took:.2f} s')
    compare_with_faiss(vectors)
    for images in (8625, 17_250, 34_500):
        took = seconds(retrieve, *collection(images), [images - 1], repeats=1)
        print(f'{images} images: {took:.1f} s, {peak_megabytes(images):.0f} MB resident at most')


if __name__ == '__main__':
    main()
