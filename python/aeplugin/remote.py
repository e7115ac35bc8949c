"""Files given by URL: http(s) through aiohttp, root:// through XRootD, and whatever else fsspec knows.

What Python reads is read in place, a few ranges at a time. What C++ reads is copied to a local file first
(`local_copy`), for as long as it is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from aeplugin.errors import Error, InputError, nearest

Progress = Callable[[float], None]

_COMMON = ("http", "https", "root", "s3", "gs", "davs")
_BLOCK = 1 << 19
_NO_PARTS = "the server does not serve parts of a file; download it and give the local copy"
_NO_PARTS_SIGN = "support range requests"
"""What fsspec says where a server ignores ranges."""
_XROOTD_LIMITS = {"XRD_CONNECTIONWINDOW": "15", "XRD_CONNECTIONRETRY": "2", "XRD_REQUESTTIMEOUT": "120"}
"""Seconds and tries: XRootD itself takes eight minutes to say that a host does not answer."""
_CONNECTION = ("ClientConnectorError", "ServerDisconnectedError", "ClientOSError")


def is_url(name: str | Path) -> bool:
    """Whether a file is given by its URL: "http://host/events.root", "root://host//events.root"."""
    return isinstance(name, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", name) is not None


def base_name(name: str | Path) -> str:
    """The last part of a path or URL: "events.root"."""
    if not is_url(name):
        return Path(name).name
    address = urlsplit(str(name))
    last = PurePosixPath(unquote(address.path)).name
    return address.hostname or "" if last in ("", "..") else last


def without_secrets(name: str) -> str:
    """A URL without user, password, query and fragment, which may be keys; other texts as they are."""
    if not is_url(name):
        return name
    address = urlsplit(name)
    return urlunsplit((address.scheme, address.netloc.rpartition("@")[2], address.path, "", ""))


def file_size(name: str | Path) -> int:
    """Bytes of a file, local or given by its URL.

    Raises:
        InputError: it cannot be reached, or the server does not tell its size.
    """
    if not is_url(name):
        return Path(name).stat().st_size
    size = _info(str(name))[2].get("size")
    if size is None:
        raise InputError(f"{name}: the server does not tell the size of the file; download it and give the local copy")
    return int(size)


def open_stream(url: str) -> Any:
    """A file that can be read from any place, of which only the parts that are read are fetched.

    They are fetched in steps of half a megabyte, since servers take as long for a request of ten bytes; some are kept.

    Raises:
        InputError: the URL cannot be reached, or the server does not serve parts of files.
    """
    system, path, info = _info(url)
    if info.get("size") is None:
        raise InputError(f"{url}: {_NO_PARTS}")
    with _failures(url):
        return system.open(path, "rb", block_size=_BLOCK, cache_type="blockcache", size=info["size"])


@contextmanager
def local_copy(name: str | Path, progress: Progress | None = None) -> Iterator[Path]:
    """The path of a local file with the content of `name`: of itself, or of a temporary copy where it is a URL.

    The copy is in $TMPDIR, has the name of the original, and is removed afterwards. Errors that are raised while it is
    in use speak of the URL.

    Args:
        progress: called with the fraction that is copied.

    Raises:
        InputError: the URL cannot be reached or is not copied whole, or there is no room for the copy.
    """
    if not is_url(name):
        yield Path(name)
        return
    url = str(name)
    with tempfile.TemporaryDirectory(prefix="aeplugin-") as folder:
        path = Path(folder) / base_name(url)
        _download(url, path, progress)
        try:
            yield path
        except Error as error:
            raise type(error)(str(error).replace(str(path), url)) from error


def is_network_error(error: BaseException) -> bool:
    """Whether reading a URL failed on the way to the file, and not because of what is in it."""
    return _ignores_ranges(error) or any(
        isinstance(cause, OSError | ImportError | TimeoutError) or type(cause).__module__.startswith("aiohttp")
        for cause in _chain(error)
        if "expected Chunk of length" not in str(cause)  # uproot: there is less than the file says
    )


def explain(url: str | Path, error: BaseException) -> InputError:
    """What fsspec and the libraries below it raise about a URL, in one line."""
    causes = list(_chain(error))
    scheme = urlsplit(str(url)).scheme
    missing = next((cause for cause in causes if isinstance(cause, ImportError)), None)
    status = next((getattr(cause, "status", None) for cause in causes if getattr(cause, "status", None)), None)
    unreachable = next((c for c in causes if {kind.__name__ for kind in type(c).__mro__} & set(_CONNECTION)), None)
    if missing is not None:
        return InputError(f"{url}: {scheme}:// needs an optional package: pip install 'aeplugin[remote]' ({missing})")
    if any(isinstance(cause, ValueError) and "Protocol not known" in str(cause) for cause in causes):
        return InputError(f"{url}: unknown protocol {scheme!r}{nearest(scheme, list(_COMMON))}")
    if status in (404, 410) or "[3011]" in str(error):  # XRootD's number for it
        return InputError(f"{url}: no such file on the server")
    if status is not None:
        return InputError(f"{url}: the server answers with HTTP status {status}; check the address and your rights")
    if unreachable is not None:
        return InputError(f"{url}: cannot reach the host ({_first_line(unreachable)})")
    if _ignores_ranges(error):
        return InputError(f"{url}: {_NO_PARTS}")
    if isinstance(error, FileNotFoundError):
        return InputError(f"{url}: no such file on the server")
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return InputError(f"{url}: the server does not answer in time; try again")
    return InputError(f"{url}: cannot be read ({type(error).__name__}: {_first_line(error)})")


def _download(url: str, path: Path, progress: Progress | None) -> None:
    system, source, info = _info(url)
    expected = info.get("size")
    free = shutil.disk_usage(path.parent).free
    if expected is not None and expected > free:
        raise InputError(
            f"{url}: the local copy takes {expected:,} bytes and {path.parent.parent} has {free:,}; "
            "set TMPDIR to a folder with more room"
        )
    with _failures(url):
        system.get_file(source, str(path), callback=_callback(progress))
    found = path.stat().st_size
    if expected is not None and found != expected:
        raise InputError(f"{url}: got {found:,} bytes, expected {expected:,}; try again")


def _info(url: str) -> tuple[Any, str, dict[str, Any]]:
    """The file system of a URL, its path in it, and what the server tells about the file."""
    import fsspec

    for limit, value in _XROOTD_LIMITS.items():
        os.environ.setdefault(limit, value)
    with _failures(url):
        system, path = fsspec.core.url_to_fs(url)
        return system, path, system.info(path)


def _callback(progress: Progress | None) -> Any:
    from fsspec.callbacks import Callback

    def report(size: int | None, value: int, **_: object) -> None:
        if progress is not None and size:
            progress(value / size)

    return Callback(hooks={"progress": report})


@contextmanager
def _failures(url: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise explain(url, error) from error


def _ignores_ranges(error: BaseException) -> bool:
    return any(_NO_PARTS_SIGN in str(cause) for cause in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was raised from."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
