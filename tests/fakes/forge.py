"""Tokens that no hub issues: good SVIDs bent in every way that attackers of JWTs are known to try.

Sources: RFC 7515 to 7519, RFC 8725 (best practice), RFC 7797 (unencoded payloads), SPIFFE JWT-SVID.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from agentctl.identity.jwk import jwks

AUDIENCE = "agentctl-hub"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256: FIPS 186-4 D.1.2.3

Bent = dict[str, Callable[[], str]]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Forge:
    """What an attacker knows of one SVID, and the key that it hasn't; `other` is a key of its own."""

    key: ec.EllipticCurvePrivateKey
    kid: str
    fleet: str
    agent: str
    instance: str
    now_s: float
    other: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def subject(self) -> str:
        return f"spiffe://{self.fleet}/agent/{self.agent}/{self.instance}"

    @property
    def head(self) -> dict[str, Any]:
        return {"alg": "ES256", "kid": self.kid, "typ": "JWT"}

    @property
    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of a good SVID, changed; `...` takes one away."""
        found = {
            "sub": self.subject,
            "aud": [AUDIENCE],
            "iat": int(self.now_s),
            "exp": int(self.now_s) + 300,
            "provider": "ollama",
            "boundary": "private",
            **changed,
        }
        return {name: value for name, value in found.items() if value is not ...}

    def signed(
        self, payload: dict[str, Any] | bytes, *, header: Any = None, key: Any = None
    ) -> str:
        """Sign anything at all with ES256, as no library would let one."""
        message = self._message(payload, header)
        algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
        return f"{message}.{b64(algorithm.sign(message.encode(), key or self.key))}"

    def good(self) -> str:
        return self.signed(self.claims())

    def _message(self, payload: dict[str, Any] | bytes, header: Any = None) -> str:
        head = self.head if header is None else header
        raw_head = head if isinstance(head, bytes) else json.dumps(head).encode()
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return f"{b64(raw_head)}.{b64(raw)}"

    def _with(self, signature: bytes) -> str:
        return f"{self._message(self.claims())}.{b64(signature)}"

    def _header(self, **changed: Any) -> str:
        header = {**self.head, **changed}
        return self.signed(
            self.claims(),
            header={name: value for name, value in header.items() if value is not ...},
        )

    def _claim(self, **changed: Any) -> str:
        return self.signed(self.claims(**changed))

    def _sub(self, old: str, new: str) -> str:
        return self._claim(sub=self.subject.replace(old, new))

    def _raw_claims(self, tail: str) -> str:
        """Sign the claims as text, with more before the last brace."""
        return self.signed(json.dumps(self.claims())[:-1].encode() + tail.encode() + b"}")

    def _hmac(self, secret: bytes, header: dict[str, Any]) -> str:
        message = self._message(self.claims(), header)
        return f"{message}.{b64(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"

    def _rsa(self) -> str:
        key = rsa.generate_private_key(65537, 2048)
        return jwt.encode(self.claims(), key, algorithm="RS256", headers={"kid": self.kid})

    def _spliced(self) -> str:
        """The payload of one token under the signature of another."""
        head, _, signature = self.good().split(".")
        return f"{head}.{self._claim(provider='opus').split('.')[1]}.{signature}"

    def _der(self) -> str:
        raw = base64.urlsafe_b64decode(self.good().rpartition(".")[2] + "==")
        numbers = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
        return self._with(encode_dss_signature(*numbers))

    def _last_bits(self) -> str:
        """The same bytes in another spelling: base64 leaves four bits of the last letter unused."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        good = self.good()
        return good[:-1] + letters[letters.index(good[-1]) + 1]

    def _json(self, *, general: bool) -> str:
        protected, payload, signature = self.good().split(".")
        one = {"protected": protected, "signature": signature}
        return json.dumps({"payload": payload, **({"signatures": [one]} if general else one)})

    def forged(self) -> Bent:
        """Return what somebody makes who hasn't the key, or didn't get this hub to sign it so."""
        return self._forged_algorithms() | self._forged_headers() | self._forged_forms()

    def _forged_algorithms(self) -> Bent:
        head, pem = self.head, self.public_pem
        return {
            "alg none, no signature": lambda: (
                self._message(self.claims(), {**head, "alg": "none"}) + "."
            ),
            "alg none, signed": lambda: self._header(alg="none"),
            "alg None in another case": lambda: self._header(alg="nOnE"),
            "alg missing": lambda: self._header(alg=...),
            "alg ES384": lambda: self._header(alg="ES384"),
            "alg ES256K": lambda: self._header(alg="ES256K"),
            "alg in small letters": lambda: self._header(alg="es256"),
            "alg with a space": lambda: self._header(alg="ES256 "),
            "alg is a list": lambda: self._header(alg=["ES256"]),
            "alg is null": lambda: self._header(alg=None),
            "alg twice": lambda: self.signed(
                self.claims(), header=json.dumps(head)[:-1].encode() + b', "alg": "none"}'
            ),
            "HS256 with the public key as secret": lambda: self._hmac(
                pem, {**head, "alg": "HS256"}
            ),
            "HS256 with the JWK as secret": lambda: self._hmac(
                json.dumps(jwks({self.kid: self.key.public_key()})[0]).encode(),
                {**head, "alg": "HS256"},
            ),
            "HS256 with nothing as secret": lambda: self._hmac(b"", {**head, "alg": "HS256"}),
            "HMAC under the header ES256": lambda: self._hmac(pem, head),
            "RS256 by somebody": self._rsa,
            "another key under our kid": lambda: self.signed(self.claims(), key=self.other),
        }

    def _forged_headers(self) -> Bent:
        mine = {**jwks({"mine": self.other.public_key()})[0]}
        return {
            "unknown kid": lambda: self._header(kid="other"),
            "no kid": lambda: self._header(kid=...),
            "kid is empty": lambda: self._header(kid=""),
            "kid is null": lambda: self._header(kid=None),
            "kid is a number": lambda: self._header(kid=0),
            "kid is a list": lambda: self._header(kid=[self.kid]),
            "kid is a path": lambda: self._header(kid="../../../../dev/null"),
            "kid is a file of the keys": lambda: self._header(kid=f"../keys/svid-{self.kid}.pem"),
            "kid is a query": lambda: self._header(kid="x' UNION SELECT 'secret"),
            "kid is a command": lambda: self._header(kid="|/usr/bin/id"),
            "kid is a URL": lambda: self._header(kid="http://127.0.0.1:1/key"),
            "kid with a newline": lambda: self._header(kid=f"{self.kid}\n"),
            "kid in another case": lambda: self._header(kid=self.kid.swapcase()),
            "jku": lambda: self._header(jku="http://127.0.0.1:1/keys"),
            "jwk of ours": lambda: self.signed(
                self.claims(), header={**self.head, "jwk": mine}, key=self.other
            ),
            "jwk and no kid": lambda: self.signed(
                self.claims(), header={"alg": "ES256", "jwk": mine}, key=self.other
            ),
            "x5u": lambda: self._header(x5u="http://127.0.0.1:1/c"),
            "x5c": lambda: self._header(x5c=["MII"]),
            "x5t": lambda: self._header(x5t="MII"),
            "crit": lambda: self._header(crit=["exp"]),
            "b64 false": lambda: self._header(b64=False, crit=["b64"]),
            "zip": lambda: self._header(zip="DEF"),
            "cty": lambda: self._header(cty="JWT"),
            "an extra header": lambda: self._header(x="y"),
            "typ of another kind": lambda: self._header(typ="at+jwt"),
            "typ of a checkpoint": lambda: self._header(typ="agentctl-checkpoint"),
            "typ is a list": lambda: self._header(typ=["JWT"]),
            "a header that is a list": lambda: self.signed(self.claims(), header=b"[]"),
            "a header that is no JSON": lambda: self.signed(self.claims(), header=b"{"),
            "a header with a byte order mark": lambda: self.signed(
                self.claims(), header=b"\xef\xbb\xbf" + json.dumps(self.head).encode()
            ),
        }

    def _forged_forms(self) -> Bent:
        zero, order = b"\0" * 32, ORDER.to_bytes(32)
        one = (1).to_bytes(32)
        return {
            "payload of another token": self._spliced,
            "signature cut": lambda: self.good()[:-1],
            "no signature": lambda: self.good().rpartition(".")[0],
            "an empty signature": lambda: self.good().rpartition(".")[0] + ".",
            "r and s are 0": lambda: self._with(zero + zero),
            "r is 0": lambda: self._with(zero + one),
            "s is 0": lambda: self._with(one + zero),
            "r and s are the order": lambda: self._with(order + order),
            "r and s are all ones": lambda: self._with(b"\xff" * 64),
            "signature as DER": self._der,
            "signature twice": lambda: self.good() + self.good().rpartition(".")[2],
            "signature with its last bits set": self._last_bits,
            "signature over the payload alone": lambda: self._with(
                base64.urlsafe_b64decode(self.signed(b"").rpartition(".")[2] + "==")
            ),
            "trailing newline": lambda: f"{self.good()}\n",
            "leading space": lambda: f" {self.good()}",
            "a space within": lambda: self.good().replace(".", ". ", 1),
            "padding": lambda: f"{self.good()}==",
            "padding within": lambda: self.good().replace(".", "=.", 1),
            "the other alphabet": lambda: self.good().replace("-", "+").replace("_", "/") + "+/",
            "a fourth part": lambda: f"{self.good()}.x",
            "five parts, as if encrypted": lambda: f"{self.good()}.x.y",
            "a nested token": lambda: self.signed(self.good().encode()),
            "as flattened JSON": lambda: self._json(general=False),
            "as general JSON": lambda: self._json(general=True),
            "three dots": lambda: "...",
            "two dots": lambda: "..",
            "an opaque token": lambda: f"it1.{self.instance}.{'s' * 43}",
            "very long": lambda: self._claim(provider="p" * 5000),
            "claims are a list": lambda: self.signed(b"[]"),
            "claims are text": lambda: self.signed(b'"x"'),
            "claims are null": lambda: self.signed(b"null"),
            "claims are no JSON": lambda: self.signed(b"{"),
            "claims and more": lambda: self.signed(json.dumps(self.claims()).encode() + b"{}"),
            "claims are not UTF-8": lambda: self.signed(b'{"sub": "\xff"}'),
            "claims are UTF-16": lambda: self.signed(json.dumps(self.claims()).encode("utf-16")),
            "claims are nested deeply": lambda: self.signed(b"[" * 1500),
            "a claim twice": lambda: self._raw_claims(f', "sub": "{self.subject}"'),
            "exp twice": lambda: self._raw_claims(f', "exp": {int(self.now_s) + 10**6}'),
            "aud twice": lambda: self._raw_claims(f', "aud": "{AUDIENCE}"'),
        }

    def misissued(self) -> Bent:
        """Return what this hub never says, though it bears its signature."""
        return self._times() | self._audiences() | self._subjects() | self._others()

    def _times(self) -> Bent:
        now = int(self.now_s)
        return {
            "no exp": lambda: self._claim(exp=...),
            "no iat": lambda: self._claim(iat=...),
            "expired": lambda: self._claim(iat=now - 400, exp=now - 100),
            "ten years": lambda: self._claim(exp=now + 315_360_000),
            "a second more than ten minutes": lambda: self._claim(exp=now + 601),
            "from the future": lambda: self._claim(iat=now + 60, exp=now + 120),
            "far from the future": lambda: self._claim(iat=now + 10**7, exp=now + 10**7 + 100),
            "ends before it begins": lambda: self._claim(exp=now - 10),
            "exp is text": lambda: self._claim(exp=str(now + 300)),
            "exp is true": lambda: self._claim(exp=True),
            "exp is null": lambda: self._claim(exp=None),
            "exp is a fraction": lambda: self._claim(exp=now + 300.5),
            "exp is below nothing": lambda: self._claim(exp=-1),
            "exp is huge": lambda: self._claim(exp=2**64),
            "exp is beyond all numbers": lambda: self.signed(
                json.dumps(self.claims(exp=0)).replace('"exp": 0', '"exp": 1e999').encode()
            ),
            "exp has two thousand digits": lambda: self.signed(
                json.dumps(self.claims(exp=0)).replace('"exp": 0', f'"exp": {"9" * 2000}').encode()
            ),
            "exp is a list": lambda: self._claim(exp=[now + 300]),
            "exp is NaN": lambda: self.signed(json.dumps(self.claims(exp=float("nan"))).encode()),
            "exp is infinite": lambda: self.signed(
                json.dumps(self.claims(exp=float("inf"))).encode()
            ),
            "iat is text": lambda: self._claim(iat=str(now)),
            "nbf": lambda: self._claim(nbf=now + 1000),
        }

    def _audiences(self) -> Bent:
        return {
            "no aud": lambda: self._claim(aud=...),
            "another audience": lambda: self._claim(aud=["somebody-else"]),
            "several audiences": lambda: self._claim(aud=[AUDIENCE, "somebody-else"]),
            "the audience twice": lambda: self._claim(aud=[AUDIENCE, AUDIENCE]),
            "no audience in the list": lambda: self._claim(aud=[]),
            "an audience that begins alike": lambda: self._claim(aud=f"{AUDIENCE}-2"),
            "an audience in another case": lambda: self._claim(aud=AUDIENCE.upper()),
            "any audience": lambda: self._claim(aud="*"),
            "an audience in a list in a list": lambda: self._claim(aud=[[AUDIENCE]]),
            "an audience by name": lambda: self._claim(aud={AUDIENCE: True}),
        }

    def _subjects(self) -> Bent:
        fleet = self.fleet
        return {
            "no sub": lambda: self._claim(sub=...),
            "sub is a list": lambda: self._claim(sub=[self.subject]),
            "sub is null": lambda: self._claim(sub=None),
            "no SPIFFE ID": lambda: self._claim(sub=self.agent),
            "another trust domain": lambda: self._sub(f"//{fleet}/", "//evil/"),
            "a trust domain that begins alike": lambda: self._sub(f"//{fleet}/", f"//{fleet}.x/"),
            "a trust domain in capitals": lambda: self._sub(f"//{fleet}/", f"//{fleet.upper()}/"),
            "a trust domain with a user": lambda: self._sub(f"//{fleet}/", f"//evil@{fleet}/"),
            "a trust domain with a port": lambda: self._sub(f"//{fleet}/", f"//{fleet}:8443/"),
            "another scheme": lambda: self._sub("spiffe:", "https:"),
            "the scheme in capitals": lambda: self._sub("spiffe:", "SPIFFE:"),
            "an operator's SPIFFE ID": lambda: self._sub("/agent/", "/operator/"),
            "a longer SPIFFE ID": lambda: self._claim(sub=f"{self.subject}/more"),
            "a slash at the end": lambda: self._claim(sub=f"{self.subject}/"),
            "two slashes": lambda: self._sub("/agent/", "//agent/"),
            "a newline at the end": lambda: self._claim(sub=f"{self.subject}\n"),
            "a NUL at the end": lambda: self._claim(sub=f"{self.subject}\0"),
            "a space before": lambda: self._claim(sub=f" {self.subject}"),
            "a query": lambda: self._claim(sub=f"{self.subject}?x"),
            "a fragment": lambda: self._claim(sub=f"{self.subject}#x"),
            "percent encoding": lambda: self._sub("/agent/", "/%61gent/"),
            "dots": lambda: self._sub(f"/{self.agent}/", "/../"),
            "a letter that looks alike": lambda: self._sub("agent/", "аgent/"),
            "half a letter": lambda: self.signed(
                json.dumps(self.claims()).replace(self.agent, self.agent + "\\ud800").encode()
            ),
            "the instance in capitals": lambda: self._sub(self.instance, self.instance.upper()),
        }

    def _others(self) -> Bent:
        return {
            "a claim of its own": lambda: self._claim(role="admin"),
            "provider is no text": lambda: self._claim(provider=["ollama"]),
            "boundary is no text": lambda: self._claim(boundary=0),
        }

    def of_somebody_else(self) -> Bent:
        """Return what is signed and well formed, and names no living instance of its agent."""
        return {
            "another agent on this instance": lambda: self._sub(f"/{self.agent}/", "/thinker/"),
            "an agent that nobody declared": lambda: self._sub(f"/{self.agent}/", "/root/"),
            "an instance that never was": lambda: self._sub(self.instance, "inst-" + "0" * 26),
        }
