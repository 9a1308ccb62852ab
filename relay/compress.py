"""The upstream's compression: one LZ4 frame that stays open for a connection's life.

Blocks are linked, so every flush is compressed against what went before it: pods of one rollout differ in little. Each call ends
with whole blocks, so everything handed over so far can be decoded (protocol.md, "Stream"). 64 KiB blocks and no content checksum
are what the reducer's own collectors send.

What is handed over goes through the compressor's own buffer, where 64 KiB of what went before stand in a row in front of it. Blocks
that are compressed where they lie (LZ4F_preferences_t.autoFlush) see no further back than to the beginning of the one before: a
flush of one pod took 244 bytes instead of 213, one of 16 pods 208 instead of 188 for each (measured).
"""

from lz4 import frame

LEVEL = 3
"""What design.md's figures were measured at; higher levels cost more time than they save bytes on pods."""

PIECE_BYTES = 32 * 1024
"""Handed over at a time: of less than a block, none is compressed where it lies."""


class Compressor:
    """One connection's frame."""

    def __init__(self) -> None:
        self._context = frame.create_compression_context()
        self._header: bytes = frame.compress_begin(
            self._context,
            block_size=frame.BLOCKSIZE_MAX64KB,
            block_linked=True,
            compression_level=LEVEL,
            content_checksum=False,
            auto_flush=False,
        )

    def compress(self, plain: bytes) -> bytes:
        """The blocks of `plain`, the first time behind the frame's header."""
        out = [self._taken_header()]
        for at in range(0, len(plain), PIECE_BYTES):
            out.append(frame.compress_chunk(self._context, plain[at : at + PIECE_BYTES]))
        out.append(frame.compress_flush(self._context, end_frame=False))
        return b"".join(out)

    def end(self) -> bytes:
        """The frame's end mark. Nothing may be compressed after it."""
        mark: bytes = frame.compress_flush(self._context, end_frame=True)
        return self._taken_header() + mark

    def _taken_header(self) -> bytes:
        header, self._header = self._header, b""
        return header
