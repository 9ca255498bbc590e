"""Rights on tables and functions, read so that the objects that replace them get the same rights."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from db.migrations.schemas import SCHEMA, Raw

#: The rights on an object. Its owner's own rights are left out, because they come with the ownership.
_GRANTS: Final = """
    SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee,
        privilege_type AS privilege, is_grantable
    FROM {object}, LATERAL aclexplode({acl})
    WHERE oid = {oid} AND grantee <> {owner}
    ORDER BY 1, 2
"""
_OF_TABLE: Final = _GRANTS.format(object="pg_class", acl="relacl", oid="%s::regclass", owner="relowner")
_OF_FUNCTION: Final = _GRANTS.format(
    object="pg_proc", acl="coalesce(proacl, acldefault('f', proowner))", oid="%s::regprocedure", owner="proowner"
)

#: The rights that a view can have; a table may have others.
_OF_A_VIEW: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Grant:
    """A right on a table or function that a role other than the owner has."""

    grantee: str  #: the role's name, quoted, or PUBLIC
    privilege: str
    is_grantable: bool

    def on(self, target: str) -> str:
        """The statement that grants the role this right on another object."""
        option = " WITH GRANT OPTION" if self.is_grantable else ""
        return f"GRANT {self.privilege} ON {target} TO {self.grantee}{option};"


def grants_of_table(connection: Raw, table: str) -> list[Grant]:
    """The rights that roles have on a table, without the kinds of rights that a view cannot have."""
    return [grant for grant in _grants(connection, _OF_TABLE, table) if grant.privilege in _OF_A_VIEW]


def owner_of_table(connection: Raw, table: str) -> str:
    """The owner of a table, quoted where needed."""
    row = connection.execute(
        "SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = %s::regclass", [table]
    ).fetchone()
    assert row is not None
    return str(row[0])


@dataclass(frozen=True, slots=True)
class FunctionRights:
    """Who may call a function, and whether it runs with its owner's rights."""

    owner: str  #: the owner's name, quoted where needed
    is_definer: bool
    grants: tuple[Grant, ...]

    def on(self, function: str) -> str:
        """The statements that give another function these rights."""
        security = "DEFINER" if self.is_definer else "INVOKER"
        return (
            f"ALTER FUNCTION {function} SECURITY {security}; REVOKE ALL ON FUNCTION {function} FROM PUBLIC;\n"
            f"ALTER FUNCTION {function} OWNER TO {self.owner};\n"
            + "".join(grant.on(f"FUNCTION {function}") for grant in self.grants)
        )


def rights_of_function(connection: Raw, function: str) -> FunctionRights | None:
    """The rights of a function, which is given with its argument types; None if the function does not exist."""
    query = """
        SELECT quote_ident(pg_get_userbyid(proowner)), prosecdef FROM pg_proc WHERE oid = to_regprocedure(%s)
    """
    row = connection.execute(query, [function]).fetchone()
    if row is None:
        return None
    return FunctionRights(str(row[0]), bool(row[1]), tuple(_grants(connection, _OF_FUNCTION, function)))


def schema_usage(grants: Iterable[Grant]) -> str:
    """The statements that let these roles use objects of booksync's schema."""
    grantees = sorted({grant.grantee for grant in grants})
    return "".join(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {grantee};" for grantee in grantees)


def _grants(connection: Raw, query: str, name: str) -> list[Grant]:
    return [Grant(*row) for row in connection.execute(query, [name])]
