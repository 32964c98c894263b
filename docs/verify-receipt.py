#!/usr/bin/env python3
"""Checks an abcast receipt with nothing but Python's standard library (docs/receipt.md).

    python3 verify-receipt.py DOCUMENT RECEIPT RECEIPT_KEY.pem [CLUSTER]

CLUSTER, 64 hexadecimal digits, is the cluster that you expect; without it the key alone says whose receipt it is.
Exit code 0: valid. 1: not valid, with the reason. 2: wrong arguments, or a file or key that cannot be used.
"""
import base64, hashlib, json, re, sys

SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, section 9.2, note 1
RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")  # AlgorithmIdentifier (RFC 3279, section 2.3.1)


class Invalid(Exception):
    pass


def check(condition, reason):
    if not condition:
        raise Invalid(reason)


def der(data, tag):
    """The content of the DER element with this tag at the start of `data`, and what follows it."""
    length, start = data[1], 2
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(data[2:start], "big")
    if data[0] != tag or length > len(data) - start:
        raise ValueError("not an RSA public key")
    return data[start : start + length], data[start + length :]


def read_key(pem):
    """(n, e) of a PEM SubjectPublicKeyInfo."""
    body = re.fullmatch(r"\s*-----BEGIN PUBLIC KEY-----(.+)-----END PUBLIC KEY-----\s*", pem, re.DOTALL)
    if body is None:
        raise ValueError("not a PEM public key")
    info, rest = der(base64.b64decode("".join(body[1].split()), validate=True), 0x30)
    if rest or not info.startswith(RSA_ENCRYPTION):
        raise ValueError("not an RSA public key")
    bits, rest = der(info[len(RSA_ENCRYPTION) :], 0x03)
    key, more = der(bits[1:], 0x30)
    n, after_n = der(key, 0x02)
    e, end = der(after_n, 0x02)
    if rest or more or end or bits[0] != 0:
        raise ValueError("not an RSA public key")
    return int.from_bytes(n, "big"), int.from_bytes(e, "big")


def fields(pairs):
    """A JSON object that names no field twice: two readers of such a file might see two different receipts."""
    found = dict(pairs)
    check(len(found) == len(pairs), "a field appears twice")
    return found


def decode64(text):
    check(isinstance(text, str), "a field is not text")
    data = base64.b64decode(text, validate=True)
    check(base64.b64encode(data).decode() == text, "base64 is not in its one canonical form")
    return data


def whole(number):
    check(type(number) is int and 0 <= number < 2**53, "not a whole number within 0..2^53-1")


def root_of(leaf, index, size, proof):
    """The root of the tree of `size` leaves to which the proof leads from the leaf at `index` (RFC 9162, section 2.1.3.2)."""
    node = lambda left, right: hashlib.sha256(b"\x01" + left + right).digest()
    computed, last = hashlib.sha256(b"\x00" + leaf).digest(), size - 1
    check(index <= last, "the document is not in the log")
    for sibling in proof:
        check(last > 0 and len(sibling) == 32, "the proof has another form")
        if index % 2 == 1 or index == last:
            computed = node(sibling, computed)
            while index % 2 == 0 and index > 0:
                index, last = index // 2, last // 2
        else:
            computed = node(computed, sibling)
        index, last = index // 2, last // 2
    check(last == 0, "the proof has another form")
    return computed


def head(r, own):
    """What is signed for all documents of a round: the head of the log in which `own`, the document's statement, is."""
    log = r["log"]
    check(isinstance(log, dict) and sorted(log) == ["documents", "index", "proof"], "not the fields of a log")
    check(isinstance(log["proof"], list), "the proof is not a list")
    for number in (log["index"], log["documents"]):
        whole(number)
    root = root_of(own, log["index"], log["documents"], [decode64(h) for h in log["proof"]])
    time = "none" if r["time"] is None else r["time"]
    return (
        f"abcast-log/1\ncluster: {r['cluster']}\nround: {r['round']}\ntime: {time}\n"
        f"documents: {log['documents']}\nroot: {root.hex()}\n"
    ).encode("ascii")


def verify(document, receipt, key, cluster):
    r = json.loads(receipt.decode("utf-8"), object_pairs_hook=fields)
    check(isinstance(r, dict), "not a receipt")
    logged = r.get("format") == "abcast-receipt/2"
    dated = "time" in r and not (logged and r["time"] is None)
    names = ["client", "cluster", "digest", "format", "round", "sequence", "signature", "statement"]
    more = ["log", "time"] if logged else ["time"] if dated else []
    check(sorted(r) == sorted(names + more), "not the fields of a receipt")
    check(isinstance(r["digest"], dict) and sorted(r["digest"]) == ["algorithm", "value"], "not the fields of a digest")
    check((logged or r["format"] == "abcast-receipt/1") and r["digest"]["algorithm"] == "sha256", "not a format known here")
    for text in (r["cluster"], r["digest"]["value"], r["client"]):
        check(isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text), "not 64 lower-case hexadecimal digits")
    for number in (r["sequence"], r["round"], *([r["time"]] if dated else [])):
        whole(number)

    # The statement has one form: build it from the readable fields, and compare. Where rounds have no time, it has no such line.
    time = f"time: {r['time']}\n" if dated else ""
    statement = (
        f"abcast-receipt/1\ncluster: {r['cluster']}\nsequence: {r['sequence']}\nround: {r['round']}\n{time}"
        f"digest: sha256:{r['digest']['value']}\nclient: {r['client']}\n"
    ).encode("ascii")
    if logged:
        statement = head(r, statement)
    check(decode64(r["statement"]) == statement, "the readable fields are not what the statement says")
    check(hashlib.sha256(document).hexdigest() == r["digest"]["value"], "the receipt is for another document")
    check(cluster is None or r["cluster"] == cluster, "the receipt is from another cluster")

    # RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.2): encode and compare, never parse the padding.
    n, e = key
    size = (n.bit_length() + 7) // 8
    tail = b"\x00" + SHA256_PREFIX + hashlib.sha256(statement).digest()
    expected = b"\x00\x01" + b"\xff" * (size - 2 - len(tail)) + tail
    signature = decode64(r["signature"])
    number = int.from_bytes(signature, "big")
    check(len(signature) == size and number < n, "the signature does not fit the key")
    check(pow(number, e, n).to_bytes(size, "big") == expected, "the signature is not the cluster's")
    return r


def main(arguments):
    if len(arguments) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        document, receipt, pem = (open(path, "rb").read() for path in arguments[:3])
        key = read_key(pem.decode("ascii"))
    except (OSError, ValueError, IndexError) as error:
        print(f"cannot check: {error}", file=sys.stderr)
        return 2
    try:
        r = verify(document, receipt, key, arguments[3] if len(arguments) == 4 else None)
    except (Invalid, ValueError, RecursionError) as error:
        print(f"invalid: {error}")
        return 1
    time = "" if r.get("time") is None else f", at {r['time']} ms since 1970"
    print(f"valid: number {r['sequence']} of cluster {r['cluster']}{time}, for client {r['client']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
