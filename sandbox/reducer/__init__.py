"""The reference reducer: decodes the upstream strictly by docs/protocol.md, keeps what a reducer keeps, and checks what podwire promises.

It shares no code with the relay, which it is the check on. From the bytes up: `unwrap` (LZ4), `layout` (the table of protocol.md),
`decode` (messages in their order), `state` (what one connection has told), `invariants` (what must hold), `ledger` (all connections and
what was found); these are pure. `serve` and `admin` are the sockets.
"""
