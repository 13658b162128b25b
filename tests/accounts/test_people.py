"""Accounts: who may make and end them, and what goes with an account that ends."""

import pytest

from accounts.errors import (
    AccountDisabled,
    AlreadyTaken,
    InvalidAccount,
    InvalidText,
    LastAdministrator,
    NotFound,
    NotPermitted,
)
from accounts.models import ApiToken, Role, User
from accounts.services import (
    change_password,
    create_automation_account,
    create_person,
    disable_account,
    enable_account,
    grant_role,
    set_password,
    system_account,
    withdraw_role,
)
from ledger.models import LedgerEntry
from tests import factories
from tests.accounts.factories import token_of

pytestmark = pytest.mark.django_db
GOOD_PASSWORD = "correct horse battery"


def test_a_fresh_installation_makes_its_first_administrator_without_an_actor() -> None:
    user = create_person(actor=None, email="First@Example.com", display_name="First")
    grant_role(actor=None, user_id=user.pk, role=Role.ADMINISTRATOR)

    assert User.objects.get().email == "first@example.com"
    assert User.objects.get().has_role(Role.ADMINISTRATOR)


def test_nobody_acts_anonymously_once_there_is_an_administrator() -> None:
    factories.administrator()

    with pytest.raises(NotPermitted):
        create_person(actor=None, email="second@example.com", display_name="Second")


@pytest.mark.parametrize("role", [Role.SECURITY_REVIEWER, Role.PLATFORM_ENGINEER, Role.AUDITOR, None])
def test_only_administrators_make_accounts(role: str | None) -> None:
    someone = factories.person(roles=(role,) if role else ())

    with pytest.raises(NotPermitted):
        create_person(actor=someone, email="other@example.com", display_name="Other")

    assert not User.objects.filter(email="other@example.com").exists()


def test_an_address_is_taken_in_any_case() -> None:
    factories.person("mara")

    with pytest.raises(AlreadyTaken) as caught:
        create_person(actor=factories.administrator(), email="MARA@example.com", display_name="Mara")

    assert "email" in caught.value.details["fields"]


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("not an address", "Name"),
        ("a@b", "Name"),
        ("", "Name"),
        ("a@example.com\nBcc: x@example.com", "Name"),
        ("a@example.com", ""),
        ("a@example.com", "Na\x00me"),
        ("a@example.com", "Na\u202eme"),
        ("a@example.com", "Na\ud800me"),
        ("a@example.com", "N" * 121),
        ("a" * 300 + "@example.com", "Name"),
    ],
)
def test_an_account_with_a_bad_field_is_refused_by_field(email: str, name: str) -> None:
    with pytest.raises((InvalidAccount, InvalidText)) as caught:
        create_person(actor=factories.administrator(), email=email, display_name=name)

    assert set(caught.value.details["fields"]) <= {"email", "display_name"}


def test_a_weak_password_is_refused_and_no_account_is_made() -> None:
    with pytest.raises(InvalidAccount) as caught:
        create_person(actor=factories.administrator(), email="w@example.com", display_name="W", password="short")

    assert "password" in caught.value.details["fields"]
    assert not User.objects.filter(email="w@example.com").exists()


def test_an_account_without_a_password_cannot_sign_in_by_one() -> None:
    assert not factories.person().has_usable_password()


def test_creation_is_in_the_ledger_without_the_password() -> None:
    create_person(actor=factories.administrator(), email="x@example.com", display_name="Xenia", password=GOOD_PASSWORD)

    entry = LedgerEntry.objects.first()
    assert (entry.action, entry.subject_name) == ("person.created", "Xenia")
    assert GOOD_PASSWORD not in str(entry.details)


def test_an_automation_account_counts_as_the_person_who_answers_for_it() -> None:
    person = factories.person()

    robot = create_automation_account(
        actor=factories.administrator(), email="bot@example.com", display_name="Bot", responsible=person
    )

    assert robot.person_id == person.person_id
    assert robot.is_automation


def test_a_program_cannot_answer_for_a_program() -> None:
    person = factories.person()
    admin = factories.administrator()
    robot = create_automation_account(actor=admin, email="bot@example.com", display_name="Bot", responsible=person)

    with pytest.raises(InvalidAccount):
        create_automation_account(actor=admin, email="bot2@example.com", display_name="Bot 2", responsible=robot)


def test_a_disabled_account_loses_tokens_password_and_the_programs_it_answers_for() -> None:
    admin, person = factories.administrator(), factories.person()
    set_password(actor=admin, user_id=person.pk, password=GOOD_PASSWORD)
    token_of(person)
    robot = create_automation_account(actor=admin, email="bot@example.com", display_name="Bot", responsible=person)
    token_of(robot)

    disable_account(actor=admin, user_id=person.pk)

    person, robot = User.objects.get(pk=person.pk), User.objects.get(pk=robot.pk)
    assert not person.is_active
    assert not robot.is_active
    assert not person.has_usable_password()
    assert not ApiToken.objects.exists()
    assert LedgerEntry.objects.filter(action="account.disabled").count() == 2


def test_a_disabled_account_holds_no_right_even_where_rows_of_it_remain() -> None:
    team = factories.team()
    lead = factories.lead(team)
    reviewer = factories.reviewer()

    for user in (lead, reviewer):
        disable_account(actor=factories.administrator(), user_id=user.pk)

    lead, reviewer = User.objects.get(pk=lead.pk), User.objects.get(pk=reviewer.pk)
    assert not lead.may_act_for(team)
    assert not lead.may_lead(team)
    assert not reviewer.has_role(Role.SECURITY_REVIEWER)
    assert not reviewer.sees_every_team


def test_an_account_enabled_again_has_no_password_and_no_tokens() -> None:
    admin, person = factories.administrator(), factories.person()
    set_password(actor=admin, user_id=person.pk, password=GOOD_PASSWORD)
    disable_account(actor=admin, user_id=person.pk)

    user = enable_account(actor=admin, user_id=person.pk)

    assert user.is_active
    assert not user.has_usable_password()


def test_a_program_of_a_disabled_person_cannot_be_enabled() -> None:
    admin, person = factories.administrator(), factories.person()
    robot = create_automation_account(actor=admin, email="bot@example.com", display_name="Bot", responsible=person)
    disable_account(actor=admin, user_id=person.pk)

    with pytest.raises(InvalidAccount):
        enable_account(actor=admin, user_id=robot.pk)


def test_the_last_administrator_can_neither_be_disabled_nor_lose_the_role() -> None:
    admin = factories.administrator()

    with pytest.raises(LastAdministrator):
        disable_account(actor=admin, user_id=admin.pk)
    with pytest.raises(LastAdministrator):
        withdraw_role(actor=admin, user_id=admin.pk, role=Role.ADMINISTRATOR)

    assert User.objects.get(pk=admin.pk).has_role(Role.ADMINISTRATOR)


def test_a_second_administrator_lets_the_first_one_go() -> None:
    first = factories.administrator()
    second = factories.person(roles=(Role.ADMINISTRATOR,))

    disable_account(actor=second, user_id=first.pk)

    assert not User.objects.get(pk=first.pk).is_active


def test_a_disabled_account_takes_no_role() -> None:
    admin, person = factories.administrator(), factories.person()
    disable_account(actor=admin, user_id=person.pk)

    with pytest.raises(AccountDisabled):
        grant_role(actor=admin, user_id=person.pk, role=Role.AUDITOR)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.SECURITY_REVIEWER])
def test_a_program_takes_no_role_that_is_for_people(role: str) -> None:
    admin = factories.administrator()
    robot = create_automation_account(
        actor=admin, email="bot@example.com", display_name="Bot", responsible=factories.person()
    )

    with pytest.raises(InvalidAccount):
        grant_role(actor=admin, user_id=robot.pk, role=role)


def test_a_role_given_twice_is_in_the_ledger_once() -> None:
    person = factories.person(roles=(Role.AUDITOR, Role.AUDITOR))

    assert LedgerEntry.objects.about(person).filter(action="role.granted").count() == 1


def test_an_unknown_role_or_account_is_refused() -> None:
    admin = factories.administrator()

    with pytest.raises(InvalidAccount):
        grant_role(actor=admin, user_id=admin.pk, role="king")
    with pytest.raises(NotFound):
        grant_role(actor=admin, user_id=factories.team().pk, role=Role.AUDITOR)


def test_changing_ones_password_needs_the_current_one() -> None:
    person = factories.person()
    set_password(actor=factories.administrator(), user_id=person.pk, password=GOOD_PASSWORD)

    with pytest.raises(InvalidAccount):
        change_password(actor=person, current="a wrong guess", password="another long secret")
    change_password(actor=person, current=GOOD_PASSWORD, password="another long secret")

    assert User.objects.get(pk=person.pk).check_password("another long secret")


def test_a_system_account_is_made_once_and_only_under_its_own_domain() -> None:
    first = system_account(email="campaigns@sallyport.invalid", display_name="Campaigns")
    second = system_account(email="campaigns@sallyport.invalid", display_name="Campaigns")

    assert first == second
    assert not first.has_usable_password()
    assert first.responsible is None
    with pytest.raises(InvalidAccount):
        system_account(email="campaigns@example.com", display_name="Campaigns")
    with pytest.raises(NotPermitted):
        create_person(actor=factories.administrator(), email="x@sallyport.invalid", display_name="X")
