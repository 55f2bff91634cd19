import shutil

import pytest
from hypothesis import settings
from pages import CHROMIUM, chromium
from project import Project

# How long an example takes says how busy the machine is.
settings.register_profile("whenever", deadline=None)
settings.load_profile("whenever")


def pytest_addoption(parser):
    parser.addoption(
        "--finished", help="folder of a small study that is finished: the tests look at it, not at one of their own"
    )
    parser.addoption("--screenshots", default="build/screenshots", help="folder that screenshots of pages are kept in")


@pytest.fixture(scope="session")
def project_of():
    return Project


@pytest.fixture(scope="module")
def room(request, tmp_path_factory):
    """A folder that the tests of one file share. It goes with the last of them, unless one failed."""
    failed, folder = request.session.testsfailed, tmp_path_factory.mktemp("room")
    yield folder
    if request.session.testsfailed == failed:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def browser():
    """Chromium; where it is not installed, tests of pages skip and say so."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def screenshots(pytestconfig):
    """The folder that screenshots are kept in, to be looked at."""
    folder = pytestconfig.rootpath / pytestconfig.getoption("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
