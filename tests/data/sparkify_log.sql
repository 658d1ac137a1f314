-- fields artist

-- rule gone_after_downgrade_page
SELECT d.key, d.us, d.us + 259200000000 FROM k d
WHERE d.type = 'Downgrade' AND d.us + 259200000000 < (SELECT max(us) FROM e)
  AND NOT EXISTS (SELECT 1 FROM k n WHERE n.key = d.key AND n.type = 'NextSong' AND n.seq > d.seq
                                      AND n.us <= d.us + 259200000000);

-- rule trouble_then_leaves
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'Logout' AND x.seq > a.seq)
WHERE a.type IN ('Error', 'Help') AND b.us - a.us <= 3600000000;

-- rule upgraded
WITH done AS (SELECT *, coalesce(lag(seq) OVER (PARTITION BY key ORDER BY seq), -1) AS before
              FROM k WHERE type = 'Submit Upgrade')
SELECT b.key, min(a.us), b.us FROM done b
JOIN k a ON a.key = b.key AND a.type = 'Upgrade' AND a.seq < b.seq AND a.seq > b.before AND b.us - a.us <= 3600000000
GROUP BY b.seq;

-- rule two_of_one_artist
CREATE TEMP TABLE hits AS
SELECT key, n, us, end_us FROM (
  SELECT key, us, row_number() OVER w AS n, lead(us) OVER w AS end_us,
         artist = lead(artist) OVER w AS same
  FROM k WHERE type = 'NextSong' WINDOW w AS (PARTITION BY key ORDER BY seq))
WHERE same AND end_us - us <= 1800000000;
WITH RECURSIVE taken(key, n, us, end_us) AS (
  SELECT key, min(n), us, end_us FROM hits GROUP BY key
  UNION ALL
  SELECT h.key, h.n, h.us, h.end_us FROM taken t
  JOIN hits h ON h.key = t.key AND h.n = (SELECT min(n) FROM hits x WHERE x.key = t.key AND x.n >= t.n + 2))
SELECT key, us, end_us FROM taken;

-- rule session
CREATE TEMP TABLE IF NOT EXISTS sessions AS
SELECT key, min(us) AS began, max(us) + 1800000000 AS ended, count(*) AS events FROM (
  SELECT key, us, sum(is_new) OVER (PARTITION BY key ORDER BY seq) AS session FROM (
    SELECT key, seq, us, us - lag(us, 1, -9e18) OVER (PARTITION BY key ORDER BY seq) > 1800000000 AS is_new FROM k))
GROUP BY key, session;
SELECT key, began, ended FROM sessions WHERE ended < (SELECT max(us) FROM e);

-- rule short_sessions
SELECT key, began, ended FROM (
  SELECT key, ended, lag(ended, 2) OVER island AS began, row_number() OVER island AS n FROM (
    SELECT *, row_number() OVER (PARTITION BY key ORDER BY ended)
            - row_number() OVER (PARTITION BY key, events <= 5 ORDER BY ended) AS island
    FROM sessions WHERE ended < (SELECT max(us) FROM e))
  WHERE events <= 5 WINDOW island AS (PARTITION BY key, island ORDER BY ended))
WHERE n % 3 = 0;
