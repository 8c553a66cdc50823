"""Reads a certificate and its key out of one PEM, as msal wants them; the order of the parts does not matter."""

from __future__ import annotations

import re

_PARTS = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)


def credential(pem: str) -> dict[str, str] | str:
    """What msal takes for a client credential, the key's own certificate first; or what is wrong with `pem`.

    msal computes the thumbprint and signs with PS256 (MS-55), which Entra takes of RSA keys alone.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    parts = [(found[1], found[0]) for found in _PARTS.finditer(pem)]
    keys = [text for kind, text in parts if kind.endswith("PRIVATE KEY")]
    certificates = [text for kind, text in parts if kind == "CERTIFICATE"]
    if len(keys) != 1 or not certificates:
        return f"a PEM with a certificate and its key is needed, there are {len(certificates)} and {len(keys)} in it"
    try:
        key = load_pem_private_key(keys[0].encode(), None)
    except TypeError:
        return "its key has a password; write it without one (openssl pkey -in FILE)"
    except ValueError:
        return "its key cannot be read"
    if not isinstance(key, RSAPrivateKey):
        return "its key is no RSA key, which is the only kind that Entra takes"
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    own = []
    for text in certificates:
        try:
            theirs = x509.load_pem_x509_certificate(text.encode()).public_key()
        except ValueError:
            return "its certificate cannot be read"
        if theirs.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public:
            own.append(text)
    if not own:
        return "its key is not the certificate's"
    return {"private_key": keys[0], "public_certificate": "\n".join([own[0], *(c for c in certificates if c != own[0])])}
