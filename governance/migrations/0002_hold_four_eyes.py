"""Four eyes and frozen needs as facts of the database: they hold on every path, a shell and a bulk insert included.

Persons, not accounts: the person behind an account is the one responsible for it, or itself.
"""

from django.db import migrations

PERSON = """
CREATE FUNCTION governance_person(account uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT COALESCE(responsible_id, id) FROM accounts_user WHERE id = account
$$;
"""

APPROVAL = """
CREATE FUNCTION governance_check_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    request governance_egressrequest%ROWTYPE;
BEGIN
    IF NEW.reviewer_person_id IS DISTINCT FROM governance_person(NEW.reviewer_id) THEN
        RAISE EXCEPTION 'the approval names another person than the one behind the account'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_by_the_person_behind_the_account';
    END IF;
    -- Waits for an edit, a withdrawal or another decision that is under way, and then sees its outcome.
    SELECT * INTO request FROM governance_egressrequest WHERE id = NEW.request_id FOR SHARE;
    IF NEW.reviewer_person_id IN (request.requester_person_id, request.last_editor_person_id) THEN
        RAISE EXCEPTION 'who asked for it or edited it last cannot decide it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_by_another_person';
    END IF;
    IF NEW.voided_at IS NULL
       AND (NEW.effect_hash <> request.effect_hash OR NEW.revision <> request.revision) THEN
        RAISE EXCEPTION 'the approval is for another revision or effect than the request has'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_of_the_present_effect';
    END IF;
    IF request.state <> 'in-review' THEN
        RAISE EXCEPTION 'the request is not in review'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_while_in_review';
    END IF;
    IF NEW.decision = 'approve'
       AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(request.needs) need WHERE need ->> 'role' = NEW.role) THEN
        RAISE EXCEPTION 'the request asks for no approval in the role %', NEW.role
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_in_a_needed_role';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION governance_hold_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a decision is never deleted' USING ERRCODE = 'check_violation';
    END IF;
    IF (to_jsonb(NEW) - '{voided_at,voided_because}'::text[])
       IS DISTINCT FROM (to_jsonb(OLD) - '{voided_at,voided_because}'::text[]) THEN
        RAISE EXCEPTION 'a decision never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.voided_at IS NOT NULL AND NEW.voided_at IS DISTINCT FROM OLD.voided_at THEN
        RAISE EXCEPTION 'a voided decision stays void' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER governance_check_approval BEFORE INSERT ON governance_approval
    FOR EACH ROW EXECUTE FUNCTION governance_check_approval();
CREATE TRIGGER governance_hold_approval BEFORE UPDATE OR DELETE ON governance_approval
    FOR EACH ROW EXECUTE FUNCTION governance_hold_approval();
"""

REQUEST = """
CREATE FUNCTION governance_hold_request() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    content constant text[] := '{destination,ports,environments,cluster_labels,namespaces,workload,accepted_widening,data_class,expires_at}';
    fixed constant text[] := '{id,number,kind,team_id,requester_id,requester_person_id,created_at,origin}';
    name text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a request is never deleted' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.requester_person_id IS DISTINCT FROM governance_person(NEW.requester_id)
       AND TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'the request names another person than the one behind the account'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'request_by_the_person_behind_the_account';
    END IF;
    IF NEW.last_editor_person_id IS DISTINCT FROM governance_person(NEW.last_editor_id)
       AND (TG_OP = 'INSERT' OR NEW.last_editor_person_id <> OLD.last_editor_person_id
            OR NEW.last_editor_id <> OLD.last_editor_id) THEN
        RAISE EXCEPTION 'the request names another editor than the one behind the account'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'edit_by_the_person_behind_the_account';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'a request begins as a draft'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_begins_as_draft';
        END IF;
        RETURN NEW;
    END IF;
    FOREACH name IN ARRAY fixed LOOP
        IF to_jsonb(NEW) -> name IS DISTINCT FROM to_jsonb(OLD) -> name THEN
            RAISE EXCEPTION 'the % of a request never changes', name
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_keeps_who_asked';
        END IF;
    END LOOP;
    IF OLD.entry_id IS NOT NULL AND NEW.entry_id IS DISTINCT FROM OLD.entry_id THEN
        RAISE EXCEPTION 'a request keeps its entry' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state NOT IN ('draft', 'in-review', 'changes-requested')
       AND to_jsonb(NEW) IS DISTINCT FROM to_jsonb(OLD) THEN
        RAISE EXCEPTION 'a decided request never changes'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'decided_request_is_final';
    END IF;
    IF NEW.state IN ('approved', 'rejected') AND OLD.state NOT IN ('in-review', NEW.state) THEN
        RAISE EXCEPTION 'only a request in review can be decided'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'request_decided_from_review';
    END IF;
    IF NEW.revision < OLD.revision THEN
        RAISE EXCEPTION 'a revision never shrinks' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.effect_hash <> '' AND NEW.effect_hash = OLD.effect_hash THEN
        FOREACH name IN ARRAY content LOOP
            IF to_jsonb(NEW) -> name IS DISTINCT FROM to_jsonb(OLD) -> name THEN
                RAISE EXCEPTION 'the % changed and the effect did not', name
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'effect_follows_content';
            END IF;
        END LOOP;
        IF NEW.needs IS DISTINCT FROM OLD.needs OR NEW.effect IS DISTINCT FROM OLD.effect THEN
            RAISE EXCEPTION 'needs are frozen for an effect'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'needs_are_frozen';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER governance_hold_request BEFORE INSERT OR UPDATE OR DELETE ON governance_egressrequest
    FOR EACH ROW EXECUTE FUNCTION governance_hold_request();
"""

AT_COMMIT = """
CREATE FUNCTION governance_check_standing(wanted uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    request governance_egressrequest%ROWTYPE;
    missing text;
BEGIN
    SELECT * INTO request FROM governance_egressrequest WHERE id = wanted;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF EXISTS (
        SELECT 1 FROM governance_approval
        WHERE request_id = wanted AND voided_at IS NULL AND decision = 'approve'
          AND (effect_hash <> request.effect_hash
               OR reviewer_person_id IN (request.requester_person_id, request.last_editor_person_id))
    ) THEN
        RAISE EXCEPTION 'an approval stands that is for another effect, or by who asked or edited last'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'standing_approvals_fit';
    END IF;
    IF request.state <> 'approved' THEN
        RETURN;
    END IF;
    IF jsonb_array_length(request.needs) = 0 OR request.decided_at IS NULL THEN
        RAISE EXCEPTION 'a request without needs is never approved'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approved_with_every_approval';
    END IF;
    SELECT need ->> 'role' INTO missing FROM jsonb_array_elements(request.needs) need
        WHERE GREATEST((need ->> 'count')::integer, 1) > (
            SELECT count(DISTINCT reviewer_person_id) FROM governance_approval
            WHERE request_id = wanted AND voided_at IS NULL AND decision = 'approve'
              AND effect_hash = request.effect_hash AND role = need ->> 'role')
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'approvals are missing in the role %', missing
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approved_with_every_approval';
    END IF;
END
$$;

CREATE FUNCTION governance_check_request_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM governance_check_standing(NEW.id);
    RETURN NULL;
END
$$;
CREATE FUNCTION governance_check_approval_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM governance_check_standing(NEW.request_id);
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER governance_request_at_commit AFTER INSERT OR UPDATE ON governance_egressrequest
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance_check_request_at_commit();
CREATE CONSTRAINT TRIGGER governance_approval_at_commit AFTER INSERT OR UPDATE ON governance_approval
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance_check_approval_at_commit();
"""

BACKWARD = """
DROP TRIGGER governance_approval_at_commit ON governance_approval;
DROP TRIGGER governance_request_at_commit ON governance_egressrequest;
DROP TRIGGER governance_hold_request ON governance_egressrequest;
DROP TRIGGER governance_hold_approval ON governance_approval;
DROP TRIGGER governance_check_approval ON governance_approval;
DROP FUNCTION governance_check_approval_at_commit();
DROP FUNCTION governance_check_request_at_commit();
DROP FUNCTION governance_check_standing(uuid);
DROP FUNCTION governance_hold_request();
DROP FUNCTION governance_hold_approval();
DROP FUNCTION governance_check_approval();
DROP FUNCTION governance_person(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_initial"), ("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(PERSON + APPROVAL + REQUEST + AT_COMMIT, BACKWARD),
    ]
