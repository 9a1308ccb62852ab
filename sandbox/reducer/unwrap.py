"""The stream's envelope: `version_info` uncompressed, then LZ4 frames, gives the plain bytes of the messages.

One frame that stays open for the connection and a series of complete frames are both taken. All that can be decoded is given at once,
in pieces of bounded size, whatever the block sizes: python-lz4 keeps decoded bytes back, up to a block, unless it is called with a
`max_length` (seen in 4.4.5), and may keep them when a piece is exactly that long, so it is asked until it gives less.
"""

from collections.abc import Iterator

from lz4.frame import LZ4FrameDecompressor

UNCOMPRESSED_BYTES = 24
"""`version_info` with its timestamp."""

PIECE_BYTES = 256 * 1024
"""Most that is decoded at a time: a few bytes of LZ4 can mean a lot of memory."""


class BadFrame(Exception):
    """The bytes are not, or not any longer, an LZ4 frame. Its text says where and why."""


class Unwrapper:
    """Unwraps one connection's stream."""

    def __init__(self) -> None:
        self.wire_bytes = 0
        self._lz4 = LZ4FrameDecompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Plain bytes, as `data` is read on; iterate to the end.

        Raises BadFrame. What the bad frame held in the same `data` may be lost with it.
        """
        uncompressed = max(0, UNCOMPRESSED_BYTES - self.wire_bytes)
        before = self.wire_bytes
        self.wire_bytes += len(data)
        if uncompressed:
            yield data[:uncompressed]
        try:
            yield from self._decompress(data[uncompressed:])
        except RuntimeError as error:
            raise BadFrame(f"not an LZ4 frame in bytes {before} to {self.wire_bytes} on the wire: {error}") from error

    def _decompress(self, data: bytes) -> Iterator[bytes]:
        while True:
            piece = self._lz4.decompress(data, max_length=PIECE_BYTES)
            if piece:
                yield piece
            if self._lz4.eof:
                data = self._lz4.unused_data or b""
                self._lz4 = LZ4FrameDecompressor()
            elif len(piece) < PIECE_BYTES:
                return
            else:
                data = b""
