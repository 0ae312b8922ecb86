"""The page's server: a Flask application that trusts nothing that it is sent.

It answers requests for names of its own only, so a page of another site cannot reach it by a name
of that site (DNS rebinding). Errors are JSON with a reason. What a client sends is never logged.
"""

import sys
import traceback

from flask import Flask, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from sketch.errors import InputError
from sketch.page import queries
from sketch.page.hosts import is_known

HEADERS = {
    'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
}
IMAGE_SECONDS = 24 * 3600  # that a browser keeps a test image
OTHER_NAME = (
    'this server has another name; open it by its IP address, or give draw.py the name as well '
    '(its help says how)'
)
OTHER_DATA = 'this image is of another data set than the one that is served now; reload the page'
REPLACED = 'the data set has changed since draw.py started; start draw.py again, reload the page'


def make_app(answers, names):
    """Return the Flask application.

    Args:
        answers: answers.Answers.
        names: under which it may be asked, besides localhost and IP addresses.
    """
    app = Flask(__name__, static_url_path='/static')
    app.config['MAX_CONTENT_LENGTH'] = queries.BYTES
    about = answers.about()

    @app.before_request
    def refuse_other_hosts():
        if not is_known(request.host, names):
            return jsonify(error=OTHER_NAME), 421

    @app.after_request
    def add_headers(response):
        response.headers.update(HEADERS)
        # The page compares it: draw.py may have been started again with others.
        response.headers['X-Served'] = about['served']
        response.headers.setdefault('Cache-Control', 'no-store')
        return response

    @app.get('/')
    def page():
        return app.send_static_file('index.html')

    @app.get('/about')
    def tell_about():
        return jsonify(about)

    @app.get('/image/<dataset>/<int:number>.png')
    def image(dataset, number):
        if dataset != about['dataset']:
            return jsonify(error=OTHER_DATA), 404
        if number >= about['images']:
            abort(404)
        content = answers.image(number)
        if content is None:
            return jsonify(error=REPLACED), 410
        cached = {'Cache-Control': f'private, max-age={IMAGE_SECONDS}, immutable'}
        return app.response_class(content, mimetype='image/png', headers=cached)

    @app.post('/query')
    def query():
        if request.mimetype != 'application/json':
            abort(415)
        asked = queries.read(request.get_data(), about['images'])
        order = {name: getattr(asked, name) for name in ('distance', 'class_first', 'top')}
        if asked.strokes is None:
            return jsonify(answers.find_like(asked.index, **order))
        return jsonify(answers.find_drawn(asked.strokes, **order))

    app.register_error_handler(InputError, _bad_query)
    app.register_error_handler(Exception, _failed)
    return app


def _bad_query(error):
    return jsonify(error=str(error)), 400


def _failed(error):
    if isinstance(error, HTTPException):
        return error.response or (jsonify(error=error.name), error.code)
    place = traceback.extract_tb(error.__traceback__)[-1]
    # Not its message, which may quote the client.
    print(f'error: {type(error).__name__} in {place.filename}:{place.lineno}', file=sys.stderr)
    return jsonify(error='the server failed; its terminal says where'), 500
