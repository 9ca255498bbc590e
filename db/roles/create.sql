-- The roles of booksync. A superuser runs this in booksync's database, once; running it again changes nothing.
-- Give each role a password afterwards: ALTER ROLE booksync_web PASSWORD '…';
DO $$
DECLARE role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['booksync_owner', 'booksync_worker', 'booksync_web', 'reminder_sender'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE 'CREATE ROLE ' || quote_ident(role) || ' LOGIN';
        END IF;
        -- To compile a statement takes longer than any statement of booksync does.
        EXECUTE 'ALTER ROLE ' || quote_ident(role) || ' SET jit = off';
    END LOOP;
END $$;

-- booksync_owner runs the migrations. It owns the schema booksync, and makes the shared tables in public.
GRANT USAGE, CREATE ON SCHEMA public TO booksync_owner;
CREATE SCHEMA IF NOT EXISTS booksync AUTHORIZATION booksync_owner;
-- Postgres 14 and older let every role create functions and tables here, and so do databases that were upgraded from them.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
