"""A disk whose power can be cut: ext4 in a file, mounted through a loop device."""

import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import time

import harness

EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
DISK_BYTES = 192 << 20


def shell(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


class Disk:
    """A folder on a file system of its own. Committed to its journal only when somebody syncs: what is not synced is lost. `like`: the
    image of another, which is not mounted."""

    def __init__(self, images, name, folder, like=None, size=DISK_BYTES):
        self.image, self.folder, self.mounted = os.path.join(images, name + ".ext4"), folder, False
        if like:
            shell("cp", "--sparse=always", like, self.image)
        else:
            with open(self.image, "wb") as f:
                f.truncate(size)
            shell("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", self.image)
        os.makedirs(folder, exist_ok=True)
        self.mount()

    def mount(self):
        shell("mount", "-o", "loop,commit=600", self.image, self.folder)
        self.mounted = True

    def cut(self):
        fd = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        until = time.monotonic() + 10
        while self.mounted:
            try:
                shell("umount", self.folder)
                self.mounted = False
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)


def possible():
    if os.geteuid() != 0:
        return "needs root, to mount"
    place = tempfile.mkdtemp(prefix="hearback-power-", dir=harness.memory_folder())
    try:
        disk = Disk(place, "probe", os.path.join(place, "probe"))
        disk.cut()
        disk.unmount()
    except OSError as failure:
        return f"needs loop devices and ext4 with its shutdown: {failure}"
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return None
