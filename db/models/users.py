"""Users, which belong to the host application."""

from sqlalchemy.orm import Mapped

from db.models.base import SHARED, Base, Id


class User(Base):
    """The host application's users; booksync reads and needs nothing but the id."""

    __tablename__ = "users"
    __table_args__ = SHARED

    id: Mapped[Id]
