-- fields user, page, delta, isRobot, isAnonymous, channel, added

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

-- rule big_edits
CREATE TEMP TABLE hits AS
WITH steps(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n < 5),
counted AS (
  SELECT channel, ((us + 299999999) / 300000000 + n) * 300000000 AS t, added FROM e, steps WHERE type = 'edit'),
ranked AS (
  SELECT channel, t, added, count(*) OVER (PARTITION BY channel, t) AS edits,
    row_number() OVER (PARTITION BY channel, t ORDER BY added) AS place,
    count(added) OVER (PARTITION BY channel, t) AS numbers FROM counted)
SELECT channel, t FROM ranked
WHERE place = (numbers * 90 + 99) / 100 AND edits BETWEEN 20 AND 1000 AND added > 1000;
CREATE INDEX hits_channel ON hits(channel, t);
SELECT channel, t, t FROM hits AS first
WHERE NOT EXISTS (SELECT 1 FROM hits WHERE channel = first.channel AND t = first.t - 300000000)
  AND t < (SELECT max(us) FROM e);

-- rule fewer_authors
CREATE TEMP TABLE hits AS
WITH steps(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n < 3),
authors AS (
  SELECT channel, (us + 899999999) / 900000000 + n AS t, count(DISTINCT user) AS n
  FROM e, steps WHERE type = 'edit' GROUP BY 1, 2)
SELECT before.channel, before.t + 4 AS t FROM authors AS before
LEFT JOIN authors AS now ON now.channel = before.channel AND now.t = before.t + 4
WHERE before.n >= 10 AND coalesce(now.n, 0) < before.n / 2.0;
CREATE INDEX hits_channel ON hits(channel, t);
SELECT channel, t * 900000000, t * 900000000 FROM hits AS first
WHERE NOT EXISTS (SELECT 1 FROM hits WHERE channel = first.channel AND t = first.t - 1)
  AND t * 900000000 < (SELECT max(us) FROM e);
