"""ChaCha20-Poly1305 (RFC 8439) without additional data."""


def quarter_round(state, a, b, c, d):
    """Section 2.1."""
    for x, y, z, shift in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[x] = (state[x] + state[y]) & 0xFFFFFFFF
        mixed = state[z] ^ state[x]
        state[z] = (mixed << shift | mixed >> (32 - shift)) & 0xFFFFFFFF


def block(key, counter, nonce):
    """Section 2.3: 64 bytes of the key stream."""
    initial = words(b"expand 32-byte k" + key + counter.to_bytes(4, "little") + nonce)
    state = initial[:]
    for _ in range(10):
        for i in range(4):
            quarter_round(state, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter_round(state, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return b"".join(((a + b) & 0xFFFFFFFF).to_bytes(4, "little") for a, b in zip(state, initial))


def words(data):
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def encrypt(key, nonce, data):
    """Section 2.4, from block 1 on; decrypts as well."""
    stream = b"".join(block(key, 1 + i, nonce) for i in range((len(data) + 63) // 64))
    return bytes(a ^ b for a, b in zip(data, stream))


def poly1305(key, data):
    """Section 2.5."""
    r, s = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF, int.from_bytes(key[16:], "little")
    total = 0
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i : i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + s) % 2**128).to_bytes(16, "little")


def tag_of(key, nonce, encrypted):
    """Section 2.8."""
    padded = encrypted + bytes(-len(encrypted) % 16)
    lengths = (0).to_bytes(8, "little") + len(encrypted).to_bytes(8, "little")
    return poly1305(block(key, 0, nonce)[:32], padded + lengths)


def seal(key, nonce, plaintext):
    encrypted = encrypt(key, nonce, plaintext)
    return encrypted + tag_of(key, nonce, encrypted)


def unseal(key, nonce, sealed):
    """The plaintext, or None when the tag is wrong."""
    encrypted, tag = sealed[:-16], sealed[-16:]
    return encrypt(key, nonce, encrypted) if tag == tag_of(key, nonce, encrypted) else None
