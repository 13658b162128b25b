"""Pages of people, teams and tokens: who sees what, and what a form does."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, Membership, Role, Team, User
from accounts.services import (
    create_person,
    disable_account,
    enable_account,
    end_membership,
    set_membership,
    set_password,
    withdraw_role,
)
from tests import factories
from tests.accounts.factories import robot_of, token_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def admin_client() -> Client:
    return signed_in(factories.administrator())


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def with_password(user: User) -> User:
    return set_password(actor=factories.administrator(), user_id=user.pk, password=PASSWORD)


PAGES = ("accounts:people", "accounts:teams", "accounts:tokens", "accounts:password")


@pytest.mark.parametrize("name", PAGES)
def test_a_visitor_is_sent_to_the_sign_in_page(client: Client, name: str) -> None:
    response = client.get(reverse(name))

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("accounts:sign-in"))


@pytest.mark.parametrize("name", PAGES)
def test_each_page_opens_for_anybody_who_is_signed_in(name: str) -> None:
    assert signed_in(factories.person()).get(reverse(name)).status_code == 200


def test_signing_in_takes_the_address_in_any_case_and_leads_on(client: Client) -> None:
    with_password(factories.person("mara"))

    response = client.post(
        reverse("accounts:sign-in"), {"username": "MARA@example.com", "password": PASSWORD, "next": "/teams/"}
    )

    assert response["Location"] == "/teams/"
    assert client.get("/teams/").status_code == 200


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(client: Client, target: str) -> None:
    with_password(factories.person("mara"))

    response = client.post(
        reverse("accounts:sign-in"), {"username": "mara@example.com", "password": PASSWORD, "next": target}
    )

    assert response["Location"] == "/"


def test_wrong_password_unknown_account_and_disabled_account_read_the_same(client: Client) -> None:
    with_password(factories.person("mara"))
    disabled = with_password(factories.person("dora"))
    disable_account(actor=factories.administrator(), user_id=disabled.pk)

    answers = [
        client.post(reverse("accounts:sign-in"), {"username": f"{name}@example.com", "password": "wrong wrong wrong"})
        for name in ("mara", "nobody", "dora")
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert len({str(answer.context["form"].errors) for answer in answers}) == 1


def test_signing_in_is_closed_for_a_while_after_too_many_failures(client: Client, settings) -> None:
    with_password(factories.person("mara"))
    guess = {"username": "mara@example.com", "password": "wrong wrong wrong"}

    answers = [client.post(reverse("accounts:sign-in"), guess).status_code for _ in range(settings.AXES_FAILURE_LIMIT)]
    right = client.post(reverse("accounts:sign-in"), {**guess, "password": PASSWORD})

    assert answers[-1] == 429
    assert right.status_code == 429
    assert "_auth_user_id" not in client.session


def test_failures_on_one_account_do_not_close_another(client: Client, settings) -> None:
    with_password(factories.person("mara"))
    with_password(factories.person("nora"))
    for _ in range(settings.AXES_FAILURE_LIMIT):
        client.post(reverse("accounts:sign-in"), {"username": "mara@example.com", "password": "wrong wrong wrong"})

    response = client.post(reverse("accounts:sign-in"), {"username": "nora@example.com", "password": PASSWORD})

    assert response.status_code == 302


def test_signing_out_ends_the_session_and_needs_a_post() -> None:
    client = signed_in(factories.person())

    assert client.get(reverse("accounts:sign-out")).status_code == 405
    client.post(reverse("accounts:sign-out"))

    assert client.get(reverse("accounts:tokens")).status_code == 302


def test_posts_need_the_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.administrator(), backend="django.contrib.auth.backends.ModelBackend")

    response = client.post(reverse("accounts:team-new"), {"slug": "x", "name": "X"})

    assert response.status_code == 403
    assert not Team.objects.exists()


def _demo_person() -> User:
    return create_person(actor=factories.administrator(), email="lena@demo.sallyport.invalid", display_name="Lena Lead")


def test_the_demo_people_are_buttons_in_demo_mode_only(client: Client, settings) -> None:
    person = _demo_person()

    without = client.get(reverse("accounts:sign-in")).content.decode()
    settings.DEMO_MODE = True
    shown = client.get(reverse("accounts:sign-in")).content.decode()

    assert "Lena Lead" not in without
    assert "Lena Lead" in shown
    assert client.post(reverse("accounts:sign-in-as", args=[person.pk])).status_code == 302
    assert client.session["_auth_user_id"] == str(person.pk)


def test_nobody_signs_in_as_a_demo_person_outside_demo_mode(client: Client) -> None:
    person = _demo_person()

    assert client.post(reverse("accounts:sign-in-as", args=[person.pk])).status_code == 404


def test_demo_mode_never_opens_an_ordinary_or_disabled_account(client: Client, settings) -> None:
    settings.DEMO_MODE = True
    demo = _demo_person()
    disable_account(actor=factories.administrator(), user_id=demo.pk)

    for user in (factories.administrator(), factories.person(), demo):
        assert client.post(reverse("accounts:sign-in-as", args=[user.pk])).status_code == 404


def test_demo_sign_in_needs_a_post(client: Client, settings) -> None:
    settings.DEMO_MODE = True

    assert client.get(reverse("accounts:sign-in-as", args=[_demo_person().pk])).status_code == 405


def test_a_disabled_person_is_out_at_the_next_click() -> None:
    person = with_password(factories.person())
    client = signed_in(person)
    assert client.get(reverse("accounts:tokens")).status_code == 200

    disable_account(actor=factories.administrator(), user_id=person.pk)

    assert client.get(reverse("accounts:tokens")).status_code == 302


def test_a_session_from_before_the_disabling_does_not_come_back_with_the_account() -> None:
    person = with_password(factories.person())
    client = signed_in(person)
    disable_account(actor=factories.administrator(), user_id=person.pk)

    enable_account(actor=factories.administrator(), user_id=person.pk)

    assert client.get(reverse("accounts:tokens")).status_code == 302


def test_a_role_change_holds_from_the_next_click() -> None:
    person = factories.person(roles=(Role.ADMINISTRATOR,))
    client = signed_in(person)
    assert client.get(reverse("accounts:person-new")).status_code == 200

    withdraw_role(actor=factories.administrator(), user_id=person.pk, role=Role.ADMINISTRATOR)

    assert client.get(reverse("accounts:person-new")).status_code == 403


def test_the_end_of_a_membership_holds_from_the_next_click() -> None:
    team = factories.team()
    member = factories.member(team)
    client = signed_in(member)
    assert client.get(reverse("accounts:team", args=[team.slug])).status_code == 200

    end_membership(actor=factories.administrator(), team_id=team.pk, user_id=member.pk)

    assert client.get(reverse("accounts:team", args=[team.slug])).status_code == 404


def test_a_person_sees_the_people_of_their_teams_and_nobody_else() -> None:
    ours, theirs = factories.team("ours"), factories.team("theirs")
    me, colleague, stranger = factories.member(ours), factories.lead(ours), factories.member(theirs)
    client = signed_in(me)

    page = client.get(reverse("accounts:people")).content.decode()

    assert colleague.email in page
    assert stranger.email not in page
    assert client.get(reverse("accounts:person", args=[colleague.pk])).status_code == 200
    assert client.get(reverse("accounts:person", args=[stranger.pk])).status_code == 404
    assert client.get(reverse("accounts:team", args=[theirs.slug])).status_code == 404


def test_other_teams_of_a_colleague_stay_unknown() -> None:
    ours, theirs = factories.team("ours"), factories.team("secret-project")
    me, colleague = factories.member(ours), factories.member(ours)
    set_membership(actor=factories.administrator(), team_id=theirs.pk, user_id=colleague.pk, kind="member")
    client = signed_in(me)

    for page in (reverse("accounts:people"), reverse("accounts:person", args=[colleague.pk])):
        assert "Secret-Project" not in client.get(page).content.decode()


ADMIN_POSTS = [
    ("accounts:role-grant", {"role": Role.AUDITOR}),
    ("accounts:disable", {}),
    ("accounts:enable", {}),
    ("accounts:password-set", {"password": PASSWORD}),
]


@pytest.mark.parametrize(("name", "fields"), ADMIN_POSTS)
@pytest.mark.parametrize("role", [Role.SECURITY_REVIEWER, Role.PLATFORM_ENGINEER, Role.AUDITOR])
def test_only_an_administrator_changes_accounts(name: str, fields: dict[str, str], role: str) -> None:
    actor, person = factories.person(roles=(role,)), factories.person()

    response = signed_in(actor).post(reverse(name, args=[person.pk]), fields)

    assert response.status_code in (403, 422)
    after = User.objects.get(pk=person.pk)
    assert after.is_active
    assert not after.roles
    assert not after.has_usable_password()


def test_an_administrator_makes_a_person_by_form(admin_client: Client) -> None:
    response = admin_client.post(
        reverse("accounts:person-new"), {"email": "new@example.com", "display_name": "New", "password": PASSWORD}
    )

    assert response["Location"] == reverse("accounts:person", args=[User.objects.get(email="new@example.com").pk])


def test_a_refused_form_keeps_what_was_typed_and_says_why_beside_the_field(admin_client: Client) -> None:
    response = admin_client.post(
        reverse("accounts:person-new"), {"email": "admin@example.com", "display_name": "Twice", "password": ""}
    )

    assert response.status_code == 422
    assert response.context["form"].errors["email"]
    assert "Twice" in response.content.decode()


def test_an_administrator_makes_a_program_by_form(admin_client: Client) -> None:
    person = factories.person()

    admin_client.post(
        reverse("accounts:automation-new"),
        {"email": "bot@example.com", "display_name": "Bot", "responsible": person.pk},
    )

    assert User.objects.get(email="bot@example.com").responsible == person


def test_roles_are_granted_and_withdrawn_by_form(admin_client: Client) -> None:
    person = factories.person()

    admin_client.post(reverse("accounts:role-grant", args=[person.pk]), {"role": Role.AUDITOR})
    granted = User.objects.get(pk=person.pk).roles
    admin_client.post(reverse("accounts:role-withdraw", args=[person.pk, Role.AUDITOR]))

    assert granted == {Role.AUDITOR}
    assert not User.objects.get(pk=person.pk).roles


def test_a_team_is_made_edited_and_filled_by_form(admin_client: Client) -> None:
    person = factories.person()

    admin_client.post(reverse("accounts:team-new"), {"slug": "payments", "name": "Payments"})
    admin_client.post(reverse("accounts:team-edit", args=["payments"]), {"name": "Payments", "contact": "#pay"})
    admin_client.post(reverse("accounts:member-set", args=["payments"]), {"email": person.email, "kind": "lead"})

    team = Team.objects.get(slug="payments")
    assert team.contact == "#pay"
    assert person.may_lead(team)

    admin_client.post(reverse("accounts:member-end", args=["payments", person.pk]))
    assert not person.may_act_for(team)
    assert not Membership.objects.exists()


def test_an_unknown_address_is_said_beside_the_field(admin_client: Client) -> None:
    team = factories.team()

    response = admin_client.post(
        reverse("accounts:member-set", args=[team.slug]), {"email": "who@example.com", "kind": "lead"}
    )

    assert response.status_code == 422
    assert response.context["member_form"].errors["email"]


def test_a_lead_does_not_choose_who_is_in_the_team() -> None:
    team = factories.team()
    lead, outsider = factories.lead(team), factories.person()

    response = signed_in(lead).post(
        reverse("accounts:member-set", args=[team.slug]), {"email": outsider.email, "kind": "member"}
    )

    assert response.status_code == 403
    assert not outsider.may_act_for(team)


def test_a_token_is_shown_once_and_kept_as_a_digest() -> None:
    person = factories.person()
    client = signed_in(person)
    day = {"account": person.pk, "label": "ci", "scopes": ["read"], "expires_on": "2026-12-24"}

    with time_machine.travel("2026-11-23T12:00:00Z", tick=False):
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        issued = client.post(reverse("accounts:tokens"), day)
        again = client.get(reverse("accounts:tokens")).content.decode()

    secret = issued.context["secret"]
    token = ApiToken.objects.get()
    assert issued.status_code == 201
    assert "no-store" in issued["Cache-Control"]
    assert secret in issued.content.decode()
    assert secret not in again
    assert secret not in (token.digest, token.token_key)
    assert token.prefix in again


def test_a_token_cannot_be_issued_for_another_person_by_form() -> None:
    me, other = factories.person(), factories.person()

    response = signed_in(me).post(
        reverse("accounts:tokens"),
        {"account": other.pk, "label": "x", "scopes": ["read"], "expires_on": "2027-01-01"},
    )

    assert response.status_code == 422
    assert not ApiToken.objects.exists()


def test_a_person_revokes_their_own_and_their_programs_tokens_only() -> None:
    me, other = factories.person(), factories.person()
    robot = robot_of(me)
    for user in (me, robot, other):
        token_of(user)
    client = signed_in(me)

    answers = {
        user.pk: client.post(reverse("accounts:token-revoke", args=[ApiToken.objects.get(user=user).id])).status_code
        for user in (me, robot, other)
    }

    assert answers == {me.pk: 302, robot.pk: 302, other.pk: 404}
    assert [token.user for token in ApiToken.objects.all()] == [other]


NASTY = ["\x00", "%00", "\u202e", "🙂" * 300, "9" * 5000, "'; DROP TABLE x; --", "{{7*7}}", "<script>"]


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("page", ["accounts:people", "accounts:teams", "ledger:list", "notifications:list"])
def test_no_filter_or_page_number_breaks_a_list(page: str, text: str) -> None:
    client = signed_in(factories.administrator())

    for parameter in (
        "text",
        "role",
        "team",
        "state",
        "page",
        "action",
        "actor",
        "subject",
        "origin",
        "since",
        "unread",
    ):
        assert client.get(reverse(page), {parameter: text}).status_code == 200


@pytest.mark.parametrize("text", NASTY)
def test_no_text_in_a_form_breaks_a_page(text: str, admin_client: Client) -> None:
    team = factories.team()
    posts = [
        (reverse("accounts:sign-in"), {"username": text, "password": text}),
        (reverse("accounts:person-new"), {"email": text, "display_name": text, "password": text}),
        (reverse("accounts:automation-new"), {"email": text, "display_name": text, "responsible": text}),
        (reverse("accounts:team-new"), {"slug": text, "name": text, "contact": text}),
        (reverse("accounts:team-edit", args=[team.slug]), {"name": text, "contact": text}),
        (reverse("accounts:member-set", args=[team.slug]), {"email": text, "kind": text}),
        (reverse("accounts:tokens"), {"account": text, "label": text, "scopes": text, "expires_on": text}),
    ]

    for address, fields in posts:
        assert admin_client.post(address, fields).status_code in (302, 422)
