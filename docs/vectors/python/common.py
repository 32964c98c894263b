"""Verdicts, and the hashing of tuples."""
import hashlib, hmac


class Invalid(Exception):
    """What is judged is not valid."""


def require(condition, reason):
    if not condition:
        raise Invalid(reason)


# Every part of a tuple is preceded by its length, 4 bytes big-endian; the first part says what the hash is for.


def framed(domain, parts):
    return b"".join(u32(len(part)) + part for part in (domain.encode(), *parts))


def u32(number):
    return number.to_bytes(4, "big")


def sha256(domain, *parts):
    return hashlib.sha256(framed(domain, parts)).digest()


def sha512(domain, *parts):
    return hashlib.sha512(framed(domain, parts)).digest()


def hmac_sha512(key, domain, *parts):
    return hmac.new(key, framed(domain, parts), hashlib.sha512).digest()


def shake256(size, domain, *parts):
    return hashlib.shake_256(framed(domain, parts)).digest(size)
