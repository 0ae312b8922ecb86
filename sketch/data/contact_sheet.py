"""Draws one picture of a data set: a few images of each category above its name."""

import math

from PIL import Image, ImageDraw, ImageFont

SHOWN = 5  # images per category
SIDE = 64  # pixels per image
GAP = 4  # pixels between images
MARGIN = 8  # pixels between cells
TEXT = 14  # height of a name in pixels


def contact_sheet(folder, categories):
    """Return an RGB picture of the first images of each category, in the order given.

    Args:
        folder: Path with one folder of PNGs per category.
        categories: their names.
    """
    width, height = SHOWN * (SIDE + GAP) + MARGIN, SIDE + TEXT + 2 * MARGIN
    columns = max(1, round(math.sqrt(len(categories) * height / width)))
    rows = math.ceil(len(categories) / columns)
    sheet = Image.new('RGB', (columns * width + MARGIN, rows * height + MARGIN), 'white')
    pencil = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(TEXT)
    for number, category in enumerate(categories):
        x = MARGIN + number % columns * width
        y = MARGIN + number // columns * height
        for place, path in enumerate(sorted((folder / category).iterdir())[:SHOWN]):
            with Image.open(path) as image:
                sheet.paste(image.resize((SIDE, SIDE)), (x + place * (SIDE + GAP), y))
        pencil.text((x, y + SIDE), category, fill='black', font=font)
    return sheet
