"""Who is let in by the servers of a test that know their callers."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasker_core.server.auth.access import Access
from tasker_core.server.auth.authenticator import Authenticator
from tasker_core.server.auth.keys import ApiKey, KeyRing, hash_key, new_key
from tasker_core.server.auth.signers import OneSigner, public_key
from tasker_core.server.auth.tokens import TokenRules, Tokens
from tests.support.signer import Signer, rsa_signer

UNBOUNDED = 1e6


@dataclass
class Guard:
    """Who is let in: bearers of keys by the names of these, and of tokens that ``signer`` signs."""

    signer: Signer = field(default_factory=rsa_signer)
    keys: dict[str, str] = field(default_factory=dict)
    entries: list[ApiKey] = field(default_factory=list)

    def key(self, name: str, *permissions: str) -> str:
        self.keys[name] = new_key()
        self.entries.append(ApiKey(hash=hash_key(self.keys[name]), permissions=permissions, description=name))
        return self.keys[name]

    def headers(self, name: str) -> dict[str, str]:
        return {"X-API-Key": self.keys[name]}

    def authenticator(self) -> Authenticator:
        tokens = Tokens(OneSigner(public_key(self.signer.public_pem)), TokenRules())
        return Authenticator(KeyRing(self.entries), tokens)

    def access(self) -> Access:
        """Who isn't known may ask as often as a test wants to."""
        return Access(authenticator=self.authenticator(), unknown_per_second=UNBOUNDED)
