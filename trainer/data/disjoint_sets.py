"""Disjoint sets that are joined until all that belongs together is in one of them (union-find)."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Member = TypeVar("Member", bound=Hashable)


class DisjointSets(Generic[Member]):
    """Sets of members; a member that was not named before is a set of its own."""

    def __init__(self) -> None:
        self._parents: dict[Member, Member] = {}

    def root(self, member: Member) -> Member:
        """The member that stands for the set of this one."""
        parents = self._parents
        parents.setdefault(member, member)
        while parents[member] != member:
            # Each look shortens the way of the next one.
            parents[member] = parents[parents[member]]
            member = parents[member]
        return member

    def join(self, one: Member, other: Member) -> None:
        """Make one set of the sets of two members."""
        self._parents[self.root(one)] = self.root(other)

    def larger_than_one(self) -> tuple[tuple[Member, ...], ...]:
        """The sets with more than one member, each in the order in which its members were named."""
        sets: dict[Member, list[Member]] = {}
        for member in self._parents:
            sets.setdefault(self.root(member), []).append(member)
        return tuple(tuple(each) for each in sets.values() if len(each) > 1)
