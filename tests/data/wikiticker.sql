-- fields user, page, delta, isRobot, isAnonymous

-- rule reverted
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'edit' AND x.seq > a.seq
                                                  AND x.user <> a.user AND x.delta = -a.delta)
WHERE a.type = 'edit' AND a.delta <> 0 AND b.us - a.us <= 21600000000;

-- rule welcomed
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'edit' AND x.seq > a.seq
                                                  AND x.user <> a.user)
WHERE a.type = 'page_created' AND b.us - a.us <= 3600000000;

-- rule busy_robot
CREATE TEMP TABLE hits AS
SELECT key, n, us, end_us FROM (
  SELECT user AS key, us, row_number() OVER w AS n, lead(us, 19) OVER w AS end_us
  FROM e WHERE type = 'edit' AND isRobot AND user <> '' WINDOW w AS (PARTITION BY user ORDER BY seq))
WHERE end_us - us <= 60000000;
CREATE INDEX hits_key ON hits(key, n);
WITH RECURSIVE taken(key, n, us, end_us) AS (
  SELECT key, min(n), us, end_us FROM hits GROUP BY key
  UNION ALL
  SELECT h.key, h.n, h.us, h.end_us FROM taken t
  JOIN hits h ON h.key = t.key AND h.n = (SELECT min(n) FROM hits x WHERE x.key = t.key AND x.n >= t.n + 20))
SELECT key, us, end_us FROM taken;

-- rule vandal
CREATE TEMP TABLE cuts AS
SELECT user AS key, seq, us, page, isAnonymous FROM e WHERE type = 'edit' AND user <> '' AND delta <= -50;
CREATE INDEX cuts_key ON cuts(key, seq);
SELECT a.key, a.us, b.us FROM cuts a
JOIN cuts b ON b.seq = (SELECT min(x.seq) FROM cuts x WHERE x.key = a.key AND x.seq > a.seq AND x.page <> a.page)
WHERE a.isAnonymous AND b.us - a.us <= 1800000000;

-- rule new_page
SELECT '', us, us FROM (
  SELECT us, row_number() OVER (PARTITION BY us / 600000000 ORDER BY seq) AS n
  FROM e WHERE type = 'page_created' AND NOT isRobot)
WHERE n <= 3;
