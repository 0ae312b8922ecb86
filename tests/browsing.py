"""Fixtures and steps of the tests in a real browser: a page of draw.py, and a hand that draws."""

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
    found = [re.search(r'/image/[0-9a-f]+/(\d+)', each.get_property('src')) for each in pictures]
    return [int(each[1]) for each in found]


def answer(browser, query):
    """Return the numbers of the images that the server finds."""
    script = """
        const [query, done] = arguments;
        const headers = { 'Content-Type': 'application/json' };
        fetch('query', { method: 'POST', headers, body: JSON.stringify(query) })
          .then((found) => found.json())
          .then((found) => done(found.results.map((each) => each.index)));
    """
    return browser.execute_async_script(script, query)


def press(browser, *strokes):
    """Draw strokes of which the last one is not ended."""
    from selenium.webdriver.common.action_chains import ActionChains

    draw(browser, strokes[:-1])
    (canvas,) = find(browser, '#canvas')
    side = canvas.size['width']
    hand = ActionChains(browser, duration=5)
    for number, (x, y) in enumerate(strokes[-1]):
        hand.move_to_element_with_offset(canvas, side * (x - 0.5), side * (y - 0.5))
        if number == 0:
            hand.click_and_hold()
    hand.perform()
    return hand
