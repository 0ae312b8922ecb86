"""The page of draw.py in a real browser: a figure drawn with the mouse, and what it finds."""

import re

import pytest
from browsing import SUN, answer, draw, find, names, shown, text, texts, wait

WIDTHS = [375, 768, 1280]


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
    find(browser, '#results button')[0].click()
    wait(browser, lambda page: 'data set: ' in text(page, '#board-title'))
    find(browser, '#clear')[0].click()
    wait(browser, lambda page: not names(page))
    assert text(browser, '#board-title') == 'Your drawing'


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
    (legend,) = texts(browser, '#legend')
    category = re.search('✓ marks drawings of the category (.+)[.]', legend)[1]
    assert re.match('First [0-9]+ drawings? that the network, too, takes for [a-z]+, th', legend)
    framed = texts(browser, '#results .same .name')
    assert framed == [name for name in names(browser) if name == category]


def test_the_keyboard_draws(browser):
    from selenium.webdriver.common.keys import Keys

    (canvas,) = find(browser, '#canvas')
    corners = [Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT]
    canvas.send_keys(' ', *(key * 8 for key in corners), ' ')
    wait(browser, names)
    assert text(browser, '#verdict') == 'square'
    canvas.send_keys(Keys.ESCAPE)
    wait(browser, lambda page: not names(page))


def box(browser, selector):
    (element,) = find(browser, selector)
    return element.rect


@pytest.mark.parametrize(('width', 'height'), [(1280, 857), (844, 390)])
def test_what_is_found_stands_beside_the_canvas(browser, width, height):
    device = {'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': False}
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', device)
    draw(browser, SUN)
    wait(browser, names)
    canvas, found = box(browser, '#canvas'), box(browser, '#results')
    assert found['x'] > canvas['x'] + canvas['width']
    assert found['y'] < canvas['y'] + canvas['height']
    assert canvas['width'] == canvas['height'] >= 230
    for name in ('undo', 'clear', 'surprise'):
        button = box(browser, f'#{name}')
        assert button['y'] + button['height'] <= height
    assert text(browser, '#classes li:first-child').startswith('sun')


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
    # The network's input looks as it is.
    look = 'return getComputedStyle(document.getElementById(arguments[0])).filter'
    assert browser.execute_script(look, 'seen') == 'none'
    assert (browser.execute_script(look, 'chosen') == 'none') == (scheme == 'light')
    for control in find(browser, 'button, select, #order label'):
        assert control.size['height'] >= 40, control.get_attribute('outerHTML')
