-- name: granted
WITH listed AS (
    SELECT 'database' AS kind, 'this' AS object, CAST(NULL AS name) AS part, d.datdba AS owner,
        coalesce(d.datacl, acldefault('d', d.datdba)) AS acl
    FROM pg_database AS d WHERE d.datname = current_database()
    UNION ALL
    SELECT 'schema', n.nspname, NULL, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner))
    FROM pg_namespace AS n WHERE n.nspname IN ('encompass', 'public')
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, c.relname, NULL, c.relowner,
        coalesce(c.relacl, acldefault(CAST(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END AS "char"), c.relowner))
    FROM pg_class AS c
    WHERE c.relnamespace = CAST('encompass' AS regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'table', c.relname, a.attname, c.relowner, a.attacl
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = CAST('encompass' AS regnamespace) AND a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT 'function', p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', NULL, p.proowner,
        coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc AS p WHERE p.pronamespace = CAST('encompass' AS regnamespace)
)
SELECT coalesce(r.rolname, 'PUBLIC') AS grantee, l.kind, l.object, e.privilege_type AS privilege, e.is_grantable,
    array_agg(l.part ORDER BY l.part) FILTER (WHERE l.part IS NOT NULL) AS columns
FROM listed AS l
CROSS JOIN LATERAL aclexplode(l.acl) AS e
LEFT JOIN pg_roles AS r ON r.oid = e.grantee
WHERE e.grantee <> l.owner
GROUP BY r.rolname, l.kind, l.object, e.privilege_type, e.is_grantable, l.part IS NULL
ORDER BY 1, 2, 3, 4, 6 NULLS FIRST

-- name: policies
SELECT p.tablename, p.policyname, p.permissive, p.cmd, CAST(p.roles AS text []) AS roles
FROM pg_policies AS p WHERE p.schemaname = 'encompass' ORDER BY 1, 2

-- name: unforced
SELECT c.relname FROM pg_class AS c
WHERE c.relnamespace = CAST('encompass' AS regnamespace) AND c.relkind IN ('r', 'p')
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
ORDER BY 1

-- name: definers
SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name, o.rolname AS owner,
    coalesce(array_to_string(p.proconfig, ', '), 'no search_path') AS config
FROM pg_proc AS p
JOIN pg_roles AS o ON o.oid = p.proowner
WHERE p.pronamespace = CAST('encompass' AS regnamespace) AND p.prosecdef ORDER BY 1

-- name: roles
SELECT r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
    ARRAY(
        SELECT g.rolname FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid
        WHERE m.member = r.oid ORDER BY 1
    ) AS member_of
FROM pg_roles AS r WHERE starts_with(r.rolname, 'encompass_') ORDER BY 1
