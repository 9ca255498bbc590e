"""The functions that host applications call, as Postgres's catalogue describes them."""

from dataclasses import dataclass

from sqlalchemy import text

from db.session import Session


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter, or a column of the result, with its type in Postgres."""

    name: str
    type: str
    default: str | None = None  #: an expression of SQL


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A function in booksync's schema. `columns` is empty if it returns one value of the type `result`."""

    name: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Parameter, ...]
    result: str

    @property
    def given(self) -> tuple[Parameter, ...]:
        """The parameters that an application gives."""
        return tuple(each for each in self.parameters if each.name != _CLOCK)


#: The parameter with the present time, which only tests give.
_CLOCK = "moment"

#: The former name of handover_id, which the claim returns until 0.5.
_FORMER_COLUMN = "contact_id"

_FUNCTIONS = text("""
    SELECT routine.proname::text, format_type(routine.prorettype, NULL),
           array_agg(argument.name ORDER BY place), array_agg(format_type(argument.type, NULL) ORDER BY place),
           array_agg(argument.mode::text ORDER BY place),
           array_agg(pg_get_function_arg_default(routine.oid, place::integer) ORDER BY place)
      FROM pg_proc AS routine
     CROSS JOIN LATERAL unnest(
           routine.proargnames, coalesce(routine.proallargtypes, routine.proargtypes::oid[]),
           coalesce(routine.proargmodes, array_fill('i'::"char", ARRAY[routine.pronargs::integer]))
     ) WITH ORDINALITY AS argument (name, type, mode, place)
     WHERE routine.pronamespace = 'booksync'::regnamespace
       AND routine.proname IN ('claim_due_reminders', 'report_outcome')
     GROUP BY routine.oid, routine.proname, routine.prorettype
     ORDER BY routine.proname
""")


def host_functions(db: Session) -> list[HostFunction]:
    """The functions of the handover for host applications, by name."""
    found = []
    for name, result, *arguments in db.execute(_FUNCTIONS):
        given, columns = [], []
        for each, kind, mode, default in zip(*arguments, strict=True):
            if mode == "i":
                given.append(Parameter(each, kind, default))
            elif each != _FORMER_COLUMN:
                columns.append(Parameter(each, kind))
        found.append(HostFunction(name, tuple(given), tuple(columns), result))
    return found
