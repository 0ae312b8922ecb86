"""What makes a figure readable: nothing outside the picture, nothing on top of another text."""

from itertools import combinations

from matplotlib.text import Text


def check_readable(figure):
    """Assert that a matplotlib figure's texts and legends are whole and lie on nothing else."""
    figure.set_dpi(150)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    picture = figure.bbox
    # All that the layout knows, then the texts that it leaves alone.
    drawn = [figure.get_tightbbox(renderer).transformed(figure.dpi_scale_trans)]
    texts = [text for axes in figure.axes for text in axes.texts if text.get_text()]
    for axes in (axes for axes in figure.axes if axes.axison):
        low, high = sorted(axes.get_ylim())
        ticks = zip(axes.get_yticks(), axes.get_yticklabels())
        texts += [text for tick, text in ticks if low <= tick <= high]
    texts += [axes.title for axes in figure.axes if axes.get_title()]
    texts += [text for text in figure.texts if text.get_text()]
    legends = [legend.get_window_extent(renderer) for legend in figure.legends]
    for box in drawn + legends + [text.get_window_extent(renderer) for text in texts]:
        assert min(box.x0, picture.width - box.x1) >= -1, (box, picture.bounds)
        assert min(box.y0, picture.height - box.y1) >= -1, (box, picture.bounds)
    for legend in legends:
        for axes in figure.axes:
            assert not legend.overlaps(axes.get_tightbbox(renderer))
    for legend in figure.legends:
        texts += legend.findobj(Text)
    boxes = [
        (text.get_text(), text.get_window_extent(renderer)) for text in texts if text.get_text()
    ]
    for (one, box), (other, second) in combinations(boxes, 2):
        # Boxes have room for letters that reach lower: a pixel in common is no overlap.
        assert not box.padded(-1).overlaps(second.padded(-1)), (one, other)
    assert max(figure.get_size_inches()) < 40
