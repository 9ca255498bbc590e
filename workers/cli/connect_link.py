"""`booksync connect --browser`: a link with which a user connects in a browser."""

from domain.activity import Action
from workers.cli.arguments import user_id_of
from workers.cli.opening import open_resources
from workers.cli.recording import recorded
from workers.cli.terminal import notes, out, print_json
from workers.services.connect_links import LINK_SECONDS, ConnectLink, address_of


def print_link(user: str, return_url: str | None, *, as_json: bool) -> None:
    """Print the link. It can be opened for an hour.

    Raises:
        NoPublicUrlError, ReturnUrlRefusedError: see the classes.
    """
    with open_resources("booksync connect") as resources:
        with resources.engine.connect() as db:
            user_id = user_id_of(db, user)
        with recorded(resources, Action.CONNECT, subject="a link for a browser"):
            address = address_of(resources.settings, resources.vault, ConnectLink(str(user_id), return_url))
    if as_json:
        print_json({"url": address, "expires_in": LINK_SECONDS})
        return
    out.print(address, soft_wrap=True)
    notes.print("Next: the user opens this link within an hour and consents at Zoho.")
