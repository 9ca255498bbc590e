-- Gives booksync's tables, views and functions to booksync_owner, in a database whose superuser has made them. Once, by a superuser.
DO $$
DECLARE statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER TABLE %s OWNER TO booksync_owner', oid::regclass) FROM pg_class
         WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace IN ('public'::regnamespace, 'booksync'::regnamespace)
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO booksync_owner', oid::regprocedure) FROM pg_proc
         WHERE pronamespace IN ('public'::regnamespace, 'booksync'::regnamespace)
    LOOP
        EXECUTE statement;
    END LOOP;
    ALTER SCHEMA booksync OWNER TO booksync_owner;
END $$;
