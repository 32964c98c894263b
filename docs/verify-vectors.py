#!/usr/bin/env python3
"""Recomputes abcast's test vectors with nothing but Python's standard library, 3.9 or newer (docs/vectors.md).

    python3 verify-vectors.py [--json] [--only TEXT] [FILE ...]

Without files: all of the directory `vectors` beside this script. `--only`: the keys and cases with TEXT in their name.

From the secrets in a file it makes shares, proofs, ciphertexts, coins and signatures again and compares every value; and it
judges the bad keys, shares and ciphertexts. The schemes are in `vectors/python`, which shares no code with abcast. They are
to be read, not used: they are slow, and hide no secret from who measures time.

Exit code 0: all as in the files. 1: something differs. 2: wrong arguments, or a file that cannot be used.
"""
import argparse, json, pathlib, sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE / "vectors" / "python"))

import coin, formulas, rsa, shared_key, tdh2
from common import Invalid
from ristretto255 import BASE, L, power, scalar, scalar_bytes


class Mismatch(Exception):
    pass


def compare(where, found, recorded):
    """What was computed, with bytes, and what the file says, with hexadecimal digits."""
    if isinstance(found, bytes):
        found = found.hex()
    if isinstance(found, dict) and isinstance(recorded, dict):
        for name in found.keys() | recorded.keys():
            if name not in found or name not in recorded:
                raise Mismatch(f"{where}.{name}: {'not known here' if name in recorded else 'missing'}")
            compare(f"{where}.{name}", found[name], recorded[name])
    elif isinstance(found, list) and isinstance(recorded, list) and len(found) == len(recorded):
        for i, (one, other) in enumerate(zip(found, recorded)):
            compare(f"{where}[{i}]", one, other)
    elif type(found) is not type(recorded) or found != recorded:
        raise Mismatch(f"{where}: {str(recorded)[:80]} should be {str(found)[:80]}")


def judge(where, items, check):
    """Whether `check` has for each item the verdict that the file has."""
    for item in items:
        try:
            check(item)
            verdict = "valid"
        except Invalid:
            verdict = "invalid"
        except rsa.Unproven:
            verdict = "unproven"
        if verdict != item["verdict"]:
            raise Mismatch(f"{where}: {item['why']}: {verdict}, should be {item['verdict']}")
    return f"{len(items)} {where}"


def picked(record, *names):
    """The inputs of a case: taken as they are."""
    return {name: record[name] for name in names if name in record}


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}


def unqualified(access, case):
    for parties in case["unqualified"]:
        if formulas.integer_terms(access, parties) is not None:
            raise Mismatch(f"unqualified: {parties} is qualified")


# ---- sharing.json


def sharing_checks(file):
    compare("modulus", str(L), file["modulus"])
    for case in file["cases"]:
        yield case["name"], lambda case=case: sharing_case(case)
    yield "bad formulas", lambda: judge("refused", file["refused"], lambda item: formulas.check_formula(item["formula"]))


def sharing_case(case):
    formula, secret = case["formula"], int(case["secret"])
    formulas.check_formula(formula)
    random = iter(map(int, case["random"]))
    shares = formulas.deal(formula, secret, L, random)
    if next(random, None) is not None:
        raise Mismatch("random: more numbers than the dealer draws")
    factor, sets = formulas.multiplier(formula), []
    for parties in (each["parties"] for each in case["sets"]):
        integers, residues = formulas.integer_terms(formula, parties), formulas.terms_modulo(formula, parties, L)
        if sum(c * shares[leaf] for leaf, c in integers) % L != factor * secret % L:
            raise Mismatch(f"{parties}: the integer terms do not give D times the secret")
        if sum(c * shares[leaf] for leaf, c in residues) % L != secret:
            raise Mismatch(f"{parties}: the terms do not give the secret")
        terms = {"integerTerms": formulas.shown(integers), "terms": formulas.shown(residues)}
        sets.append({"parties": parties} | terms)
    unqualified(formula, case)
    found = {"encoded": formulas.encode_formula(formula), "leaves": formulas.leaves_of(formula)}
    found |= {"multiplier": str(factor), "shares": list(map(str, shares)), "sets": sets}
    compare("case", picked(case, "name", "formula", "secret", "random", "unqualified") | found, case)
    return f"{len(shares)} shares, {len(sets)} qualified sets"


# ---- Keys over ristretto255, for coin.json and tdh2.json


def decoded(value):
    """Hexadecimal digits as bytes, also in lists."""
    if isinstance(value, list):
        return [decoded(each) for each in value]
    return bytes.fromhex(value) if isinstance(value, str) else value


def fields_of(record):
    return {name: value if name == "access" else decoded(value) for name, value in record.items()}


def shared_key_checks(file, keys):
    for name, key in keys.items():
        yield f"key {name}", lambda key=key, name=name: shared_key_case(key, file["keys"][name])
    changed = lambda item: keys[item["key"]] | fields_of(item["change"])
    yield "bad keys", lambda: judge("refused", file["refusedKeys"], lambda item: shared_key.check_shared_key(changed(item)))


def shared_key_case(key, recorded):
    shared_key.check_shared_key(key)
    terms = formulas.terms_modulo(key["access"], formulas.leaves_of(key["access"]), L)
    secret = sum(c * scalar(key["secrets"][leaf]) for leaf, c in terms) % L
    found = {"secret": scalar_bytes(secret), "publicKey": power(BASE, secret)}
    found["verificationKeys"] = [power(BASE, scalar(each)) for each in key["secrets"]]
    compare("key", picked(recorded, "access", "secrets") | found, recorded)
    return f"{len(key['secrets'])} leaves"


def combinations(key, case, shares):
    """Of each set the terms; and the element that all of them come to."""
    found, elements = [], set()
    for parties in (each["parties"] for each in case["combinations"]):
        element, terms = shared_key.interpolate(key, parties, shares)
        found.append({"parties": parties, "terms": terms})
        elements.add(element)
    if len(elements) != 1:
        raise Mismatch("combinations: they come to different elements")
    unqualified(key["access"], case)
    return found, elements.pop()


# ---- coin.json


def coin_checks(file):
    keys = {name: fields_of(key) for name, key in file["keys"].items()}
    yield from shared_key_checks(file, keys)
    for case in file["cases"]:
        yield case["name"], lambda case=case: coin_case(case, keys[case["key"]])


def coin_case(case, key):
    label, name = case["label"].encode(), bytes.fromhex(case["coin"])
    shares = [{"party": s["party"]} | coin.make_share(key, label, name, s["party"]) for s in case["shares"]]
    for each in shares:
        coin.check_coin_share(key, label, name, each["party"], each["share"])
    sets, element = combinations(key, case, {each["party"]: each["share"] for each in shares})
    found = {"base": coin.base_of(label, name), "shares": shares, "combinations": sets, "element": element}
    found["value"] = coin.value_of(case["bits"], label, name, element)
    inputs = picked(case, "name", "key", "label", "bits", "coin", "unqualified")
    compare("case", inputs | found, without(case, "refusedShares"))

    def check(item):
        of_label, of_name = item.get("label", case["label"]).encode(), bytes.fromhex(item.get("coin", case["coin"]))
        coin.check_coin_share(key, of_label, of_name, item["party"], bytes.fromhex(item["share"]))

    return f"{len(shares)} shares, {len(sets)} combinations, {judge('refused', case['refusedShares'], check)}"


# ---- tdh2.json


def tdh2_checks(file):
    keys = {name: fields_of(key) for name, key in file["keys"].items()}
    compare("secondGenerator", tdh2.SECOND_GENERATOR, file["secondGenerator"])
    yield from shared_key_checks(file, keys)
    for case in file["cases"]:
        yield case["name"], lambda case=case: tdh2_case(case, keys)


def tdh2_case(case, keys):
    key, label = keys[case["key"]], bytes.fromhex(case["label"])
    plaintext = bytes.fromhex(case["plaintext"]) if "plaintext" in case else None
    body = bytes.fromhex(case["body"]) if plaintext is None else None
    r, s = (scalar(bytes.fromhex(case[name])) for name in "rs")
    made = tdh2.encrypt(key["publicKey"], label, plaintext, r, s, body)
    ciphertext = made["ciphertext"]
    tdh2.check_ciphertext(key["publicKey"], label, ciphertext)
    shares = [{"party": s["party"]} | tdh2.make_share(key, label, ciphertext, s["party"]) for s in case["shares"]]
    for each in shares:
        tdh2.check_decryption_share(key, label, ciphertext, each["party"], each["share"])
    sets, element = combinations(key, case, {each["party"]: each["share"] for each in shares})
    compare("u^x", element, case["sharedElement"])
    opened = tdh2.decrypt(key["publicKey"], ciphertext, element)
    if opened != plaintext:
        raise Mismatch("the body opens to something else")
    found = made | {"shares": shares, "combinations": sets}
    found["decryption"] = "undecryptable" if opened is None else "plaintext"
    inputs = picked(case, "name", "key", "label", "plaintext", "r", "s", "unqualified")
    compare("case", inputs | found, without(case, "refusedShares", "refusedCiphertexts"))

    def check_ciphertext(item):
        of_key, of_label = keys[item.get("key", case["key"])], bytes.fromhex(item.get("label", case["label"]))
        tdh2.check_ciphertext(of_key["publicKey"], of_label, bytes.fromhex(item["ciphertext"]))

    def check_share(item):
        of_label, of = (bytes.fromhex(item.get(name, case[name])) for name in ("label", "ciphertext"))
        tdh2.check_decryption_share(key, of_label, of, item["party"], bytes.fromhex(item["share"]))

    refused = judge("refused ciphertexts", case["refusedCiphertexts"], check_ciphertext)
    return f"{len(shares)} shares, {len(sets)} combinations, {refused}, {judge('refused', case['refusedShares'], check_share)}"


# ---- threshold-rsa*.json


def rsa_fields(fields):
    """As `rsa` takes them."""
    texts = ("access", "protocol", "exponent", "multiplier", "secretBytes")
    return {name: value if name in texts else decoded(value) for name, value in fields.items()}


def rsa_checks(file):
    keys = {name: rsa_fields(fields) for name, fields in file["keys"].items()}
    for name, fields in keys.items():
        yield f"key {name}", lambda fields=fields, name=name: rsa_key_case(fields, file["keys"][name])
    changed = lambda item: keys[item["key"]] | rsa_fields(item["change"])
    yield "bad keys", lambda: judge("refused", file["refusedKeys"], lambda item: rsa.check_key(changed(item)))
    for case in file["cases"]:
        yield case["name"], lambda case=case: rsa_case(case, rsa.Key(keys[case["key"]]))


def rsa_key_case(fields, recorded):
    rsa.check_key(fields)
    key = rsa.Key(fields)
    p, q = rsa.number(fields["p"]), rsa.number(fields["q"])
    order = (p - 1) // 2 * ((q - 1) // 2)  # m, of the group of squares
    shared = pow(key.exponent * (1 if key.u is None else key.multiplier), -1, order)
    secrets = list(map(rsa.signed, fields["secrets"]))
    terms = formulas.integer_terms(key.access, formulas.leaves_of(key.access))
    if sum(c * secrets[leaf] for leaf, c in terms) % order != key.multiplier * shared % order:
        raise Mismatch("secrets: they do not come to D times the exponent")
    if {len(secret) for secret in fields["secrets"]} != {key.secret_bytes}:
        raise Mismatch("secrets: the size is wrong")
    found = {"protocol": 1 if key.u is None else 2, "modulus": key.format(p * q), "sharedExponent": key.format(shared)}
    found |= {"multiplier": str(key.multiplier), "secretBytes": key.secret_bytes, "digest": key.digest}
    found["verificationKeys"] = [key.format(pow(key.v, secret, key.modulus)) for secret in secrets]
    inputs = picked(recorded, "access", "p", "q", "exponent", "verificationBase", "nonResidue", "secrets")
    compare("key", inputs | found, recorded)
    return f"protocol {found['protocol']}, {len(secrets)} leaves"


def rsa_case(case, key):
    message = bytes.fromhex(case["message"])
    made = [{"party": each["party"]} | rsa.prove(key, message, each["party"]) for each in case["shares"]]
    for each in made:
        rsa.check_share(key, message, each["party"], each["share"] + each["proof"])
    bare = {each["party"]: each["share"] for each in made}
    results = [rsa.combine(key, message, each["parties"], bare) for each in case["combinations"]]
    sets, signatures = [terms for terms, _ in results], {signature for _, signature in results}
    if len(signatures) != 1:
        raise Mismatch("combinations: they come to different signatures")
    signature = signatures.pop()
    rsa.check_signature(key, message, signature)
    unqualified(key.access, case)
    padded = rsa.pad(message, key.size)
    found = {"padded": padded, "jacobi": rsa.jacobi(rsa.number(padded), key.modulus), "signature": signature}
    found |= {"x": key.format(rsa.representative(key, message)[0]), "base": key.format(rsa.base_of(key, message))}
    # Not every case shows the steps of its proofs.
    shown = [{"party", "share", "proof"} | each.keys() for each in case["shares"]]
    found["shares"] = [picked(each, *names) for each, names in zip(made, shown)]
    found["combinations"] = sets
    inputs = picked(case, "name", "key", "message", "unqualified")
    compare("case", inputs | found, without(case, "refusedShares", "refusedSignatures"))

    def check_share(item):
        of = bytes.fromhex(item.get("message", case["message"]))
        rsa.check_share(key, of, item["party"], bytes.fromhex(item["share"]))

    def check_signature(item):
        rsa.check_signature(key, bytes.fromhex(item.get("message", case["message"])), bytes.fromhex(item["signature"]))

    refused = judge("refused signatures", case["refusedSignatures"], check_signature)
    return f"{len(made)} shares, {len(sets)} combinations, {refused}, {judge('refused', case['refusedShares'], check_share)}"


# ---- All files

CHECKS = {
    "abcast-vectors/1 sharing": sharing_checks,
    "abcast-vectors/1 coin": coin_checks,
    "abcast-vectors/1 tdh2": tdh2_checks,
    "abcast-vectors/1 threshold-rsa": rsa_checks,
}


def results_of(path, file, only=""):
    """What came out of each check of a file. Whatever goes wrong is a difference: files may hold anything."""
    result = lambda name, ok, detail: {"file": path.name, "check": name, "ok": ok, "detail": detail}
    try:
        for name, check in CHECKS[file["format"]](file):
            if only not in name:
                continue
            try:
                yield result(name, True, check())
            except Exception as error:
                yield result(name, False, f"{type(error).__name__}: {error}")
    except Exception as error:
        yield result("the file", False, f"{type(error).__name__}: {error}")


def read(path):
    file = json.loads(path.read_text("utf-8"))
    if not isinstance(file, dict) or file.get("format") not in CHECKS:
        raise ValueError("no vectors in a format known here")
    return file


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    parser.add_argument("--only", default="", metavar="TEXT", help="check only what has TEXT in its name")
    parser.add_argument("files", nargs="*", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args(arguments)
    paths = options.files or sorted((HERE / "vectors").glob("*.json"))
    results = []
    for path in paths:
        try:
            file = read(path)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            print(f"cannot check {path}: {error}", file=sys.stderr)
            return 2
        for result in results_of(path, file, options.only):
            results.append(result)
            if not options.json:
                print(f"{'ok  ' if result['ok'] else 'FAIL'} {result['file']}: {result['check']}: {result['detail']}")
    if not results:
        print("cannot check: there is nothing of that name", file=sys.stderr)
        return 2
    failed = sum(not result["ok"] for result in results)
    if options.json:
        print(json.dumps({"checks": results, "failed": failed}))
    else:
        print(f"{len(results) - failed} as recorded, {failed} different")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
