"""Opens a page on which one draws, and that finds the most similar drawings of the data set.

    python draw.py --data . --checkpoint checkpoints_n1_10e

At each stroke the page shows the network's classes with their probabilities, and the test images
whose feature vectors are nearest (paper, section 2). A click on one of them makes it the query. The
page needs no network. It answers on this computer only, unless --host says otherwise; anybody who
can reach that address can use it. Ctrl-C ends it.
"""

import logging
import os
import socket
import sys
import threading
import webbrowser

from sketch import command_line
from sketch.data.dataset import open_dataset
from sketch.errors import InputError
from sketch.runs import folders
from sketch.runs.settings import Default

THREADS = 4  # that answer requests
CONNECTIONS = 100


def parse_arguments(argv):
    """Return the parsed command line."""
    arguments = command_line.parser(__doc__)
    data = arguments.add_argument_group('data and network')
    command_line.add_data(data)
    command_line.add_checkpoint(data)
    server = arguments.add_argument_group('server')
    server.add_argument(
        '--host', default='127.0.0.1', metavar='NAME', help='address or name to answer on'
    )
    server.add_argument(
        '--port',
        type=command_line.port,
        default=8000,
        help='port to answer on; 0 takes a free one',
    )
    server.add_argument('--no-browser', action='store_true', help='do not open a browser')
    return arguments.parse_args(argv)


def bound_socket(host, port):
    """Return a socket bound to an address.

    Raises:
        InputError: the address is not this computer's, or is in use.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise InputError(
            f'--host {host} --port {port}: {error.strerror}; give another port, or an address of '
            'this computer'
        ) from None
    return bound


def has_screen():
    """Return whether a browser has a screen to open on; a text browser would take the terminal."""
    return sys.platform == 'darwin' or bool({'DISPLAY', 'WAYLAND_DISPLAY'} & set(os.environ))


def main(argv=None):
    """Parse the command line and serve the page until Ctrl-C."""
    options = parse_arguments(argv)
    folder = folders.one(options.checkpoint, options.unfinished)
    dataset = open_dataset(options.data, ['test'])
    bound = bound_socket(options.host, options.port)

    import waitress

    from sketch.evaluation.search_index import SearchIndex  # TensorFlow
    from sketch.page.answers import Answers
    from sketch.page.app import make_app

    logging.getLogger('waitress.queue').setLevel(logging.ERROR)
    with bound, SearchIndex(dataset, folder, Default.distance) as index:
        server = waitress.create_server(
            make_app(Answers(index), options.host),
            sockets=[bound],
            threads=THREADS,
            connection_limit=CONNECTIONS,
            ident=None,
        )
        name = f'[{options.host}]' if ':' in options.host else options.host
        address = f'http://{name}:{bound.getsockname()[1]}/'
        print(f'{index.checkpoint.title}\n{address} (Ctrl-C ends it)', flush=True)
        if not options.no_browser and has_screen():
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
        server.run()  # returns at Ctrl-C
    raise KeyboardInterrupt


if __name__ == '__main__':
    command_line.run(main)
