"""Pages of people, teams and tokens."""

from django.urls import path

from accounts.views import people, signing_in, teams, tokens

app_name = "accounts"
urlpatterns = [
    path("sign-in/", signing_in.sign_in, name="sign-in"),
    path("sign-in/as/<uuid:pk>/", signing_in.sign_in_as, name="sign-in-as"),
    path("sign-out/", signing_in.sign_out, name="sign-out"),
    path("people/", people.people, name="people"),
    path("people/new/", people.new_person, name="person-new"),
    path("people/new-automation/", people.new_automation_account, name="automation-new"),
    path("people/<uuid:pk>/", people.person, name="person"),
    path("people/<uuid:pk>/role/", people.grant_role, name="role-grant"),
    path("people/<uuid:pk>/role/<slug:role>/withdraw/", people.withdraw_role, name="role-withdraw"),
    path("people/<uuid:pk>/disable/", people.disable, name="disable"),
    path("people/<uuid:pk>/enable/", people.enable, name="enable"),
    path("people/<uuid:pk>/password/", people.set_password, name="password-set"),
    path("password/", people.change_password, name="password"),
    path("teams/", teams.teams, name="teams"),
    path("teams/new/", teams.new_team, name="team-new"),
    path("teams/<slug:slug>/", teams.team, name="team"),
    path("teams/<slug:slug>/edit/", teams.edit_team, name="team-edit"),
    path("teams/<slug:slug>/members/", teams.set_member, name="member-set"),
    path("teams/<slug:slug>/members/<uuid:pk>/end/", teams.end_member, name="member-end"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<uuid:pk>/revoke/", tokens.revoke, name="token-revoke"),
]
