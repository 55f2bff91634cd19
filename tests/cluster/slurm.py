"""A real SLURM on one machine: two nodes, accounting, no systemd; everything under one folder and stopped by pid."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sbatch", "sacct")
NODES = ("node1", "node2")
ACCOUNT = "radiology"

# More processors than the machine has, so that a few jobs overlap. Memory is what a node hands out, and a step that
# takes more than it asked for is killed, as on a cluster that enforces it. A requeued job waits as long as a credential
# lives; the usual two minutes would be most of a test.
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=20
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=5,batch_sched_delay=1,requeue_delay=1
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=UsePss,OverMemoryKill
JobRequeue=1
KillWait=20
OverTimeLimit=0
SlurmdTimeout=15
MessageTimeout=30
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={database}
AccountingStoragePass={folder}/munge/socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=INFINITE State=UP
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 Sockets=1 CoresPerSocket=4"
    " ThreadsPerCore=1 RealMemory=30000 Gres=gpu:1 State=UNKNOWN"
)
DATABASE = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={database}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
"""


def missing():
    """Why there can be no cluster here; empty where there can."""
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return f"no {', '.join(absent)}: apt-get install slurm-wlm slurmdbd munge mariadb-server"
    return "" if os.geteuid() == 0 else "SLURM's daemons need root to start"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(true, what, seconds=60):
    """Wait for a condition; raises TimeoutError."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.2)


class Slurm:
    """The daemons. `environment` is what a user's shell needs to reach them."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.daemons = {}
        for name in ("munge", "controller", "database", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        # Clients ask munged for their credentials, so its socket's folders must be open to them.
        self.folder.chmod(0o755)
        (self.folder / "munge").chmod(0o755)
        host = socket.gethostname().split(".")[0]
        ports = {"controller": free_port(), "database": free_port()}
        nodes = "\n".join(NODE.format(name=name, host=host, port=free_port()) for name in NODES)
        self._write("slurm.conf", CONFIGURATION.format(folder=self.folder, host=host, nodes=nodes, **ports))
        self._write("slurmdbd.conf", DATABASE.format(folder=self.folder, **ports))
        # A count without a file is refused; any device will do, since nothing here computes on it.
        self._write("gres.conf", "Name=gpu File=/dev/zero\n")
        # The plugin's job steps drop SLURM_CONF before they call srun.
        (self.folder / "bin").mkdir()
        srun = f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"\n'
        self._write("bin/srun", srun)
        (self.folder / "bin/srun").chmod(0o755)
        self.environment = {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "MYSQL_UNIX_PORT": str(self.folder / "database/socket"),
        }

    def _write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600 if name == "slurmdbd.conf" else 0o644)

    def _spawn(self, name, *command):
        with (self.folder / f"{name}.out").open("a") as out:
            self.daemons[name] = subprocess.Popen(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                env=os.environ | self.environment, start_new_session=True,
            )  # fmt: skip

    def start(self):
        munge, database = self.folder / "munge", self.folder / "database"
        (munge / "key").write_bytes(os.urandom(128))
        (munge / "key").chmod(0o400)
        files = [f"--{name}-file={munge / name}" for name in ("key", "pid", "log", "seed")]
        self._spawn("munged", "munged", "--foreground", "--force", f"--socket={munge / 'socket'}", *files)
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={database}", "--user=root",
             "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, capture_output=True,
        )  # fmt: skip
        self._spawn(
            "mariadbd", "mariadbd", "--no-defaults", f"--datadir={database}", f"--socket={database / 'socket'}",
            "--user=root", "--skip-networking", "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900",
        )  # fmt: skip
        until(lambda: (munge / "socket").exists() and (database / "socket").exists(), "munged and mariadbd listen")
        self._spawn("slurmdbd", "slurmdbd", "-D")
        until(lambda: self._works("sacctmgr", "-n", "list", "cluster"), "slurmdbd answers")
        self.run("sacctmgr", "-i", "add", "cluster", "test")
        self.run("sacctmgr", "-i", "add", "account", ACCOUNT, "Cluster=test")
        self.run("sacctmgr", "-i", "add", "user", "root", f"Account={ACCOUNT}", "Cluster=test")
        self.start_controller()
        for node in NODES:
            self._spawn(node, "slurmd", "-D", "-N", node)
        until(lambda: self.states() == {node: "idle" for node in NODES}, "both nodes idle")
        return self

    def start_controller(self):
        self._spawn("slurmctld", "slurmctld", "-D", "-i")
        until(lambda: self._works("scontrol", "ping"), "slurmctld answers")

    def restart_controller(self):
        self._stop("slurmctld")
        self.start_controller()

    def stop(self):
        # Jobs outlive the daemons.
        if "slurmctld" in self.daemons and self._works("scancel", "--signal=KILL", "--full", "--user=root"):
            self._works("scancel", "--user=root")
            until(lambda: not self.run("squeue", "-h", "-t", "RUNNING,COMPLETING"), "the last jobs end")
        for name in reversed(list(self.daemons)):
            self._stop(name)

    def _stop(self, name):
        daemon = self.daemons.pop(name)
        daemon.terminate()
        try:
            daemon.wait(30)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def run(self, *command):
        done = subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}{self._logs()}")
        return done.stdout

    def _works(self, *command):
        done = subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True)
        return done.returncode == 0 and "DOWN" not in done.stdout

    def _logs(self):
        tails = {path.name: path.read_text(errors="replace")[-1500:] for path in sorted(self.folder.glob("*.log"))}
        return "".join(f"\n== {name}\n{tail}" for name, tail in tails.items())

    def states(self):
        """State of each node, as idle, mixed, allocated, down."""
        rows = self.run("sinfo", "-h", "-N", "-o", "%N %T").split("\n")
        return {name: state.rstrip("*") for name, state in (row.split() for row in rows if row)}

    def down(self, node):
        """What an administrator or a crash does to a node: its jobs end as NODE_FAIL."""
        self.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")

    def jobs(self):
        """Every run of every job from the accounting, oldest first: a requeued job has several.

        `comment` is what the submission said of the rule; of a job that never ended, SLURM 22.05 does not tell it.
        """
        columns = "JobIDRaw,Partition,Account,State,ExitCode,ReqMem,AllocTRES,NodeList,Submit,Start,End,WorkDir,Comment"
        text = self.run("sacct", "-X", "-D", "-n", "-P", "-S", "now-1days", f"--format={columns}")
        rows = (line.split("|", columns.count(",")) for line in text.splitlines())
        found = [dict(zip(columns.lower().split(","), row, strict=True)) for row in rows]
        for job in found:
            job["state"] = job["state"].split()[0]
            told = (other["comment"] for other in found if other["jobidraw"] == job["jobidraw"])
            job["comment"] = next(filter(None, told), "")
        return sorted(found, key=lambda job: (int(job["jobidraw"]), job["submit"]))

    def running(self, text):
        """Ids of running jobs whose comment holds `text`."""
        rows = self.run("squeue", "-h", "-t", "RUNNING", "-o", "%i|%k").splitlines()
        return [row.split("|")[0] for row in rows if text in row.split("|", 1)[1]]

    def node_of(self, job):
        return self.run("squeue", "-h", "-j", job, "-o", "%N").strip()

    def signal(self, job, name):
        self.run("scancel", f"--signal={name}", job)

    def requeue(self, job):
        self.run("scontrol", "requeue", job)
