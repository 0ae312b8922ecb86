"""Pictures of a drawing, as people take them, become images like those of the data set."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from sketch.data import raster
from sketch.data.query_image import read_query, redraw
from sketch.data.quickdraw import DrawingFile
from sketch.errors import InputError
from tools import photo_queries, synthetic

SIDE = 128
COLOURS = photo_queries.colour_pairs()


@pytest.fixture(scope='module')
def strokes():
    """A drawing that no turn and no mirror leaves alike."""
    house = synthetic.path((40, 100), (40, 250), (200, 250), (200, 100), (120, 20), (40, 100))
    door = synthetic.path((60, 250), (60, 170), (100, 170), (100, 250))
    smoke = synthetic.path((200, 60), (230, 40), (220, 0), (255, 0))
    drawing = [np.rint(line).astype(np.uint8) for line in (house, door, smoke)]
    least = np.concatenate(drawing).min(axis=0)
    return [line - least for line in drawing]


def lines(strokes, size, width, scale=1.5, corner=(100, 80)):
    """Strokes on a page, float (rows, columns): 1 where there is ink."""
    page = Image.new('L', (3 * size[0], 3 * size[1]))
    pencil = ImageDraw.Draw(page)
    for stroke in strokes:
        points = [tuple(3 * (scale * point + corner)) for point in stroke.astype(float)]
        pencil.line(points, 255, 3 * width, joint='curve')
    return np.asarray(page.resize(size, Image.Resampling.BOX)) / 255


def saved(levels, path, **options):
    """Save grey levels and return the path."""
    Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).save(path, **options)
    return path


def page(strokes, paper=245, ink=40, size=(600, 500), width=6, **where):
    return paper + (ink - paper) * lines(strokes, size, width, **where)


def assert_drawn(path, strokes):
    assert_alike(read_query(path, SIDE), strokes)


def near(one, other, reach):
    """Return the share of an image's ink within some pixels of the other's, the lesser of two."""
    shares = []
    for a, b in ((one, other), (other, one)):
        grown = Image.fromarray(b).filter(ImageFilter.MinFilter(2 * reach + 1))
        shares.append((np.asarray(grown) < 128)[a < 128].mean())
    return min(shares)


def assert_alike(made, strokes):
    """Assert that a query is, but for its edges, the image that the data set would have of it."""
    assert made.shape == (SIDE, SIDE)
    assert made.dtype == np.uint8
    expected = np.asarray(raster.draw(strokes, SIDE))
    assert near(made, expected, 2) >= 0.98
    assert (made < 128).mean() == pytest.approx((expected < 128).mean(), rel=0.2)


@pytest.mark.parametrize('kind', ['png', 'jpg'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_a_photograph_is_turned_as_viewers_show_it(strokes, tmp_path, kind, orientation):
    upright = Image.fromarray(page(strokes).astype(np.uint8))
    transpose = Image.Transpose
    stored = {
        1: (),
        2: (transpose.FLIP_LEFT_RIGHT,),
        3: (transpose.ROTATE_180,),
        4: (transpose.FLIP_TOP_BOTTOM,),
        5: (transpose.TRANSPOSE,),
        6: (transpose.ROTATE_90,),
        7: (transpose.TRANSVERSE,),
        8: (transpose.ROTATE_270,),
    }
    for turn in stored[orientation]:
        upright = upright.transpose(turn)
    exif = Image.Exif()
    exif[0x112] = orientation
    upright.save(tmp_path / f'query.{kind}', exif=exif)
    assert_drawn(tmp_path / f'query.{kind}', strokes)


def test_corrupt_metadata_does_not_matter(strokes, tmp_path):
    assert_drawn(saved(page(strokes), tmp_path / 'query.png', exif=b'Exif\0\0garbage'), strokes)


@pytest.mark.parametrize('width', [2, 5, 14, 28])
def test_strokes_get_the_width_of_the_training(strokes, tmp_path, width):
    pencil = page(strokes, 250, 140, (800, 800), width, scale=2.2)
    assert_drawn(saved(pencil, tmp_path / 'query.png'), strokes)


@pytest.mark.parametrize('thickness', [12, 40, 100])
def test_a_dark_frame_is_not_drawn(strokes, tmp_path, thickness):
    sheet = page(strokes, 240, 90, (700, 600), 4)
    scan = np.pad(sheet, ((thickness, thickness // 2), (thickness, 9)), constant_values=25)
    assert_drawn(saved(scan, tmp_path / 'query.png'), strokes)


def test_a_table_around_a_sheet_is_not_drawn(strokes, tmp_path):
    sheet = Image.fromarray(page(strokes, 240, 60, (600, 560)).astype(np.uint8))
    table = Image.new('L', (900, 900), 70)
    table.paste(sheet, (150, 150))
    table = table.rotate(1, Image.Resampling.BICUBIC, fillcolor=70)
    table.save(tmp_path / 'query.png')
    assert_drawn(tmp_path / 'query.png', strokes)


def test_a_drawing_may_touch_the_border(strokes, tmp_path):
    box = [synthetic.path((4, 0), (255, 9), (250, 255), (0, 249), (4, 0)), *strokes]
    drawing = [np.rint(line).astype(np.uint8) for line in box]
    large = raster.draw(drawing, 256).resize((400, 400)).convert('RGB')
    large.save(tmp_path / 'query.png')
    assert_drawn(tmp_path / 'query.png', drawing)


@pytest.mark.parametrize('bits', [8, 12, 16])
def test_a_scan_of_any_depth(strokes, tmp_path, bits):
    levels = page(strokes, 0.8, 0.3) * (2**bits - 1)
    Image.fromarray(levels.astype(np.uint16)).save(tmp_path / 'query.png')
    assert_drawn(tmp_path / 'query.png', strokes)


@pytest.mark.parametrize('largest', [1, 255, 1e6])
def test_floating_point_levels(strokes, tmp_path, largest):
    levels = page(strokes, 0.8, 0.3) * largest
    Image.fromarray(levels.astype(np.float32)).save(tmp_path / 'query.tif')
    assert_drawn(tmp_path / 'query.tif', strokes)


@pytest.mark.parametrize('inverted', [False, True])
def test_uneven_light(strokes, tmp_path, inverted):
    y, x = np.mgrid[0:1:500j, 0:1:600j]
    light = 0.3 + 0.7 * x * (1 - 0.4 * y)
    noise = np.random.default_rng(0).normal(0, 4, light.shape)
    levels = page(strokes, 60, 220) if inverted else page(strokes, 240, 80)
    assert_drawn(saved(levels * light + noise, tmp_path / 'query.jpg', quality=85), strokes)


@pytest.mark.parametrize('colour', [(0, 0, 0), (255, 255, 255), (230, 200, 0), (200, 30, 30)])
def test_transparent_pixels_are_paper(strokes, tmp_path, colour):
    picture = Image.new('RGBA', (600, 500), colour)
    alpha = (255 * lines(strokes, (600, 500), 6)).astype(np.uint8)
    picture.putalpha(Image.fromarray(alpha))
    picture.save(tmp_path / 'query.png')
    assert_drawn(tmp_path / 'query.png', strokes)


@pytest.mark.parametrize('paper', [(250, 235, 140), (180, 220, 245)])
def test_coloured_and_squared_paper(strokes, tmp_path, paper):
    levels = np.full((500, 600, 3), paper, float)
    levels[15::30] = levels[:, 15::30] = np.array(paper) * 0.85
    covered = lines(strokes, (600, 500), 4)[..., np.newaxis]
    saved(levels * (1 - covered) + covered * (30, 40, 120), tmp_path / 'query.png')
    assert_drawn(tmp_path / 'query.png', strokes)


@pytest.mark.parametrize('kind', ['palette', '1 bit', 'CMYK', 'animated', 'LA'])
def test_modes_and_formats(strokes, tmp_path, kind):
    picture = Image.fromarray(page(strokes, 255, 0).astype(np.uint8))
    path = tmp_path / 'query.png'
    if kind == 'palette':
        palette = ImageOps.invert(picture).quantize(8)
        palette.save(path, transparency=int(np.median(palette)))
    elif kind == 'CMYK':
        path = tmp_path / 'query.jpg'
        picture.convert('CMYK').save(path)
    elif kind == 'animated':
        path = tmp_path / 'query.gif'
        picture.save(path, save_all=True, append_images=[Image.new('L', picture.size, 255)])
    else:
        picture.convert({'1 bit': '1', 'LA': 'LA'}[kind]).save(path)
    assert_drawn(path, strokes)


def test_a_page_of_144_million_pixels(strokes, tmp_path):
    small = Image.fromarray(page(strokes, 255, 0, (600, 600)).astype(np.uint8))
    small.resize((12_000, 12_000), Image.Resampling.NEAREST).save(
        tmp_path / 'query.png', compress_level=1
    )
    assert_drawn(tmp_path / 'query.png', strokes)


def refusal(picture, tmp_path):
    picture.save(tmp_path / 'query.png')
    with pytest.raises(InputError) as refused:
        read_query(tmp_path / 'query.png', SIDE)
    told = str(refused.value)
    assert told.startswith(f'{tmp_path / "query.png"}: ')
    assert '\n' not in told
    return told


def test_too_many_pixels(tmp_path):
    assert 'reduce it' in refusal(Image.new('1', (20_000, 20_000)), tmp_path)


def test_too_few_pixels(strokes, tmp_path):
    drawing = raster.draw(strokes, 256)
    assert '12 x 12' in refusal(drawing.resize((12, 12)), tmp_path)
    large = Image.new('L', (800, 800), 255)
    large.paste(drawing.resize((16, 16)), (300, 300))
    assert 'cut it out' in refusal(large, tmp_path)


@pytest.mark.parametrize('tones', [(255, 0), (0, 255), (230, 60)])
def test_a_filled_disc(tmp_path, tones):
    paper, ink = tones
    disc = Image.new('L', (400, 400), paper)
    ImageDraw.Draw(disc).ellipse((100, 100, 300, 300), ink)
    assert 'filled areas' in refusal(disc, tmp_path)
    ImageDraw.Draw(disc).rectangle((50, 100, 350, 200), ink)
    assert 'filled areas' in refusal(disc, tmp_path)


def test_dust(tmp_path):
    levels = np.full((600, 600), 250)
    levels[tuple(np.random.default_rng(0).integers(600, size=(2, 40)))] = 60
    assert 'dots' in refusal(Image.fromarray(levels.astype(np.uint8)), tmp_path)


@pytest.mark.parametrize('tone', [0, 20, 128, 255])
@pytest.mark.parametrize('noise', [0, 3, 12])
def test_nothing_is_drawn(tmp_path, tone, noise):
    levels = tone + np.random.default_rng(0).normal(0, noise, (400, 500))
    blank = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    assert 'nothing is drawn' in refusal(blank, tmp_path)
    framed = ImageOps.expand(blank, 40, 255 - tone)
    assert 'nothing is drawn' in refusal(framed, tmp_path)


def test_an_image_of_the_data_set_is_taken_as_it_is(strokes, tmp_path):
    image = raster.draw(strokes, SIDE)
    image.save(tmp_path / 'query.png')
    assert np.array_equal(read_query(tmp_path / 'query.png', SIDE), image)


def test_a_photograph_of_the_data_sets_size_is_redrawn(strokes, tmp_path):
    photograph = page(strokes, 200, 40, (SIDE, SIDE), 2, scale=0.4, corner=(15, 12))
    assert_drawn(saved(photograph, tmp_path / 'query.png'), strokes)


def test_pixels_without_a_file(strokes):
    assert_alike(redraw(page(strokes, 1, 0).astype(np.float32), SIDE), strokes)
    with pytest.raises(InputError, match='nothing'):
        redraw(np.ones((300, 300), np.float32), SIDE)


def test_an_inverted_image_of_the_data_set(strokes, tmp_path):
    image = raster.draw(strokes, SIDE)
    ImageOps.invert(image).save(tmp_path / 'query.png')
    assert_drawn(tmp_path / 'query.png', strokes)


def coloured(covered, ink, paper):
    """Return strokes in two colours, float32 (rows, columns, 3) in 0..1."""
    picture = photo_queries.image_of(photo_queries.blend(np.float32(paper), ink, covered))
    return np.asarray(picture, np.float32) / 255


@pytest.mark.parametrize(('ink', 'paper'), COLOURS)
def test_any_two_colours_that_a_person_tells_apart(strokes, ink, paper):
    covered = lines(strokes, (300, 250), 3, scale=0.75, corner=(50, 40))
    assert_alike(redraw(coloured(covered, ink, paper), SIDE), strokes)


@pytest.fixture(scope='module')
def real(real_drawings):
    """22 real drawings, one of each category."""
    drawings = []
    for path in sorted((real_drawings / 'large').glob('*.bin')):
        with DrawingFile(path) as file:
            drawings.append(file[0].strokes)
    return drawings


def test_real_drawings_in_two_colours(real):
    for number, (drawing, (ink, paper)) in enumerate(zip(real, COLOURS)):
        size, width = ((28, 28), 1.5) if number % 2 else ((300, 250), 3)
        random = np.random.default_rng(number)
        covered = photo_queries.placed(drawing, random, size, (0.88, 0.92), (width, width))
        made = redraw(coloured(covered, ink, paper), SIDE)
        assert near(made, np.asarray(raster.draw(drawing, SIDE)), 5) > 0.75


def test_squared_paper_is_no_ink(real):
    # A square of 32 pixels is 2 of the overview: its lines are not thinner than what they enclose.
    paper = np.full((1000, 1000, 3), (250, 249, 245), np.float32)
    paper[15::32] = paper[16::32] = paper[:, 15::32] = paper[:, 16::32] = (170, 200, 235)
    covered = photo_queries.placed(
        real[0], np.random.default_rng(0), (1000, 1000), (0.7, 0.7), (4, 4)
    )
    levels = photo_queries.blend(paper, (25, 25, 30), covered) / 255
    made = redraw(levels.astype(np.float32), SIDE)
    assert near(made, np.asarray(raster.draw(real[0], SIDE)), 3) > 0.98


@pytest.mark.parametrize('inverted', [False, True])
def test_a_bitmap_of_the_data_sets_numpy_files(real, tmp_path, inverted):
    taken = 0
    for drawing in real:
        bitmap, _ = photo_queries.bitmap(drawing, None)
        assert bitmap.size == (28, 28)
        (ImageOps.invert(bitmap) if inverted else bitmap).save(tmp_path / 'query.png')
        try:
            made = read_query(tmp_path / 'query.png', SIDE)
        except InputError:
            continue
        # A pixel of 28 is 5 of 128.
        taken += near(made, np.asarray(raster.draw(drawing, SIDE)), 5) > 0.9
    assert taken >= 20


@pytest.mark.parametrize('side', [28, 64, 300])
@pytest.mark.parametrize(('one', 'other'), COLOURS[4:20:5])
def test_no_drawing_in_colours(tmp_path, side, one, other):
    slope = np.tile(np.linspace(0, 0.5, side), (side, 1))
    for amount, noise, told in (
        *((0 * slope, 0, 'nothing is drawn'), (0 * slope + 0.5, 25, 'nothing is drawn')),
        *((slope, 0, 'drawn'), (slope, 25, 'nothing is drawn')),
    ):
        levels = photo_queries.blend(np.float32(one), other, amount)
        blank = photo_queries.image_of(levels, np.random.default_rng(0), noise)
        assert told in refusal(blank, tmp_path)
