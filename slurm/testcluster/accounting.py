"""Accounting for the test cluster: slurmdbd over a MariaDB of its own, and a limit of the jobs that a user may have.

It needs Debian's slurmdbd and mariadb-server, or the same programs from elsewhere.
"""

import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb", "slurmdbd", "sacctmgr")
ACCOUNT = "lab"

SLURM_CONF = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge.socket
AccountingStorageEnforce=associations,limits,qos
"""
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass={password}
StorageLoc=accounting
"""
DATABASE = """\
CREATE DATABASE accounting;
CREATE USER slurm@'127.0.0.1' IDENTIFIED BY '{password}';
CREATE USER slurm@'localhost' IDENTIFIED BY '{password}';
GRANT ALL ON accounting.* TO slurm@'127.0.0.1';
GRANT ALL ON accounting.* TO slurm@'localhost';
"""


@dataclass(frozen=True, kw_only=True)
class Accounting:
    """Accounting in the cluster's `folder`; both ports are free.

    environment: in which the cluster's clients and daemons run.
    """

    folder: Path
    port: int
    database_port: int
    environment: dict[str, str]

    def start(self, wait_until: Callable[[Callable[[], bool], str], None]) -> None:
        """Start the database and slurmdbd, which needs munge and the file slurm.conf; it writes its own."""
        home, password = self.folder / "database", secrets.token_hex(16)
        install = (
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={home}",
            "--auth-root-authentication-method=normal",
        )
        self._run(*install, "--user=root", "--skip-test-db")
        files = {"datadir": home, "socket": self._socket, "pid-file": self.folder / "mariadbd.pid"}
        with (self.folder / "mariadbd.log").open("ab") as log:
            subprocess.Popen(
                ["mariadbd", "--no-defaults", "--user=root", *(f"--{name}={path}" for name, path in files.items())]
                + ["--bind-address=127.0.0.1", f"--port={self.database_port}", "--innodb-buffer-pool-size=64M"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self._sql("SELECT 1;").returncode == 0, "the database to answer")
        self._sql(DATABASE.format(password=password)).check_returncode()
        conf = self.folder / "slurmdbd.conf"
        conf.touch(mode=0o600)  # slurmdbd wants it so: it holds the password
        conf.write_text(
            SLURMDBD_CONF.format(
                folder=self.folder, port=self.port, database_port=self.database_port, password=password
            )
        )
        self._run("slurmdbd")
        wait_until(lambda: self._manage("list", "cluster").returncode == 0, "slurmdbd to answer")

    def register(self, cluster: str, users: list[str], *, most_jobs: int) -> None:
        """Register a cluster, an account and its users, before the controller starts.

        most_jobs: what each of them may have in the queue, by a QOS; 0: no limit.
        """
        self._manage("add", "cluster", cluster).check_returncode()
        self._manage("add", "account", ACCOUNT, f"cluster={cluster}").check_returncode()
        for user in users:
            self._manage("add", "user", user, f"account={ACCOUNT}", f"defaultaccount={ACCOUNT}").check_returncode()
        if most_jobs:
            limit = f"MaxSubmitJobsPerUser={most_jobs}"
            self._manage("modify", "qos", "normal", "set", limit).check_returncode()

    @property
    def _socket(self) -> Path:
        return self.folder / "mariadb.sock"

    def _manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._done("sacctmgr", "--immediate", *words)

    def _sql(self, text: str) -> subprocess.CompletedProcess[str]:
        return self._done("mariadb", "--no-defaults", "--user=root", f"--socket={self._socket}", text=text)

    def _run(self, *words: str) -> None:
        self._done(*words).check_returncode()

    def _done(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        with (self.folder / "accounting.log").open("a") as log:
            return subprocess.run(
                words, env=self.environment, input=text, stdout=log, stderr=log, text=True, check=False
            )
