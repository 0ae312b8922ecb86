"""Serves an application until Ctrl-C, within limits of memory and connections."""

import logging
import signal
import threading

import waitress
from waitress import wasyncore

from sketch.page.queries import BYTES

THREADS = 4  # that answer requests
CONNECTIONS = 100  # that have sent no whole request
LIMITS = {
    'threads': THREADS,
    # Waitress refuses a larger body when it reads its length, and keeps others in memory.
    'max_request_body_size': BYTES + 1,
    'inbuf_overflow': 2 * BYTES,
    'max_request_header_size': 64 * 1024,
    'connection_limit': 2 * CONNECTIONS,
    # Seconds. A browser that is cut off after a pause connects anew.
    'channel_timeout': 20,
    'cleanup_interval': 5,
    'log_socket_errors': False,
    'ident': None,
}
WAKING = 1  # second: the loop looks at least this often whether it is to end


def serve(application, bound, started):
    """Answer requests until Ctrl-C; a second Ctrl-C has its usual effect.

    From another thread than the main one, which alone gets signals, it answers for ever.

    Args:
        application: of WSGI.
        bound: socket bound to the address to answer on.
        started: function that is called once requests are answered and Ctrl-C ends it.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, and all connections are closed.
    """
    logging.getLogger('waitress').setLevel(logging.ERROR)
    connections = {}
    server = waitress.create_server(application, connections, sockets=[bound], **LIMITS)
    interrupts = []

    def interrupt(number, _):
        interrupts.append(number)
        signal.signal(number, before)
        server.pull_trigger()  # wakes the loop

    # Python's own handler would raise, which has no effect in a finalizer. And a shell that starts
    # a program in the background lets it ignore Ctrl-C: Python then has no handler.
    has_signals = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, interrupt) if has_signals else None
    try:
        started()
        while not interrupts:
            wasyncore.loop(WAKING, map=connections, count=1)
            _make_room(server.active_channels.values())
    finally:
        if has_signals:
            signal.signal(signal.SIGINT, before)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(connections)
    raise KeyboardInterrupt


def _make_room(channels):
    """Close the oldest connection that waits for a request if there are too many.

    So clients that send nothing, or half a request, keep nobody out. A turn of the loop accepts one
    connection at most.
    """
    waiting = [
        channel for channel in channels if not channel.requests and not channel.total_outbufs_len
    ]
    if len(waiting) > CONNECTIONS:
        min(waiting, key=lambda channel: channel.creation_time).will_close = True
