"""Rights on teams, and tokens, as the services give and take them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from guardian.models import UserObjectPermission

from accounts.errors import AccountDisabled, AlreadyTaken, InvalidAccount, NotFound, NotPermitted, TooManyTokens
from accounts.models import ApiToken, Membership, Role, Scope, Team, User
from accounts.services import (
    create_team,
    disable_account,
    end_membership,
    issue_token,
    revoke_token,
    set_membership,
    update_team,
)
from accounts.services import tokens as token_services
from ledger.models import LedgerEntry
from policy.errors import DomainError
from tests import factories
from tests.accounts.factories import robot_of, token_of

pytestmark = pytest.mark.django_db


def issue(actor: User, account: User, *, ends: datetime | None = None, scopes: tuple[str, ...] = ("read",)):
    return issue_token(
        actor=actor,
        user_id=account.pk,
        label="test",
        scopes=scopes,
        expires_at=ends or timezone.now() + timedelta(days=1),
    )


def test_the_migration_made_a_group_for_each_role() -> None:
    assert set(Role.values) <= set(Group.objects.values_list("name", flat=True))


def test_leaving_a_team_takes_every_right_on_it_and_no_other() -> None:
    first, second = factories.team(), factories.team()
    lead = factories.lead(first)
    set_membership(actor=factories.administrator(), team_id=second.pk, user_id=lead.pk, kind="lead")

    end_membership(actor=factories.administrator(), team_id=first.pk, user_id=lead.pk)

    assert not lead.may_act_for(first)
    assert lead.may_lead(second)
    assert not UserObjectPermission.objects.filter(object_pk=str(first.pk)).exists()


def test_ending_a_membership_that_is_not_there_changes_nothing() -> None:
    team, person = factories.team(), factories.person()
    before = LedgerEntry.objects.count()

    end_membership(actor=factories.administrator(), team_id=team.pk, user_id=person.pk)

    assert LedgerEntry.objects.count() == before


def test_the_same_place_given_again_is_in_the_ledger_once() -> None:
    team = factories.team()
    member = factories.member(team)
    set_membership(actor=factories.administrator(), team_id=team.pk, user_id=member.pk, kind="member")

    entries = LedgerEntry.objects.about(team).filter(action="membership.set")
    assert [(entry.details["before"], entry.details["after"]) for entry in entries] == [("", "member")]


def test_a_permission_on_all_teams_is_no_right_on_any() -> None:
    team, person = factories.team(), factories.person()
    person.user_permissions.set(Permission.objects.filter(codename__in=["act_for_team", "lead_team"]))
    root = User.objects.create_superuser("root@example.com", "correct horse battery")

    for user in (User.objects.get(pk=person.pk), root):
        assert not user.may_act_for(team)
        assert not user.may_lead(team)
        assert not Team.objects.visible_to(user).exists()


def test_a_disabled_account_enters_no_team() -> None:
    team, person = factories.team(), factories.person()
    disable_account(actor=factories.administrator(), user_id=person.pk)

    with pytest.raises(AccountDisabled):
        set_membership(actor=factories.administrator(), team_id=team.pk, user_id=person.pk, kind="member")


@pytest.mark.parametrize("slug", ["", "Upper", "with space", "ümlaut", "a" * 64, "a/b", "a\x00b", "..", "a.b"])
def test_a_bad_short_name_is_refused(slug: str) -> None:
    with pytest.raises(DomainError) as caught:
        create_team(actor=factories.administrator(), slug=slug, name="Name")

    assert "slug" in caught.value.details["fields"]
    assert not Team.objects.exists()


def test_a_short_name_is_taken_once() -> None:
    factories.team("payments")

    with pytest.raises(AlreadyTaken):
        factories.team("payments")


def test_a_change_of_nothing_writes_nothing() -> None:
    team = factories.team()
    before = LedgerEntry.objects.count()

    update_team(actor=factories.administrator(), team_id=team.pk, name=team.name, contact=team.contact)

    assert LedgerEntry.objects.count() == before


def test_an_unknown_team_or_place_is_refused() -> None:
    admin, person, team = factories.administrator(), factories.person(), factories.team()

    with pytest.raises(NotFound):
        set_membership(actor=admin, team_id=person.pk, user_id=person.pk, kind="member")
    with pytest.raises(InvalidAccount):
        set_membership(actor=admin, team_id=team.pk, user_id=person.pk, kind="king")
    assert not Membership.objects.exists()


def test_the_secret_is_kept_as_a_digest_and_out_of_the_ledger() -> None:
    person = factories.person()

    token, secret = issue(person, person)

    entry = LedgerEntry.objects.first()
    assert entry.action == "token.issued"
    assert entry.details["prefix"] == token.prefix == secret[:15]
    assert secret[15:] not in str(entry.details)
    assert token.digest not in str(entry.details)
    assert secret not in str(ApiToken.objects.values())


def test_tokens_are_issued_by_whom_they_open_or_who_answers_for_it() -> None:
    admin, person, other = factories.administrator(), factories.person(), factories.person()
    robot = robot_of(person)

    for actor, account in [(person, person), (person, robot), (admin, robot), (admin, admin)]:
        assert issue(actor, account)[0].user == account
    for actor, account in [(admin, person), (other, person), (other, robot), (robot, person)]:
        with pytest.raises(NotPermitted):
            issue(actor, account)


@pytest.mark.parametrize("days", [-1, 0, 367, 100_000])
def test_the_end_of_a_token_lies_within_a_year(days: int) -> None:
    person = factories.person()

    with pytest.raises(InvalidAccount):
        issue(person, person, ends=timezone.now() + timedelta(days=days))


def test_the_end_of_a_token_needs_a_time_zone() -> None:
    person = factories.person()

    with pytest.raises(InvalidAccount):
        issue(person, person, ends=datetime(2026, 12, 1))


@pytest.mark.parametrize("scopes", [(), ("everything",), ("read", "everything")])
def test_scopes_are_named_and_known(scopes: tuple[str, ...]) -> None:
    person = factories.person()

    with pytest.raises(InvalidAccount):
        issue(person, person, scopes=scopes)


def test_scopes_are_kept_once_and_in_order() -> None:
    person = factories.person()

    token, _secret = issue(person, person, scopes=("operate", "read", "operate"))

    assert token.scopes == [Scope.READ, Scope.OPERATE]


def test_an_account_carries_a_bounded_number_of_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_services, "MOST_TOKENS", 2)
    person = factories.person()
    issue(person, person)
    issue(person, person)

    with pytest.raises(TooManyTokens):
        issue(person, person)


def test_a_program_of_a_disabled_person_gets_no_token() -> None:
    person = factories.person()
    robot = robot_of(person)
    User.objects.filter(pk=person.pk).update(is_active=False)

    with pytest.raises(AccountDisabled):
        issue(factories.administrator(), robot)


def test_revoking_is_for_the_holder_their_person_and_administrators() -> None:
    admin, person, other = factories.administrator(), factories.person(), factories.person()
    token_of(person)
    token = ApiToken.objects.get()

    with pytest.raises(NotFound):
        revoke_token(actor=other, token_id=token.id)
    revoke_token(actor=admin, token_id=token.id)

    assert not ApiToken.objects.exists()
    assert LedgerEntry.objects.first().action == "token.revoked"
