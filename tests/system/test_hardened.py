#!/usr/bin/python3
"""The programs as they were built: position independent, relocations read-only once they run, no stack that is code, stacks and
the library's copying checked. Read from the files themselves (ELF, 64 bits)."""

import os
import struct
import sys

import harness

LOAD, DYNAMIC, STACK, RELRO = 1, 2, 0x6474E551, 0x6474E552
SYMTAB, STRTAB, SYMENT, STRSZ, FLAGS, FLAGS_1, NEEDED = 6, 5, 11, 10, 30, 0x6FFFFFFB, 1


class Elf:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        assert self.data[:5] == b"\x7fELF\x02", path
        self.kind, = struct.unpack_from("<H", self.data, 16)
        start, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.data, start + i * size) for i in range(count)]
        self.dynamic = {}
        for kind, _, offset, _, _, length, _, _ in self.segments:
            if kind == DYNAMIC:
                for tag, value in struct.iter_unpack("<QQ", self.data[offset:offset + length]):
                    self.dynamic.setdefault(tag, value)

    def at(self, address):
        for kind, _, offset, virtual, _, length, _, _ in self.segments:
            if kind == LOAD and virtual <= address < virtual + length:
                return offset + address - virtual
        raise AssertionError(hex(address))

    def names(self):
        """Of what it takes from libraries; the table of names lies behind that of symbols."""
        texts, symbols = self.at(self.dynamic[STRTAB]), self.at(self.dynamic[SYMTAB])
        count = (texts - symbols) // self.dynamic[SYMENT]
        ats = [struct.unpack_from("<I", self.data, symbols + i * self.dynamic[SYMENT])[0] for i in range(count)]
        return {self.data[texts + at:self.data.index(b"\0", texts + at)].decode() for at in ats if at < self.dynamic[STRSZ]}


def programs():
    found = sorted(name for name in os.listdir(harness.PROGRAMS)
                   if name == "hearback" or (name.startswith("hearback-") and os.path.isfile(os.path.join(harness.PROGRAMS, name))))
    assert len(found) >= 11, found
    return {name: Elf(os.path.join(harness.PROGRAMS, name)) for name in found}


def every_program_is_hardened():
    for name, elf in programs().items():
        names = elf.names()
        assert elf.kind == 3 and elf.dynamic.get(FLAGS_1, 0) & 0x08000000, (name, "not position independent")
        assert elf.dynamic.get(FLAGS, 0) & 8 or elf.dynamic.get(FLAGS_1, 0) & 1, (name, "not bound at its start")
        kinds = {kind: flags for kind, flags, *_ in elf.segments}
        assert RELRO in kinds, (name, "relocations stay writable")
        assert STACK in kinds and not kinds[STACK] & 1, (name, "the stack is code")
        assert not [flags for kind, flags, *_ in elf.segments if kind == LOAD and flags & 3 == 3], (name, "writable code")
        assert "__stack_chk_fail" in names, (name, "stacks are not checked")
        assert [one for one in names if one.startswith("__") and one.endswith("_chk")], (name, "copying is not checked")


if __name__ == "__main__":
    harness.needs_a_build_without_sanitizers("the release build is what is looked at")
    sys.exit(harness.main([every_program_is_hardened]))
