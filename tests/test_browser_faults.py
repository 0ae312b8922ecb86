"""The page of draw.py in a real browser: what goes wrong around it, and what nobody expects."""

import http.server
import threading
import urllib.request

import numpy as np
import pytest
from browsing import SUN, draw, find, names, press, text, wait


def test_what_leaves_the_canvas_is_not_sent(browser):
    loop = [(0.5, 0.5), (-0.08, 0.5), (-0.08, 0.8), (0.5, 0.8), (0.9, 0.9)]
    draw(browser, [loop, [(0.9, 0.1), (1.05, 0.25), (0.9, 0.4)]])
    wait(browser, names)
    first, second, third, fourth = browser.execute_script('return query().strokes')
    points = [[(x / 512, y / 512) for x, y in zip(*part)] for part in (first, second)]
    assert points[0] == pytest.approx(np.array([(0.5, 0.5), (0, 0.5)]), abs=0.01)
    assert points[1] == pytest.approx(np.array([(0, 0.8), (0.5, 0.8), (0.9, 0.9)]), abs=0.01)
    assert (third[0][-1], fourth[0][0]) == (512, 512)
    # The canvas shows the same: a column of ink at the edge where a part ends, none between.
    ink = """
        const { width, height } = canvas;
        const edge = pen.getImageData(1, 0, 1, height).data;
        return [0.5, 0.65, 0.8].map((y) => edge[4 * Math.round(y * height) + 3] > 128);
    """
    assert browser.execute_script(ink) == [True, False, True]
    find(browser, '#undo')[0].click()
    assert len(browser.execute_script('return query().strokes')) == 2


@pytest.mark.parametrize(
    'happening',
    [
        "canvas.dispatchEvent(new PointerEvent('pointermove', { pointerId: pointer, buttons: 0 }))",
        'canvas.releasePointerCapture(pointer)',
    ],
)
def test_a_stroke_ends_without_its_button(browser, happening):
    hand = press(browser, [(0.2, 0.2), (0.4, 0.4)])
    assert not names(browser)
    browser.execute_script(happening)
    hand.move_by_offset(40, 0).release().perform()
    wait(browser, names)
    ((xs, _),) = browser.execute_script('return query().strokes')
    assert max(xs) < 0.45 * 512
    draw(browser, [[(0.6, 0.6), (0.8, 0.8)]])
    assert len(browser.execute_script('return query().strokes')) == 2
    assert browser.get_log('browser') == []


def test_hatching_without_end(browser):
    browser.execute_script("""
        for (let row = 0; row < 60; row++)
          strokes.push(Array.from({ length: 512 }, (_, x) => [x, 8 * row + 2 + Math.sin(x / 20)]));
    """)
    draw(browser, [[(0.1, 0.1), (0.9, 0.9)]])
    wait(browser, names)
    assert text(browser, '#message') == ''
    sent = browser.execute_script('return query().strokes')
    assert len(sent) == 61
    assert 5_000 < sum(len(xs) for xs, _ in sent) <= 10_000
    assert {(xs[0], xs[-1]) for xs, _ in sent[:-1]} == {(0, 511)}


def test_strokes_without_end(browser):
    browser.execute_script('for (let at = 0; at < 499; at++) strokes.push([[at, at]]);')
    draw(browser, [[(0.1, 0.9), (0.9, 0.1)]])
    wait(browser, names)
    draw(browser, SUN[:1])
    wait(browser, lambda page: 'at most 500 strokes' in text(page, '#message.error'))
    assert len(browser.execute_script('return query().strokes')) == 500
    find(browser, '#undo')[0].click()
    wait(browser, names)
    assert text(browser, '#message') == ''


def test_nothing_disturbs_a_stroke(browser):
    hand = press(browser, [(0.2, 0.2), (0.4, 0.4)])
    for key in ('surprise', 'clear', 'undo'):
        browser.execute_script('document.getElementById(arguments[0]).click()', key)
    browser.execute_script("""
        canvas.dispatchEvent(new KeyboardEvent('keydown', { key: ' ' }));
        canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    """)
    hand.move_by_offset(40, 0).release().perform()
    wait(browser, names)
    assert len(browser.execute_script('return query().strokes')) == 1
    assert browser.get_log('browser') == []


def test_keys_keep_the_focus_and_do_only_what_they_say(browser):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    draw(browser, SUN)
    wait(browser, names)
    hand = ActionChains(browser)
    hand.key_down(Keys.CONTROL).key_down(Keys.SHIFT).send_keys('z').perform()
    hand.key_up(Keys.SHIFT).key_up(Keys.CONTROL).perform()
    assert len(browser.execute_script('return strokes')) == len(SUN)
    hand.key_down(Keys.CONTROL).send_keys('z').key_up(Keys.CONTROL).perform()
    assert len(browser.execute_script('return strokes')) == len(SUN) - 1
    wait(browser, names)
    find(browser, '#results button')[3].send_keys(Keys.ENTER)
    wait(browser, lambda page: 'data set: ' in text(page, '#board-title'))
    assert browser.switch_to.active_element == find(browser, '#results button')[0]
    find(browser, '#clear')[0].send_keys(Keys.ENTER)
    assert browser.switch_to.active_element == find(browser, '#canvas')[0]


def test_a_lost_server_is_told(browser):
    draw(browser, SUN)
    wait(browser, names)
    browser.execute_script("""
        server = fetch;
        fetch = () => Promise.reject(new TypeError('no network'));
    """)
    draw(browser, SUN[:1])
    wait(browser, lambda page: 'draw.py' in text(page, '#message.error'))
    assert (names(browser), text(browser, '#verdict')) == ([], '')
    # The request for the first of two strokes fails after the second one is drawn.
    browser.execute_script("""
        fetch = () => new Promise((_, refuse) => { fail = () => refuse(new TypeError()); });
    """)
    draw(browser, SUN[:1])
    draw(browser, SUN[1:2])
    browser.execute_script('fetch = server; fail();')
    wait(browser, names)
    assert text(browser, '#message') == ''


def test_another_server_is_told(browser):
    draw(browser, SUN)
    wait(browser, names)
    browser.execute_script("about.dataset = '0123'; choose(5, null);")
    wait(browser, lambda page: 'another data set' in text(page, '#message.error'))
    browser.execute_script("about.served = '0123'; choose(6, null);")
    wait(browser, lambda page: 'reload the page' in text(page, '#message.error'))
    assert not names(browser)


@pytest.fixture
def proxied(address):
    """Address of a proxy that serves the page under a path, as JupyterHub's does."""
    path = '/user/ann/proxy/8751/'

    class Proxy(http.server.BaseHTTPRequestHandler):
        def forward(self):
            if not self.path.startswith(path):
                return self.send_error(404)
            body = self.rfile.read(int(self.headers.get('Content-Length', 0))) or None
            kind = {'Content-Type': self.headers.get('Content-Type', 'text/plain')}
            asked = urllib.request.Request(address + self.path[len(path) :], body, kind)
            with urllib.request.urlopen(asked) as answer:
                self.send_response(answer.status)
                for name in ('Content-Type', 'Content-Security-Policy', 'X-Served'):
                    self.send_header(name, answer.headers[name])
                self.end_headers()
                self.wfile.write(answer.read())

        do_GET = do_POST = forward  # noqa: N815

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{proxy.server_port}{path}'
        proxy.shutdown()


def test_the_page_under_the_path_of_a_proxy(browser, proxied):
    browser.get(proxied)
    draw(browser, SUN)
    wait(browser, names)
    find(browser, '#results button')[0].click()
    wait(browser, lambda page: 'data set: ' in text(page, '#board-title'))
    pictures = find(browser, '#chosen, #results img')
    assert all(picture.get_property('naturalWidth') == 96 for picture in pictures[:5])
    assert browser.get_log('browser') == []
