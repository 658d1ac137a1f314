-- fields session, src_ip, password

-- rule guessed_password
-- The successes of an address in order; each sees the failures since the last match that are in time.
CREATE TEMP TABLE entries AS
SELECT key, seq, us, row_number() OVER (PARTITION BY key ORDER BY seq) AS n FROM k WHERE type = 'cowrie.login.success';
CREATE INDEX entries_key ON entries(key, n);
WITH RECURSIVE walk(key, n, seq, us, used, tries) AS (
  SELECT key, 0, -1, 0, -1, 0 FROM entries WHERE n = 1
  UNION ALL
  SELECT s.key, s.n, s.seq, s.us, CASE WHEN w.tries >= 3 THEN w.seq ELSE w.used END,
         (SELECT count(*) FROM k f WHERE f.key = s.key AND f.type = 'cowrie.login.failed' AND f.seq < s.seq
             AND f.seq > CASE WHEN w.tries >= 3 THEN w.seq ELSE w.used END AND s.us - f.us <= 600000000)
  FROM walk w JOIN entries s ON s.key = w.key AND s.n = w.n + 1)
SELECT key, (SELECT min(us) FROM k f WHERE f.key = w.key AND f.type = 'cowrie.login.failed' AND f.seq < w.seq
                                       AND f.seq > w.used AND w.us - f.us <= 600000000), us
FROM walk w WHERE tries >= 3;

-- rule break_in_with_download
CREATE TEMP TABLE sessions AS
SELECT session AS key, seq, us, type FROM e WHERE session <> '';
CREATE INDEX sessions_key ON sessions(key, type, seq);
SELECT a.key, a.us, b.us FROM sessions a
JOIN sessions b ON b.seq = (SELECT min(x.seq) FROM sessions x WHERE x.key = a.key AND x.seq > a.seq
                                                                AND x.type = 'cowrie.session.file_download')
WHERE a.type = 'cowrie.login.success' AND b.us - a.us <= 600000000;

-- rule port_scan
SELECT session, us, next_us FROM (
  SELECT session, us, type, lead(type) OVER w AS next_type, lead(us) OVER w AS next_us
  FROM e WHERE session <> '' WINDOW w AS (PARTITION BY session ORDER BY seq))
WHERE type = 'cowrie.session.connect' AND next_type = 'cowrie.session.closed';

-- rule one_password_two_addresses
CREATE TEMP TABLE failures AS
SELECT password AS key, seq, us, src_ip FROM e WHERE type = 'cowrie.login.failed' AND password <> '';
CREATE INDEX failures_key ON failures(key, seq);
SELECT a.key, a.us, b.us FROM failures a
JOIN failures b ON b.seq = (SELECT x.seq FROM failures x WHERE x.key = a.key AND x.seq > a.seq AND x.src_ip <> a.src_ip
                            ORDER BY x.seq LIMIT 1)
WHERE b.us - a.us <= 600000000;

-- rule noisy_address
CREATE TEMP TABLE connects AS
SELECT key, us, seq FROM k WHERE type = 'cowrie.session.connect';
CREATE INDEX connects_key ON connects(key, us);
WITH RECURSIVE told(key, us) AS (
  SELECT key, min(us) FROM connects GROUP BY key
  UNION ALL
  SELECT t.key, (SELECT min(us) FROM connects c WHERE c.key = t.key AND c.us >= t.us + 21600000000)
  FROM told t WHERE t.us IS NOT NULL)
SELECT key, us, us FROM told WHERE us IS NOT NULL;

-- rule hasty_then_in
SELECT a.key, a.us, c.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'cowrie.login.failed' AND x.seq > a.seq)
JOIN k c ON c.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'cowrie.login.success' AND x.seq > b.seq)
WHERE a.type = 'cowrie.login.failed' AND b.us - a.us <= 2000000 AND c.us - a.us <= 3600000000;

-- rule guessing_burst
-- At each moment with a failure, how many there were in the ten minutes up to it; the first of a row of moments counts.
WITH failures AS (
  SELECT DISTINCT key, us, count(*) OVER (PARTITION BY key ORDER BY us RANGE BETWEEN 599999999 PRECEDING AND CURRENT ROW) AS n
  FROM k WHERE type = 'cowrie.login.failed'),
steps AS (SELECT key, us, n, lag(n, 1, 0) OVER (PARTITION BY key ORDER BY us) AS before FROM failures)
SELECT key, us, us FROM steps WHERE n >= 30 AND before < 30 AND us < (SELECT max(us) FROM e);

-- rule many_passwords
-- Every multiple of ten minutes that a failure of the last hour reaches.
CREATE TEMP TABLE hits AS
WITH steps(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n < 5)
SELECT key, ((us + 599999999) / 600000000 + n) * 600000000 AS t, count(DISTINCT password) AS passwords
FROM k, steps WHERE type = 'cowrie.login.failed' GROUP BY 1, 2 HAVING count(DISTINCT password) >= 20;
CREATE INDEX hits_key ON hits(key, t);
SELECT key, t, t + 1800000000 FROM hits AS first
WHERE NOT EXISTS (SELECT 1 FROM hits WHERE key = first.key AND t = first.t - 600000000)
  AND 3 = (SELECT count(*) FROM hits WHERE key = first.key AND t > first.t AND t <= first.t + 1800000000)
  AND t + 1800000000 < (SELECT max(us) FROM e);
