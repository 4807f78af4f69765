"""What a program was built for, by its ELF header."""

# Lambda's names, and the numbers of the ELF specification (e_machine).
MACHINES = {0xB7: "arm64", 0x3E: "x86_64"}
HEADER = 20


def architecture(header):
    """Lambda's name for the processor that a program's first 20 bytes name, or None if it is no 64-bit Linux program."""
    little_endian_64_bit = header[:4] == b"\x7fELF" and header[4:6] == b"\x02\x01"
    return MACHINES.get(int.from_bytes(header[18:20], "little")) if little_endian_64_bit and len(header) >= HEADER else None
