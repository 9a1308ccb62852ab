"""The upstream's compression: one LZ4 frame that stays open for a connection's life.

Blocks are linked, so every flush is compressed against what went before it: pods of one rollout differ in little. Each call ends
with whole blocks, so everything handed over so far can be decoded (protocol.md, "Stream"). 64 KiB blocks and no content checksum
are what the reducer's own collectors send.
"""

from lz4 import frame

LEVEL = 3
"""What design.md's figures were measured at; higher levels cost more time than they save bytes on pods."""


class Compressor:
    """One connection's frame."""

    def __init__(self) -> None:
        self._frame = frame.LZ4FrameCompressor(
            block_size=frame.BLOCKSIZE_MAX64KB,
            block_linked=True,
            compression_level=LEVEL,
            content_checksum=False,
            auto_flush=True,
        )
        self._header: bytes = self._frame.begin()

    def compress(self, plain: bytes) -> bytes:
        """The blocks of `plain`, the first time behind the frame's header."""
        header, self._header = self._header, b""
        blocks: bytes = self._frame.compress(plain)
        return header + blocks

    def end(self) -> bytes:
        """The frame's end mark. Nothing may be compressed after it."""
        header, self._header = self._header, b""
        mark: bytes = self._frame.flush()
        return header + mark
