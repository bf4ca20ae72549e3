"""Who a request would be sent as. No token is asked for."""

import google.auth
from google.auth import exceptions


def describe_account() -> str:
    """Returns the account of the application-default credentials, as far as they tell."""
    try:
        credentials, _ = google.auth.default()
    except exceptions.DefaultCredentialsError:
        return "nobody: no credentials here; run `gcloud auth application-default login`"
    for attribute in ("service_account_email", "account"):
        name = getattr(credentials, attribute, None)
        if name and name != "default":
            return f"{name} (application-default credentials)"
    return "the application-default credentials, which name no account"
