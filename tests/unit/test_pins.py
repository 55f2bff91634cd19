"""The environment files: what their scripts need and nothing else, at the versions that the tests install."""

import pytest
import reach
import yaml
from needs import ROOT, environments, imported, needed, package_of, pins, rules
from reach import third_party


def test_every_rule_with_a_script_names_an_environment_and_every_environment_has_a_rule():
    assert [rule for rule, (_, named) in rules().items() if not named] == []
    assert set().union(*(named for _, named in rules().values())) == set(environments())
    scripts = {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")}
    assert {script for script, _ in rules().values()} == scripts


@pytest.mark.parametrize("name", sorted(environments()))
def test_an_environment_pins_what_its_scripts_need_and_no_more_at_the_tested_versions(name):
    path, tested = environments()[name], pins(ROOT / "requirements.txt")
    file = yaml.safe_load(path.read_text())
    python, pip, pinned = file["dependencies"]
    assert (file["name"], python, pip) == (f"radparity-{name}", "python=3.11", "pip")
    own, wanted = pins(path), needed(name)
    assert len(own) == len(pinned["pip"]), f"{path}: every line under pip is a pin, as numpy==2.3.5"
    lacking = {package: where for package, where in where_needed(name).items() if package not in own}
    advice = "`python tests/unit/needs.py` writes the pins anew"
    assert not wanted - set(own), f"envs/{name}.yaml lacks {sorted(wanted - set(own))} {lacking or ''}; {advice}"
    assert not set(own) - wanted, f"envs/{name}.yaml: no script needs {sorted(set(own) - wanted)}; {advice}"
    assert own == {package: tested[package] for package in own}


def where_needed(name):
    return {package_of(module): where for module, where in imported(name).items()}


def test_every_import_of_every_script_lies_in_one_of_its_environments():
    for rule, (script, named) in rules().items():
        there = set().union(*(pins(environments()[name]) for name in named))
        asked = {package_of(module): place for module, place in third_party(script).items()}
        lacking = {package: place for package, place in asked.items() if package and package not in there}
        assert not lacking, f"rule {rule}: its environment lacks {lacking}"


def test_an_import_inside_a_function_counts_where_it_is_reached_and_only_there(tmp_path, monkeypatch):
    # The registration's engines are imported inside its functions.
    monkeypatch.setattr(reach, "SCRIPTS", tmp_path)
    first = "from radparity.register import TARGET, register_exam\n"
    (tmp_path / "reads_a_constant.py").write_text(first + "print(TARGET)\n")
    (tmp_path / "registers.py").write_text(first + "def work():\n    register_exam()\nwork()\n")
    assert "ants" not in third_party("reads_a_constant") and "numpy" in third_party("reads_a_constant")
    assert third_party("registers")["ants"].startswith("radparity.register.ants.")
