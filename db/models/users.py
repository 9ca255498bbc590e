"""The table of users, which belongs to the host application."""

from sqlalchemy.orm import Mapped

from db.models.base import SHARED, Base, Id


class User(Base):
    """A user of the host application. booksync reads and needs only the id."""

    __tablename__ = "users"
    __table_args__ = SHARED

    id: Mapped[Id]
