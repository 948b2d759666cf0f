"""The Docker SDK's low-level client: opened at first use, its errors told apart by who must act."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import docker
import docker.errors
import requests
import urllib3.exceptions

from agentctl.errors import EngineRefused, EngineUnavailable

ANSWER_S_MAX = 60.0  # a create on a busy disk takes ten; a hung engine must not hold the pass


class Gone(Exception):
    """The engine has no such container, volume or image."""


class Api:
    """A client for one engine, by explicit URL: contexts and environment variables don't count."""

    def __init__(self, url: str, *, shown: str = "") -> None:
        """`shown` is what errors call it, where that isn't the URL that it is reached by."""
        self.url = url
        self.shown = shown or url
        self._client: Any = None
        self._opening = threading.Lock()

    @contextlib.contextmanager
    def asking(self, what: str) -> Iterator[Any]:
        """Give the client. `what` begins the message of an error: "cannot create acme-dev-1".

        Raises Gone for a 404, EngineRefused for what the engine won't do, EngineUnavailable else.
        """
        try:
            yield self._open()
        except docker.errors.NotFound as cause:
            raise Gone(f"{what}: {cause.explanation}") from cause
        except docker.errors.APIError as cause:
            raise self._told(what, cause) from cause
        except docker.errors.DockerException as cause:
            raise EngineUnavailable(f"{what}: the engine at {self.shown}: {cause}") from cause
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as cause:
            raise EngineUnavailable(
                f"{what}: the engine at {self.shown} doesn't answer: {type(cause).__name__}"
            ) from cause

    def _open(self) -> Any:
        with self._opening:
            if self._client is None:
                self._client = docker.APIClient(
                    base_url=self.url, version="auto", timeout=ANSWER_S_MAX
                )
            return self._client

    def _told(self, what: str, cause: docker.errors.APIError) -> EngineRefused | EngineUnavailable:
        text = f"{what}: {cause.explanation or cause}"
        if cause.is_client_error():
            return EngineRefused(text)
        return EngineUnavailable(text)
