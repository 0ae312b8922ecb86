"""The address that the page is served on, and the names under which browsers may ask for it."""

import ipaddress
import socket

from sketch.errors import InputError


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
    except (OSError, UnicodeError) as error:  # UnicodeError: a label of over 63 characters
        reason = getattr(error, 'strerror', None) or 'not the name of a computer'
        raise InputError(
            f'host {host}, port {port}: {reason}; give another port, or an address of this computer'
        ) from None
    return bound


def ip_address(bound):
    """Return the IP address of a bound socket."""
    return ipaddress.ip_address(bound.getsockname()[0].partition('%')[0])


def own_names(bound):
    """Return the names of this computer under which others reach a bound socket.

    There are none if it is bound to this computer alone. A page of another site must not reach it
    there by a name of its own (DNS rebinding), and in a local network anybody can claim a name.
    Elsewhere, who can claim one reaches the socket by its address anyway.
    """
    if ip_address(bound).is_loopback:
        return []
    name = socket.gethostname()
    return list(dict.fromkeys([name, name.partition('.')[0], name.partition('.')[0] + '.local']))


def is_known(given, names):
    """Return whether a Host header is an IP address, localhost, or one of some names.

    Args:
        given: the header, with or without a port.
        names: in upper or lower case.
    """
    name = given.partition(']')[0].lstrip('[') if given.startswith('[') else given.split(':')[0]
    if name.lower() in ('localhost', *map(str.lower, names)):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
