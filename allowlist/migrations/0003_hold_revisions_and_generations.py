"""What the database itself promises: revisions never change, generations never shrink, passports are for ever."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION allowlist_hold_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a revision of an entry is never deleted' USING ERRCODE = 'check_violation';
    END IF;
    IF (to_jsonb(NEW) - 'promoted_at') IS DISTINCT FROM (to_jsonb(OLD) - 'promoted_at') THEN
        RAISE EXCEPTION 'a revision of an entry never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.promoted_at IS NOT NULL AND NEW.promoted_at IS DISTINCT FROM OLD.promoted_at THEN
        RAISE EXCEPTION 'a revision is promoted once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER allowlist_hold_revision BEFORE UPDATE OR DELETE ON allowlist_entryrevision
    FOR EACH ROW EXECUTE FUNCTION allowlist_hold_revision();

CREATE FUNCTION allowlist_hold_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an entry is never deleted' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.passport <> OLD.passport OR NEW.created_at <> OLD.created_at THEN
        RAISE EXCEPTION 'an entry keeps its passport' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER allowlist_hold_entry BEFORE UPDATE OR DELETE ON allowlist_entry
    FOR EACH ROW EXECUTE FUNCTION allowlist_hold_entry();

CREATE FUNCTION allowlist_hold_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.generation < OLD.generation THEN
        RAISE EXCEPTION 'a generation never shrinks' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER allowlist_hold_generation BEFORE UPDATE ON allowlist_desirednamespace
    FOR EACH ROW EXECUTE FUNCTION allowlist_hold_generation();
"""

BACKWARD = """
DROP TRIGGER allowlist_hold_generation ON allowlist_desirednamespace;
DROP FUNCTION allowlist_hold_generation();
DROP TRIGGER allowlist_hold_entry ON allowlist_entry;
DROP FUNCTION allowlist_hold_entry();
DROP TRIGGER allowlist_hold_revision ON allowlist_entryrevision;
DROP FUNCTION allowlist_hold_revision();
"""


class Migration(migrations.Migration):
    dependencies = [("allowlist", "0002_note_what_a_generation_was_made_for")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
