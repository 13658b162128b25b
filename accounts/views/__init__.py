"""Pages of people, teams and tokens."""

from accounts.views.signing_in import locked_out, sign_in, sign_in_as, sign_out

__all__ = ["locked_out", "sign_in", "sign_in_as", "sign_out"]
