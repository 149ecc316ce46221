"""What programs write instead of the id of a user."""

from __future__ import annotations

from uuid import UUID

PLACEHOLDERS = (
    "", " ", "\t", "\u200b", "None", "null", "NULL", "Null", "nil", "undefined", "Undefined", "NaN",
    "nan", "false", "False", "true", "unknown", "anonymous", "Anonymous", "guest", "0", "00", "0.0",
    "-0", "0x0", "-", "n/a", "N/A", "[object Object]", "(null)", "<nil>", "<none>", '"null"', "''",
    "'None'", "`null`", "\uff4e\uff55\uff4c\uff4c", "nu\u200bll", "null\u0000", "none\ufeff",
    str(UUID(int=0)), UUID(int=0).hex, f"{{{UUID(int=0)}}}", str(UUID(int=2**128 - 1)),
    "F" * 8 + "-FFFF-FFFF-FFFF-" + "F" * 12, "auth0|null", "auth0|undefined", "google-oauth2|None",
    "urn:user:null", "user:0", "distinct_id", "not_authenticated",
)  # fmt: skip
ADDRESSES = (
    "jo@acme.example", "JO@ACME.EXAMPLE", "mailto:jo@acme.example", "Jo <jo@acme.example>",
    '"Jo" <jo@acme.example>', "jo%40acme.example", "jo%2540acme.example", "jo&#64;acme.example",
    "jo&commat;acme.example", "jo\uff20acme.example", "jo\ufe6bacme.example", "jö@acme.example",
    "jo@bücher.example", "jo@localhost", "jo+tag@acme.example", "auth0|jo@acme.example",
    "samlp|acme|jo@acme.example", " jo@acme.example ", "jo@[127.0.0.1]", "@jo",
)  # fmt: skip
