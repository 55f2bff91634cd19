import pytest
from hypothesis import settings
from project import Project

# How long an example takes says how busy the machine is.
settings.register_profile("whenever", deadline=None)
settings.load_profile("whenever")


@pytest.fixture(scope="session")
def project_of():
    return Project
