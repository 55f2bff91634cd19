"""What the profile asks of the cluster, job by job, and what becomes of a job that gets too little."""

import yaml
from on_cluster import PROFILE

CHAIN = ("intake", "eligible", "convert", "register", "harmonize", "mask", "outline", "slab")


def rules(project):
    code, out = project.call("snakemake", "--list-rules")
    assert code == 0, out
    return {line.split()[0] for line in out.splitlines() if line.strip()}


def test_rules_that_the_profile_names_exist(local):
    profile = yaml.safe_load((local.folder / PROFILE / "profile.yaml").read_text())
    assert set(profile["set-resources"]) <= rules(local)


def test_five_lines_are_the_users(local):
    text = (local.folder / PROFILE / "profile.yaml").read_text()
    assert sum("# (yours)" in line for line in text.splitlines()) == 5


def test_jobs_land_in_their_partition_and_training_has_a_gpu(study, local):
    study.forget("slab/**/*", "train/**/*")
    code, out = study.on_cluster("train")
    assert code == 0, out[-5000:]
    jobs = study.jobs()
    assert {job["state"] for job in jobs} == {"COMPLETED"} and {job["account"] for job in jobs} == {"radiology"}
    training = study.jobs("train_fold")
    assert len(training) == 2 and len(jobs) > len(training)
    for job in jobs:
        gpu = job in training
        assert job["partition"] == ("gpu" if gpu else "cpu"), job
        assert ("gres/gpu=1" in job["alloctres"]) == gpu, job
    assert study.digests("train") == local.digests("train")
    assert study.digests("slab") == local.digests("slab")


def test_a_chain_in_a_group_is_one_job_with_its_largest_memory(study, local):
    study.forget(*(f"{stage}/**/*" for stage in CHAIN))
    targets = [path for path in local.digests("slab") if "/batch_" in path and path.endswith(".json")][:1]
    code, out = study.on_cluster(*(f"results/{path}" for path in targets))
    assert code == 0, out[-5000:]
    (job,) = study.jobs()
    assert job["comment"].startswith("rule_chain") and job["reqmem"] == "4000M" and "cpu=1," in job["alloctres"]
    for stage in CHAIN:
        assert study.digests(stage).items() <= local.digests(stage).items()
    assert set(targets) <= set(study.digests("slab"))


def test_a_job_out_of_memory_is_tried_again_with_more(study, local):
    study.forget("train/unet/1/*")
    # In the profile: given on the command line it would replace all that the profile says of resources.
    path = study.folder / PROFILE / "profile.yaml"
    profile = yaml.safe_load(path.read_text())
    profile["set-resources"]["train_fold"] |= {"mem_mb": "250 * 8 ** (attempt - 1)"}
    path.write_text(yaml.safe_dump(profile))
    code, out = study.on_cluster("results/train/unet/1/weights.pt")
    assert code == 0, out[-5000:]
    first, second = study.jobs("train_fold")
    assert (first["reqmem"], second["reqmem"]) == ("250M", "2000M")
    assert first["partition"] == second["partition"] == "gpu"
    assert first["state"] in ("FAILED", "OUT_OF_MEMORY") and second["state"] == "COMPLETED"
    (log,) = (study.folder / ".snakemake/slurm_logs").rglob(f"{first['jobidraw']}.log")
    assert "exceeded memory limit" in log.read_text()
    assert "Trying to restart" not in log.read_text(), "it was repeated where there is no more memory than before"
    assert study.digests("train") == local.digests("train")


def test_a_data_fault_is_not_tried_again(study):
    image = sorted((study.folder / "data/demo/dicom/E34").rglob("*.dcm"))[40]
    image.write_bytes(image.read_bytes()[:-2000])
    study.sweep()
    code, out = study.on_cluster("intake")
    assert code == 0, out[-5000:]
    (job,) = study.jobs()
    assert job["state"] == "COMPLETED"
    assert '"truncated_file"' in (study.folder / "results/intake/E34/intake.json").read_text()
