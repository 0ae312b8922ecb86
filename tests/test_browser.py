"""The page of draw.py in a real browser: a figure drawn with the mouse, and what it finds."""

import math
import re
import shutil
import tempfile

import pytest
from conftest import served

import create_dataset
import train
from sketch.backend import installation
from sketch.data.dataset import open_dataset
from tools import synthetic

CATEGORIES = ['square', 'star', 'sun', 'triangle']
WIDTHS = [375, 768, 1280]
BROWSER, DRIVER = map(shutil.which, ('chromium', 'chromedriver'))
FLAGS = (
    *('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'),
    *('--disable-background-networking', '--disable-component-update', '--disable-sync'),
)
SUN = [
    [(0.5 + 0.2 * math.cos(turn / 3), 0.5 + 0.2 * math.sin(turn / 3)) for turn in range(20)],
    *(
        [
            (0.5 + far * math.cos(turn * math.pi / 4), 0.5 + far * math.sin(turn * math.pi / 4))
            for far in (0.26, 0.42)
        ]
        for turn in range(8)
    ),
]


@pytest.fixture(scope='session')
def address(tmp_path_factory):
    """Address of a running draw.py with a small network that knows CATEGORIES."""
    if installation.check() < (2, 16):
        pytest.skip('the browser is tested with one version of TensorFlow, 2.20 or later')
    if not (BROWSER and DRIVER):
        pytest.skip('no browser: install chromium and chromium-driver')
    folder = tmp_path_factory.mktemp('browser')
    synthetic.main(['--out', str(folder), '--drawings', '120'])
    create_dataset.construct_from_scratch(
        files=folder / 'files',
        categories=folder / 'categories.txt',
        categories_only=CATEGORIES,
        out=folder,
        train=80,
        test=30,
        size=96,
    )
    arguments = ['--data', folder, '--checkpoints', folder, '--results', folder / 'results.csv']
    arguments += ['--net', 'n1', '--filters', *'8888', '--batch-size', '16', '--epochs', '4']
    arguments += ['--batch-norm-momentum', '0.85', '--measure', 'test']
    rows = train.main([str(argument) for argument in arguments])
    assert rows[-1]['value'] > 0.9
    with served(open_dataset(folder), folder / rows[-1]['run']) as (_, address):
        yield address


@pytest.fixture
def browser(address):
    """A browser that shows the page."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f'--user-data-dir={profile}', '--window-size=1280,1000'):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            driver.get(address)
            yield driver
        finally:
            driver.quit()


def find(browser, selector):
    return browser.find_elements('css selector', selector)


def texts(browser, selector):
    # In one step: the page replaces elements as it likes.
    script = 'return [...document.querySelectorAll(arguments[0])].map(each => each.innerText)'
    return browser.execute_script(script, selector)


def text(browser, selector):
    return ' '.join(texts(browser, selector))


def wait(browser, condition):
    """Wait until condition(browser) is true and the page asks no more."""
    from selenium.webdriver.support.ui import WebDriverWait

    def settled(browser):
        return not find(browser, '[aria-busy=true]') and condition(browser)

    WebDriverWait(browser, 30).until(settled)


def draw(browser, strokes):
    """Draw strokes of points in 0..1 with the mouse."""
    from selenium.webdriver.common.action_chains import ActionChains

    (canvas,) = find(browser, '#canvas')
    side = canvas.size['width']
    for stroke in strokes:
        (x, y), *others = [(side * (x - 0.5), side * (y - 0.5)) for x, y in stroke]
        hand = ActionChains(browser, duration=5)
        hand.move_to_element_with_offset(canvas, x, y).click_and_hold()
        for x, y in others:
            hand.move_to_element_with_offset(canvas, x, y)
        hand.release().perform()


def names(browser):
    return texts(browser, '#results .name')


def shown(browser):
    """Return the numbers of the images that the page shows."""
    pictures = find(browser, '#results img')
    return [int(re.search(r'/image/(\d+)', each.get_property('src'))[1]) for each in pictures]


def answer(browser, query):
    """Return the numbers of the images that the server finds."""
    script = """
        const [query, done] = arguments;
        const headers = { 'Content-Type': 'application/json' };
        fetch('/query', { method: 'POST', headers, body: JSON.stringify(query) })
          .then((found) => found.json())
          .then((found) => done(found.results.map((each) => each.index)));
    """
    return browser.execute_async_script(script, query)


def test_draw_and_find(browser):
    wait(browser, lambda page: 'Draw something' in text(page, '#message'))
    draw(browser, SUN)
    wait(browser, names)
    assert text(browser, '#verdict') == 'sun'
    assert text(browser, '#classes li:first-child span:first-child') == 'sun'
    assert len(names(browser)) == 24
    assert names(browser)[:8].count('sun') >= 6
    pictures = find(browser, '#results img')
    assert all(picture.get_property('naturalWidth') == 96 for picture in pictures[:4])
    assert find(browser, '#seen')[0].get_property('naturalWidth') == 96
    find(browser, '#clear')[0].click()
    wait(browser, lambda page: not names(page))
    assert text(browser, '#verdict') == ''
    assert browser.get_log('browser') == []


def test_undo_asks_again(browser):
    draw(browser, SUN[:2])
    wait(browser, names)
    first = text(browser, '#results')
    draw(browser, SUN[2:])
    wait(browser, lambda page: text(page, '#results') != first)
    for _ in SUN[2:]:
        find(browser, '#undo')[0].click()
    wait(browser, lambda page: text(page, '#results') == first)


def test_a_result_becomes_the_query(browser):
    draw(browser, SUN)
    wait(browser, names)
    find(browser, '#results button')[0].click()
    wait(browser, lambda page: 'data set: sun' in text(page, '#board-title'))
    assert find(browser, '#chosen')[0].is_displayed()
    assert names(browser)[:8].count('sun') >= 6
    draw(browser, SUN[:1])
    wait(browser, lambda page: text(page, '#board-title') == 'Your drawing')
    assert not find(browser, '#chosen')[0].is_displayed()


def test_order_and_number(browser):
    browser.execute_script("""
        Math.random = () => 0.4;
        const server = fetch;
        fetch = (address, options) => {
          window.asked = JSON.parse(options.body);
          return server(address, options);
        };
    """)
    find(browser, '#surprise')[0].click()
    wait(browser, names)
    euclidean = text(browser, '#results')
    find(browser, 'input[value=cosine]')[0].click()
    wait(browser, lambda page: text(page, '#results') != euclidean)
    find(browser, '#class-first')[0].click()
    find(browser, '#top option')[0].click()
    wait(browser, lambda page: len(names(page)) == 12)
    # tests/test_page.py checks what the server answers to this.
    query = {'index': int(0.4 * 120), 'distance': 'cosine', 'class_first': True, 'top': 12}
    assert browser.execute_script('return asked') == query
    assert shown(browser) == answer(browser, query)


def test_the_keyboard_draws(browser):
    from selenium.webdriver.common.keys import Keys

    (canvas,) = find(browser, '#canvas')
    corners = [Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT]
    canvas.send_keys(' ', *(key * 8 for key in corners), ' ')
    wait(browser, names)
    assert text(browser, '#verdict') == 'square'
    canvas.send_keys(Keys.ESCAPE)
    wait(browser, lambda page: not names(page))


def test_a_lost_server_is_told(browser):
    browser.execute_script("fetch = () => Promise.reject(new TypeError('no network'))")
    draw(browser, SUN[:1])
    wait(browser, lambda page: 'draw.py' in text(page, '#message.error'))


@pytest.mark.parametrize('width', WIDTHS)
@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_every_width_and_scheme(browser, width, scheme):
    device = {'width': width, 'height': 900, 'deviceScaleFactor': 1, 'mobile': width < 500}
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', device)
    feature = {'name': 'prefers-color-scheme', 'value': scheme}
    browser.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [feature]})
    find(browser, '#surprise')[0].click()
    wait(browser, names)
    wide = 'return document.documentElement.scrollWidth'
    assert browser.execute_script(wide) <= width
    ground = 'return getComputedStyle(document.documentElement).backgroundColor'
    red = int(browser.execute_script(ground).split('(')[1].split(',')[0])
    assert (red > 128) == (scheme == 'light')
    for control in find(browser, 'button, select, #order label'):
        assert control.size['height'] >= 40, control.get_attribute('outerHTML')
