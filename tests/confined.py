"""Runs a command under what a systemd unit says, as far as a machine without systemd can; an unknown line is an error.

    python tests/confined.py [--root STATE] [--see PATH]… UNIT COMMAND…

Without `--root` what needs no rights: the system call filter and what goes with it, and the limits. With it, as root, also the
mounts, devices, users, capabilities and the memory limit: all is read-only but STATE, and of what is hidden or made empty
(`/home`, `/root`, `/tmp`, `/dev`) only each PATH is left to see. What the filter refuses ends the process by SIGSYS.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import errno
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

USER = 61_184
"""The first of the users that systemd makes up for `DynamicUser`."""
KILL, ALLOW, REFUSE = 0x8000_0000, 0x7FFF_0000, 0x0005_0000
NOT_EQUAL, GREATER, EQUAL, MASKED = 1, 6, 4, 7  # libseccomp's comparisons
NAMESPACES = (0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000)
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
MOUNTS, IPC, HOST, USERS = 0x0002_0000, 0x0800_0000, 0x0400_0000, 0x1000_0000
READ_ONLY, NO_SUID, NO_DEV, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18

HERE = {
    "SystemCallFilter", "SystemCallArchitectures", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictSUIDSGID",
    "LockPersonality", "MemoryDenyWriteExecute", "NoNewPrivileges", "UMask", "TasksMax",
}  # fmt: skip
"""What is applied without rights."""
ROOT = {
    "DynamicUser", "StateDirectory", "StateDirectoryMode", "CapabilityBoundingSet", "AmbientCapabilities", "ProtectSystem",
    "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateUsers", "PrivateIPC", "ProtectProc", "ProcSubset", "MemoryMax",
}  # fmt: skip
"""What is applied by root."""
ELSEWHERE = {
    # The filter refuses their calls.
    "RestrictRealtime", "ProtectClock", "ProtectHostname", "ProtectKernelModules", "ProtectKernelLogs",
    "ProtectKernelTunables", "ProtectControlGroups",  # all is read-only
    "RemoveIPC", "Type", "NotifyAccess", "WatchdogSec", "Restart", "RestartSec", "TimeoutStopSec",  # the manager's own part
    "Environment", "EnvironmentFile", "ExecStart", "ExecReload",  # the caller's
}  # fmt: skip

libc = ctypes.CDLL(None, use_errno=True)


def settings(unit: Path) -> dict[str, list[str]]:
    """The lines of `[Service]`; raises ValueError for one that is in none of the tables above."""
    section = unit.read_text("utf-8").partition("[Service]\n")[2].partition("\n[")[0]
    found: dict[str, list[str]] = {}
    for line in section.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    unknown = found.keys() - HERE - ROOT - ELSEWHERE
    if unknown:
        raise ValueError(f"{unit}: what does {', '.join(sorted(unknown))} ask for?")
    return found


def bytes_of(text: str) -> int:
    return int(text.removesuffix("M")) * 2**20


# --- the system call filter ------------------------------------------------------------------


def allowed(lines: Sequence[str]) -> set[str]:
    """The calls that `SystemCallFilter=` leaves, `@default` among them as always."""
    told = subprocess.run(["systemd-analyze", "syscall-filter"], check=True, capture_output=True, text=True).stdout
    sets: dict[str, list[str]] = {}
    name = ""
    for line in told.splitlines():
        if line.startswith("@"):
            name = line.strip()
        elif line.startswith("    ") and not line.strip().startswith("#"):
            sets.setdefault(name, []).append(line.strip())

    def within(word: str) -> set[str]:
        return set().union(*map(within, sets[word])) if word.startswith("@") else {word}

    found = within("@default")
    for line in lines:
        asked = set().union(*map(within, line.lstrip("~").split()))
        found = found - asked if line.startswith("~") else found | asked
    return found


class Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class Filter:
    """One filter of libseccomp; several that are loaded are all asked."""

    def __init__(self, otherwise: int) -> None:
        name = ctypes.util.find_library("seccomp")
        if name is None:
            raise OSError(errno.ENOSYS, "libseccomp is not installed")
        self._lib = ctypes.CDLL(name)
        self._lib.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._lib.seccomp_init(ctypes.c_uint32(otherwise)))

    def rule(self, action: int, call: str, *when: tuple[int, int, int, int]) -> None:
        number = self._lib.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return  # of another architecture, or newer than this library
        compared = (Comparison * len(when))(*(Comparison(*one) for one in when))
        done = self._lib.seccomp_rule_add_array(self._context, ctypes.c_uint32(action), number, len(when), compared)
        if done < 0 and -done != errno.EDOM:
            raise OSError(-done, f"seccomp: {call}")

    def load(self) -> None:
        done = self._lib.seccomp_load(self._context)
        if done < 0:
            raise OSError(-done, "seccomp_load")


def refusals(asked: dict[str, list[str]]) -> Filter:
    """What systemd answers with an error, not with death."""
    found = Filter(ALLOW)
    no = REFUSE | errno.EPERM
    for call in ("mmap", "mprotect", "pkey_mprotect"):  # MemoryDenyWriteExecute: W and X at once, or X later
        mask = 6 if call == "mmap" else 4
        found.rule(no, call, (2, MASKED, mask, mask))
    found.rule(no, "shmat", (2, MASKED, 0o100000, 0o100000))
    families = sorted(FAMILIES[name] for name in asked["RestrictAddressFamilies"][0].split())
    for family in set(range(families[-1])) - set(families):
        found.rule(REFUSE | errno.EAFNOSUPPORT, "socket", (0, EQUAL, family, 0))
    found.rule(REFUSE | errno.EAFNOSUPPORT, "socket", (0, GREATER, families[-1], 0))
    if "RestrictNamespaces" in asked:
        for flag in NAMESPACES:
            found.rule(no, "unshare", (0, MASKED, flag, flag))
            found.rule(no, "clone", (0, MASKED, flag, flag))
        found.rule(no, "setns")
        found.rule(REFUSE | errno.ENOSYS, "clone3")
    for call, place in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1), ("mkdirat", 2), ("open", 2), ("openat", 3)):
        for bit in (stat.S_ISUID, stat.S_ISGID):
            found.rule(no, call, (place, MASKED, bit, bit))
    found.rule(REFUSE | errno.ENOSYS, "openat2")
    found.rule(no, "personality", (0, NOT_EQUAL, 0, 0))
    return found


def filters(asked: dict[str, list[str]]) -> list[Filter]:
    """In the order in which they are to be loaded: the last one takes the right to load more away."""
    known = Filter(KILL)
    for name in sorted(allowed(asked["SystemCallFilter"])):
        known.rule(ALLOW, name)
    return [refusals(asked), known]


# --- what only root may do -------------------------------------------------------------------


def called(result: int, what: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(what: str, where: str | Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    libc.mount.argtypes = (*[ctypes.c_char_p] * 3, ctypes.c_ulong, ctypes.c_char_p)
    called(libc.mount(what.encode(), str(where).encode(), kind.encode(), flags, options.encode()), f"mount {where}")


def mounted() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        yield line.split()[4].replace("\\040", " ")


def shut_in(state: Path, seen: Sequence[Path]) -> None:
    """A file system of its own. What is to be seen is held open while what lies above it is hidden."""
    called(libc.unshare(MOUNTS | IPC | HOST), "unshare")
    mount("none", "/", flags=RECURSIVE | PRIVATE)
    kept = {path: os.open(path, os.O_PATH) for path in (*seen, state)}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in ("null", "zero", "full", "random", "urandom")}
    for hidden in ("/home", "/root", "/tmp", "/var/tmp", "/dev"):
        mount("tmpfs", hidden, "tmpfs", NO_SUID | (0 if hidden == "/dev" else NO_DEV), "mode=0755")
    for name, opened in devices.items():
        Path("/dev", name).touch()
        mount(f"/proc/self/fd/{opened}", f"/dev/{name}", flags=BIND)
    for path, opened in kept.items():
        if not path.is_dir():
            path.mkdir(parents=True)
        mount(f"/proc/self/fd/{opened}", path, flags=BIND)
    mount("proc", "/proc", "proc", NO_SUID | NO_DEV, "hidepid=invisible,subset=pid")
    for where in set(mounted()) - {"/proc"}:  # a submount that cannot be changed is not ours to write either
        libc.mount(b"none", where.encode(), b"", REMOUNT | BIND | READ_ONLY | NO_SUID, b"")
    for writable in (state, "/tmp", "/var/tmp"):
        mount("none", writable, flags=REMOUNT | BIND | NO_SUID)
    for open_to_all in ("/tmp", "/var/tmp"):
        Path(open_to_all).chmod(0o1777)
    os.chown(state, USER, USER)
    state.chmod(0o700)


def own_namespace() -> None:
    """A user namespace in which this user is `USER`, who keeps his files and has no rights over others'."""
    maps = {"setgroups": "deny", "uid_map": f"{USER} {os.geteuid()} 1", "gid_map": f"{USER} {os.getegid()} 1"}
    called(libc.unshare(USERS), "unshare")
    for name, text in maps.items():
        Path("/proc/self", name).write_text(text, "ascii")


def nobody_much() -> None:
    """A user of its own in a user namespace of its own, without a single capability."""
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    called(libc.prctl(4, 1, 0, 0, 0), "PR_SET_DUMPABLE")  # else /proc/self is root's
    own_namespace()
    for capability in range(64):
        if libc.prctl(24, capability, 0, 0, 0) < 0:  # PR_CAPBSET_DROP, until there are no more
            break


def limited(most: int) -> None:
    """Into a control group with `most` bytes, where one can be made (version 1 or 2); the caller removes it."""
    for base, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        if Path(base, "cgroup.procs").exists():
            group = Path(base, f"syncd-{os.getpid()}")
            try:
                group.mkdir()
                Path(group, limit).write_text(str(most), "ascii")
                Path(group, "cgroup.procs").write_text(str(os.getpid()), "ascii")
            except OSError as error:
                print(f"no memory limit: {error}", file=sys.stderr)
            return


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--root", type=Path)
    words.add_argument("--see", type=Path, action="append", default=[])
    words.add_argument("unit", type=Path)
    words.add_argument("command", nargs=argparse.REMAINDER)
    told = words.parse_args()
    asked = settings(told.unit)
    ready = filters(asked)
    if told.root is not None:
        limited(bytes_of(asked["MemoryMax"][0]))
        shut_in(told.root, told.see)
        # Threads are counted for each user: for one that runs nothing else it is what TasksMax counts.
        tasks = int(asked["TasksMax"][0])
        resource.setrlimit(resource.RLIMIT_NPROC, (tasks, tasks))
        nobody_much()
    elif os.geteuid() == 0:
        own_namespace()  # what SQLite does as root only is not what a person's own unit is asked for
    os.umask(int(asked["UMask"][0], 8))
    called(libc.prctl(38, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    libc.prctl(65, 1, 0, 0, 0)  # PR_SET_MDWE, from Linux 6.3 on; the filter says the same
    for one in ready:
        one.load()
    os.execv(told.command[0], told.command)  # noqa: S606 - what comes after is the command


if __name__ == "__main__":
    main()
