"""Debian's Chromium, driven by selenium: headless, with an empty profile, asking nobody but the hub."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = (
    "--headless",
    "--no-sandbox",  # tests run as root in CI's container
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
WITHOUT_SCRIPTS = {"profile.managed_default_content_settings.javascript": 2}


@contextmanager
def chromium(*, scripts: bool = True) -> Iterator[webdriver.Chrome]:
    """Yield a browser whose console can be read (`get_log("browser")`)."""
    options: Any = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not scripts:
        options.add_experimental_option("prefs", WITHOUT_SCRIPTS)
    with tempfile.TemporaryDirectory(prefix="actl-chromium-") as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            browser.set_page_load_timeout(30)
            yield browser
        finally:
            browser.quit()
