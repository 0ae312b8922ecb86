"""Draws strokes as the paper does: black on white at 256x256, then reduced.

The paper draws OpenCV lines of thickness 3, which are 5 pixels wide (measured on OpenCV 3.4 to
5.0). Pillow's lines of width 5 with a 5-pixel dot on every point differ from them by less than 2
grey levels on average. The dots make joins and caps round.
"""

from PIL import Image, ImageDraw

from sketch.runs.settings import Default

CANVAS = 256  # pixels: the coordinates of a simplified drawing are 0..255
WIDTH = 5  # pixels
WHITE, INK = 255, 0


def draw(strokes, size=Default.size):
    """Draw strokes.

    Args:
        strokes: (points, 2) integer arrays of x, y in 0..255. A stroke of one point is a dot. A
            drawing without points is a white image.
        size: side of the result in pixels, at most 256.

    Returns:
        PIL image of mode 'L', size x size, 0 = ink, 255 = paper.
    """
    image = Image.new('L', (CANVAS, CANVAS), WHITE)
    pencil = ImageDraw.Draw(image)
    radius = WIDTH // 2
    for stroke in strokes:
        points = [tuple(point) for point in stroke.tolist()]
        if len(points) > 1:
            pencil.line(points, fill=INK, width=WIDTH)
        for x, y in points:
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=INK)
    return image if size == CANVAS else image.resize((size, size), Image.Resampling.LANCZOS)
