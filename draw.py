"""Opens a page on which one draws, and that finds the most similar drawings of the data set.

    python draw.py --data . --checkpoint checkpoints_n1_10e

At each stroke the page shows the network's classes with their probabilities, and the test images
whose feature vectors are nearest (paper, section 2). A click on one of them makes it the query. The
page loads nothing from the internet. It answers on this computer only, unless --host says
otherwise; anybody who can reach that address can use it. It refuses requests under names that are
not this computer's: --name adds the name of a proxy, such as a JupyterHub's. Ctrl-C ends it.
"""

import os
import sys
import threading
import webbrowser

from sketch import command_line
from sketch.data.dataset import open_dataset
from sketch.page import hosts
from sketch.runs import folders
from sketch.runs.settings import Default


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
        '--name',
        nargs='+',
        default=[],
        metavar='NAME',
        help='more names under which browsers may ask for the page, such as that of a proxy',
    )
    server.add_argument(
        '--port',
        type=command_line.port,
        default=8000,
        help='port to answer on; 0 takes a free one',
    )
    server.add_argument('--no-browser', action='store_true', help='do not open a browser')
    return arguments.parse_args(argv)


def has_screen():
    """Return whether a browser has a screen to open on; a text browser would take the terminal."""
    return sys.platform == 'darwin' or bool({'DISPLAY', 'WAYLAND_DISPLAY'} & set(os.environ))


def main(argv=None):
    """Parse the command line and serve the page until Ctrl-C."""
    options = parse_arguments(argv)
    folder = folders.one(options.checkpoint, options.unfinished)
    dataset = open_dataset(options.data, ['test'])
    bound = hosts.bound_socket(options.host, options.port)

    from sketch.evaluation.search_index import SearchIndex  # TensorFlow
    from sketch.page.answers import Answers
    from sketch.page.app import make_app
    from sketch.page.server import serve

    # All addresses have none in common but localhost.
    host = 'localhost' if hosts.ip_address(bound).is_unspecified else options.host
    port = bound.getsockname()[1]
    address = f'http://[{host}]:{port}/' if ':' in host else f'http://{host}:{port}/'
    own_names = hosts.own_names(bound)

    def started():
        print(f'{index.checkpoint.title}\n{address} (Ctrl-C ends it)', flush=True)
        if host != options.host:
            print(f'from elsewhere: http://{own_names[0]}:{port}/, or its IP address', flush=True)
        if index.lacks_classes:
            print(f'{folder}: no order by predicted class: {index.lacks_classes}', flush=True)
        if not options.no_browser and has_screen():
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()

    with bound, SearchIndex(dataset, folder, Default.distance) as index:
        app = make_app(Answers(index), [options.host, *own_names, *options.name])
        serve(app, bound, started)


if __name__ == '__main__':
    command_line.run(main)
