"""Tables, columns and rules, from the same metadata that the migrations come from."""

from collections import defaultdict

from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase

from scripts.reference import source
from shopkit.core.kernel.tables import Base
from shopkit.migrations.tables import metadata

DIALECT = postgresql.dialect()


def by_domain() -> dict[str, list[Table]]:
    """Domain to its tables, both in alphabetical order."""
    classes = _classes()
    grouped: dict[str, list[Table]] = defaultdict(list)
    for name in sorted(metadata.tables):
        grouped[classes[name].__module__.split(".")[2]].append(metadata.tables[name])
    return dict(sorted(grouped.items()))


def page() -> str:
    """The page of all tables."""
    parts = [
        "# Tables\n\n"
        "Every table of a tenant has the primary key `(tenant_id, id)`; `tenant_id` fills itself from the transaction, "
        "references carry it, and row security shows a transaction only its own tenant's rows. Money is whole minor "
        "units. The drawings are under [entities and relations](er.md).\n\n"
    ]
    for domain, tables in by_domain().items():
        parts += [f"## {domain}\n\n", *(_section(table) for table in tables)]
    return "".join(parts)


def type_of(column: Column[object]) -> str:
    """The column's type in PostgreSQL's words."""
    return column.type.compile(dialect=DIALECT).lower().replace("timestamp with time zone", "timestamptz")


def columns(table: Table) -> list[Column[object]]:
    """The table's columns, its key first."""
    return sorted(table.columns, key=lambda column: (not column.primary_key, column.name == "id"))


def _full_type(column: Column[object]) -> str:
    return f"{type_of(column)} or null" if column.nullable else type_of(column)


def _section(table: Table) -> str:
    class_ = _classes()[table.name]
    sentences = source.field_sentences(class_)
    names = {prop.columns[0].name: prop.key for prop in class_.__mapper__.column_attrs}
    rows = [
        [f"`{column.name}`", _full_type(column), _default(column), sentences.get(names[column.name], "")]
        for column in columns(table)
    ]
    marks = "Rows are only added, never changed.\n\n" if table.info.get("append_only") else ""
    return (
        f"### {table.name}\n\n{source.summary(class_)}\n\n{marks}"
        + source.table(["Column", "Type", "Default", "Meaning"], rows)
        + "".join(f"- {rule}\n" for rule in _rules(table))
        + "\n"
    )


def _default(column: Column[object]) -> str:
    default = getattr(column.server_default, "arg", None)
    if column.name == "tenant_id":
        return "the transaction's"
    if column.primary_key and column.default is not None:
        return "a new UUIDv7"
    if default is not None:
        return f"`{default or repr(default)}`" if isinstance(default, str) else f"`{default.compile(dialect=DIALECT)}`"
    return "counted" if column.identity else ""


def _rules(table: Table) -> list[str]:
    references = sorted(
        f"`{', '.join(key.column_keys)}` → `{key.referred_table.name}`" for key in table.foreign_key_constraints
    )
    checks = sorted(
        f"{_rule_name(table, rule)}: `{source.one_line(str(rule.sqltext))}`"
        for rule in table.constraints
        if isinstance(rule, CheckConstraint)
    )
    return references + sorted(_unique(table)) + checks


def _rule_name(table: Table, rule: CheckConstraint) -> str:
    return str(rule.name).removeprefix(f"ck_{table.name}_").replace("_", " ")


def _unique(table: Table) -> list[str]:
    whole = [rule.columns.keys() for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    return [f"unique `{', '.join(columns)}`" for columns in whole] + [
        f"unique `{', '.join(index.columns.keys())}`{_where(index)}" for index in table.indexes if index.unique
    ]


def _where(index: Index) -> str:
    condition = index.dialect_options["postgresql"]["where"]
    return "" if condition is None else f" where `{condition}`"


def _classes() -> dict[str, type[DeclarativeBase]]:
    return {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}
