"""The page of draw.py over HTTP: what it answers, and what it refuses."""

import base64
import dataclasses
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sketch.data import raster
from sketch.data.dataset import open_dataset
from sketch.data.simplify import simplify
from sketch.page import queries

CROSS = [[[10, 90.5], [10, 90]], [[90, 10], [10, 90]]]


@pytest.fixture(scope='module')
def checkpoint(trained, tmp_path_factory):
    """A checkpoint folder of a narrow skNet, trained for a moment."""
    return trained(tmp_path_factory.mktemp('page'), 1)


@pytest.fixture(scope='module')
def index(checkpoint, small_dataset):
    from sketch.evaluation.search_index import SearchIndex

    with SearchIndex(small_dataset, checkpoint, 'euclidean') as index:
        yield index


@pytest.fixture(scope='module')
def client(index):
    """Flask's client of the application."""
    from sketch.page.answers import Answers
    from sketch.page.app import make_app

    return make_app(Answers(index), ['Hub.example.org']).test_client()


def ask(client, **query):
    answer = client.post('/query', json=query)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_the_page_and_its_files(client):
    page = client.get('/')
    assert page.mimetype == 'text/html'
    for name in ('page.css', 'page.js'):
        assert f'"static/{name}"' in page.text
        assert client.get(f'/static/{name}').status_code == 200
    policy = page.headers['Content-Security-Policy']
    assert "default-src 'none'" in policy
    assert 'unsafe' not in policy
    assert 'style="' not in page.text
    about = client.get('/about').json
    assert (about['network'], about['epochs'], about['images']) == ('skNet', '1', 12)
    assert len(about['categories']) == 3


def test_thumbnails_by_data_set_and_index(client, index):
    dataset = client.get('/about').json['dataset']
    assert dataset == index.dataset.digest
    shown = client.get(f'/image/{dataset}/5.png')
    assert shown.mimetype == 'image/png'
    assert shown.cache_control.max_age > 0
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown.data))), index.image(5))
    for path in ('12.png', '-1.png', '5', '../5.png', '99999999999999999999.png', 'x.png'):
        refused = client.get(f'/image/{dataset}/{path}')
        assert refused.status_code == 404
        assert refused.json['error'] == 'Not Found'
    other = client.get('/image/0123456789abcdef/5.png')
    assert other.status_code == 404
    assert 'reload' in other.json['error']
    assert 'no-store' in other.headers['Cache-Control']


def test_every_answer_says_what_is_served(client, index, monkeypatch):
    from sketch.page.answers import Answers

    served = client.get('/about').json['served']
    answers = [client.get('/'), client.get('/nothing'), client.post('/query', json={'index': 99})]
    assert {answer.headers['X-Served'] for answer in answers} == {served}
    changed = index.checkpoint._replace(step=index.checkpoint.step + 1)
    monkeypatch.setattr(index, 'checkpoint', changed)
    assert Answers(index).about()['served'] != served


def test_a_replaced_data_set_is_told(small_dataset, checkpoint, tmp_path, capsys):
    from sketch.evaluation.search_index import SearchIndex
    from sketch.page.answers import Answers
    from sketch.page.app import make_app

    shutil.copytree(small_dataset.folder, tmp_path / 'data')
    dataset = open_dataset(tmp_path / 'data', ['test'])
    with SearchIndex(dataset, checkpoint, 'euclidean') as index:
        client = make_app(Answers(index), []).test_client()
        gone, other = (Path(os.fsdecode(path)) for path in dataset.test.paths[:2])
        gone.unlink()
        shutil.copy(os.fsdecode(dataset.test.paths[2]), other)
        for number, status in enumerate([410, 410, 200]):
            answer = client.get(f'/image/{dataset.digest}/{number}.png')
            assert answer.status_code == status
            if status != 200:
                assert 'start draw.py again' in answer.json['error']
        assert ask(client, index=0)['results']
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('distance', ['euclidean', 'cosine'])
def test_a_test_image_finds_its_neighbours(client, index, distance):
    found = ask(client, index=3, distance=distance, top=11)
    order, distances = index.search(index.vectors[3], 11, 3, distance=distance)
    assert [result['index'] for result in found['results']] == order.tolist()
    assert 3 not in order
    assert [result['distance'] for result in found['results']] == pytest.approx(distances)
    assert distances.tolist() == sorted(distances)
    first = found['results'][0]
    assert first['category'] == index.category(first['index'])
    assert first['key_id'] == index.key_ids[first['index']]
    assert found['category'] == index.category(3)


def test_class_first(client, index):
    same = index.same_class(index.fc1[3])
    assert same[3]
    order = [result['index'] for result in ask(client, index=3, top=11)['results']]
    leading = [
        result['index'] for result in ask(client, index=3, top=11, class_first=True)['results']
    ]
    assert leading == sorted(order, key=lambda image: (not same[image], order.index(image)))
    for top in (1, 11):
        found = ask(client, index=3, top=top, class_first=True)
        assert found['leading'] == min(top, same.sum() - 1)
    assert ask(client, index=3)['leading'] is None


def test_a_drawing_is_drawn_as_the_data_set_is(client, index):
    found = ask(client, strokes=CROSS, top=3)
    png = base64.b64decode(found['seen'].partition('base64,')[2])
    expected = raster.draw(simplify([np.array(stroke).T for stroke in CROSS]), 96)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), np.asarray(expected))
    query = index.query_of(np.asarray(expected), '')
    order, _ = index.search(query.vector, 3)
    assert [result['index'] for result in found['results']] == order.tolist()
    assert found['category'] is None
    (prediction,) = index.predict(query.fc1[np.newaxis])
    best = found['classes'][0]
    assert (best['category'], best['probability']) == pytest.approx(prediction)
    assert sum(each['probability'] for each in found['classes']) == pytest.approx(1)


def test_a_request_has_no_canvas(client):
    moved = (100 * np.array(CROSS) + [[-5000], [90_000]]).tolist()
    plain = ask(client, strokes=CROSS)
    assert ask(client, strokes=moved) == plain
    assert ask(client, strokes=[*CROSS, [[-600, -600], [0, 90]]]) != plain


@pytest.mark.parametrize(
    ('body', 'reason'),
    [
        ('', 'not JSON'),
        ('{"strokes": [', 'not JSON'),
        ('[' * 100_000, 'not JSON'),
        ('{"index": 1, "path": "/etc/passwd"}', 'a JSON object'),
        ('{}', 'either strokes or an index'),
        ('{"index": 1, "strokes": [[[1], [1]]]}', 'either strokes or an index'),
        ('{"index": 12}', 'index: a whole number from 0 to 11'),
        ('{"index": true}', 'index'),
        ('{"index": 1.0}', 'index'),
        ('{"index": 1, "top": 0}', 'top: a whole number from 1 to 200'),
        ('{"index": 1, "distance": "manhattan"}', 'distance: one of euclidean, cosine'),
        ('{"index": 1, "distance": ["cosine"]}', 'distance'),
        ('{"index": 1, "class_first": 1}', 'class_first'),
        ('{"strokes": []}', 'a list of 1 to 500'),
        ('{"strokes": [[[], []]]}', 'at least 1'),
        ('{"strokes": [[[1, 2], [1]]]}', 'differ in length'),
        ('{"strokes": [[[1], [1], [1]]]}', 'two lists'),
        ('{"strokes": [[[NaN], [1]]]}', 'a coordinate is not'),
        ('{"strokes": [[[1e999], [1]]]}', 'a coordinate is not'),
        ('{"strokes": [[[1' + '0' * 5000 + '], [1]]]}', ''),
        ('{"strokes": [[[1000001], [1]]]}', 'a coordinate is not'),
        ('{"strokes": [[[null], [false]]]}', 'a coordinate is not'),
        (json.dumps({'strokes': [[[1], [1]]] * 501}), 'a list of 1 to 500'),
        (json.dumps({'strokes': [[[1] * 10_001, [1] * 10_001]]}), '10000 points'),
    ],
)
def test_bad_queries_get_a_reason(client, body, reason):
    data = body.encode('latin-1')
    refused = client.post('/query', data=data, content_type='application/json')
    assert refused.status_code == 400
    assert reason in refused.json['error']
    assert 'passwd' not in refused.text


def test_other_bad_requests(client):
    large = client.post('/query', data=b' ' * (queries.BYTES + 1), content_type='application/json')
    assert large.status_code == 413
    # What a form of another site can send without asking first.
    assert client.post('/query', data='{"index": 1}', content_type='text/plain').status_code == 415
    assert client.get('/query').status_code == 405
    assert client.get('/nothing').status_code == 404
    assert client.get('/static/../app.py').status_code == 404


@pytest.mark.parametrize(
    ('host', 'status'),
    [
        ('127.0.0.1:8000', 200),
        ('localhost', 200),
        ('[::1]:8000', 200),
        ('192.168.1.7:8000', 200),
        ('hub.example.org', 200),
        ('HUB.example.org:8000', 200),
        ('an.hub.example.org', 421),
        ('evil.example', 421),
        ('127.0.0.1.evil.example:8000', 421),
        ('localhost.evil.example', 421),
    ],
)
def test_foreign_hosts_are_refused(client, host, status):
    answer = client.get('/about', headers={'Host': host})
    assert answer.status_code == status
    if status != 200:
        assert 'another name' in answer.json['error']
        assert 'give draw.py the name' in answer.json['error']
        assert 'images' not in answer.json


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(queries.FIELDS), inner, max_size=5),
    max_leaves=20,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
def test_no_request_makes_it_fail(client, body):
    answer = client.post('/query', data=body, content_type='application/json')
    assert answer.status_code in (200, 400)
    assert (answer.status_code == 400) == ('error' in answer.json)


def test_a_failure_is_told_without_what_was_sent(client, monkeypatch, capsys):
    def fail(*_, **__):
        raise ValueError('could not convert: secret-of-the-client')

    from sketch.page.answers import Answers

    monkeypatch.setattr(Answers, 'find_like', fail)
    failed = client.post('/query', json={'index': 1})
    assert failed.status_code == 500
    assert 'error' in failed.json
    printed = ''.join(capsys.readouterr())
    assert 'ValueError in ' in printed
    assert 'secret' not in printed + failed.text


def test_a_network_of_other_classes_has_no_order_by_class(index, monkeypatch):
    from sketch.page.answers import Answers

    other = dataclasses.replace(index.checkpoint.settings, classes=4)
    monkeypatch.setattr(index, 'checkpoint', index.checkpoint._replace(settings=other))
    answers = Answers(index)
    assert not answers.about()['has_class_order']
    found = answers.find_like(0, class_first=True)
    assert found['leading'] is None
    assert found['results']
    assert found['classes']  # the network's own


def test_a_network_without_names(index, monkeypatch):
    from sketch.page.answers import Answers

    unnamed = dataclasses.replace(index.checkpoint.settings, categories=None)
    unnamed = index.checkpoint._replace(settings=unnamed)
    monkeypatch.setattr(index, 'checkpoint', unnamed)
    answers = Answers(index)
    assert answers.about()['has_classifier']
    found = answers.find_like(0, class_first=True)
    assert found['classes'] == []
    assert found['results']
