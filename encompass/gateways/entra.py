"""Who a token of Microsoft Entra ID names: somebody of this tenant, by tenant and object id, and no guest.

`tid` and `oid` are what Microsoft says identifies a user for good; `sub` differs from application to application, and
an e-mail address can be given to somebody else. `acct` is an optional claim that has to be asked for: 0 for a member of
the tenant, 1 for a guest. `idp` differs from `iss` when another tenant vouched for the account.
Sources: learn.microsoft.com/entra/identity-platform/id-token-claims-reference and /optional-claims-reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from encompass.gateways.failures import Refused

MEMBER: Final = 0


def member_of(tenant: str, claims: Mapping[str, Any]) -> str:
    """`tid|oid` of a checked token's member of the tenant. Raises Refused with a reason code."""
    if claims.get("tid") != tenant:
        raise Refused("wrong_tenant")
    if not _is_member(claims.get("acct")) or claims.get("idp", claims["iss"]) != claims["iss"]:
        raise Refused("guest")
    object_id = claims.get("oid")
    if not isinstance(object_id, str) or not object_id:
        raise Refused("no_object_id")
    return f"{tenant}|{object_id}"


def _is_member(account: object) -> bool:
    """Whether `acct` is the number 0: a missing claim vouches for nobody."""
    return isinstance(account, int) and not isinstance(account, bool) and account == MEMBER
