import pytest
from project import Project


@pytest.fixture(scope="session")
def project_of():
    return Project
