"""Who an agent is, and how it proves it: JWT-SVIDs, opaque tokens, the keys behind both."""

from agentctl.identity.seal import Seal
from agentctl.identity.signer import Signer
from agentctl.identity.svid import SvidClaims, verify

__all__ = ["Seal", "Signer", "SvidClaims", "verify"]
