"""The encryption TDH2 of Shoup and Gennaro (Journal of Cryptology 15(2), 2002)."""
import chacha20_poly1305
from common import require, sha256, sha512, u32
from ristretto255 import BASE, L, element_from_hash, is_element, power, product, scalar, scalar_bytes, scalar_from_hash
from shared_key import check_share, keys_of, prove, secrets_of

DOMAIN = "abcast/1 tdh2 share proof"
SECOND_GENERATOR = element_from_hash(sha512("abcast/1 tdh2 second generator"))
NONCE = bytes(12)  # every key encrypts once


def body_key(h, u, shared_element):
    return sha256("abcast/1 tdh2 body key", h, u, shared_element)


def challenge_of(h, label, body, u, u_bar, w, w_bar):
    digest = sha256("abcast/1 tdh2 body", body)
    return scalar_from_hash(sha512("abcast/1 tdh2 ciphertext", h, label, digest, u, u_bar, w, w_bar))


def encrypt(h, label, plaintext, r, s, body=None):
    """With the random numbers r and s: the ciphertext, and all that leads to it. A given body is taken as it is."""
    u, u_bar, shared_element = power(BASE, r), power(SECOND_GENERATOR, r), power(h, r)
    key = body_key(h, u, shared_element)
    if body is None:
        body = chacha20_poly1305.seal(key, NONCE, plaintext)
    w, w_bar = power(BASE, s), power(SECOND_GENERATOR, s)
    e = challenge_of(h, label, body, u, u_bar, w, w_bar)
    e, f = scalar_bytes(e), scalar_bytes((s + r * e) % L)
    ciphertext = u + u_bar + e + f + body
    found = {"u": u, "uBar": u_bar, "sharedElement": shared_element, "bodyKey": key, "body": body}
    found |= {"bodyDigest": sha256("abcast/1 tdh2 body", body), "w": w, "wBar": w_bar, "e": e, "f": f}
    return found | {"ciphertext": ciphertext, "digest": subject_of(h, label, ciphertext)}


def subject_of(h, label, ciphertext):
    """What a share is for."""
    body = sha256("abcast/1 tdh2 body", ciphertext[128:])
    return sha256("abcast/1 tdh2 subject", h, label, ciphertext[:128], body)


def check_ciphertext(h, label, ciphertext):
    require(144 <= len(ciphertext) <= 144 + 16 * 2**20, "the size is wrong")
    u, u_bar, e, f = (ciphertext[i : i + 32] for i in range(0, 128, 32))
    require(is_element(u) and is_element(u_bar), "not an element of the group")
    challenge, response = scalar(e), scalar(f)
    w = product([power(BASE, response), power(u, -challenge)])
    w_bar = product([power(SECOND_GENERATOR, response), power(u_bar, -challenge)])
    expected = challenge_of(h, label, ciphertext[128:], u, u_bar, w, w_bar)
    require(challenge == expected, "the proof does not hold")


def make_share(key, label, ciphertext, party):
    context = [u32(party), subject_of(key["publicKey"], label, ciphertext)]
    return prove(DOMAIN, context, keys_of(key, party), ciphertext[:32], secrets_of(key, party))


def check_decryption_share(key, label, ciphertext, party, share):
    check_ciphertext(key["publicKey"], label, ciphertext)
    context = [u32(party), subject_of(key["publicKey"], label, ciphertext)]
    check_share(DOMAIN, context, keys_of(key, party), ciphertext[:32], share)


def decrypt(h, ciphertext, shared_element):
    """None when the body was not sealed under its key."""
    return chacha20_poly1305.unseal(body_key(h, ciphertext[:32], shared_element), NONCE, ciphertext[128:])
