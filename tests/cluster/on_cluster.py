"""A small study that runs on the cluster as a user would run it there."""

import hashlib
import os
import shutil

from project import BIN, Project

EXAMS = "E05 E07 E16 E18 E24 E34".split()
PROFILE = "workflow/profiles/slurm"
VARYING = ("logs", "benchmarks")


class OnCluster(Project):
    """A small study whose jobs go through the profile; `launcher` and `slurm` are the fixtures."""

    def __init__(self, folder, launcher, slurm):
        super().__init__(folder, EXAMS)
        # Long enough for a fault in its middle, short enough for many of them. The cluster's GPUs are none.
        self.configure(train={"steps": 300, "validate_every": 100, "device": "cpu"})
        self.launcher, self.slurm = launcher, slurm

    def submit(self, *arguments):
        """Start Snakemake with the profile. Only its waiting is shortened, and no environments are made."""
        command = [self.launcher, "-m", "snakemake", "--profile", PROFILE, "--sdm", "env-modules"]
        brisk = ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5"]
        path = f"{self.slurm.folder}/bin:{BIN}:{os.environ['PATH']}"
        self.environment = self.slurm.environment | {"PATH": path}
        return self.start(*map(str, [*command, *brisk, *arguments]))

    def on_cluster(self, *arguments):
        process = self.submit(*arguments)
        try:
            out, _ = process.communicate(timeout=1500)
        finally:
            if process.poll() is None:
                self.kill(process)
        return process.returncode, out

    def jobs(self, rule=""):
        """The accounting's runs of this study's jobs, or of one rule's."""
        own = [job for job in self.slurm.jobs() if job["workdir"] == str(self.folder)]
        return [job for job in own if rule in job["comment"]]

    def forget(self, *patterns):
        """Remove results, so that they are made again and not put back."""
        shutil.rmtree(self.folder / ".radparity/made", ignore_errors=True)
        for pattern in patterns:
            for path in (self.folder / "results").glob(pattern):
                if path.is_file():
                    path.unlink()

    def digests(self, folder=""):
        """Digest of every result but what varies from run to run."""
        results = self.folder / "results"
        files = (path for path in sorted((results / folder).rglob("*")) if path.is_file())
        kept = ((path.relative_to(results), path) for path in files)
        return {
            name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in kept
            if name.parts[0] not in VARYING
        }
