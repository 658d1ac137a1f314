-- fields lifecycle

-- rule offer_unanswered
SELECT a.key, a.us, a.us + 2592000000000 FROM k a
WHERE a.type = 'O_SENT' AND a.us + 2592000000000 < (SELECT max(us) FROM e)
  AND NOT EXISTS (SELECT 1 FROM k x WHERE x.key = a.key AND x.seq > a.seq AND x.us <= a.us + 2592000000000
                                      AND x.type IN ('O_SENT_BACK', 'O_CANCELLED', 'O_DECLINED', 'O_ACCEPTED'));

-- rule approved_in_a_week
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'A_APPROVED' AND x.seq > a.seq)
WHERE a.type = 'A_SUBMITTED' AND b.us - a.us <= 604800000000
  AND NOT EXISTS (SELECT 1 FROM k x WHERE x.key = a.key AND x.type = 'O_CANCELLED' AND x.seq > a.seq AND x.seq < b.seq);

-- rule called_and_called
CREATE TEMP TABLE hits AS
SELECT key, n, us, end_us FROM (
  SELECT key, us, row_number() OVER w AS n, lead(us, 4) OVER w AS end_us
  FROM k WHERE type = 'W_Nabellen offertes' AND lifecycle = 'START' WINDOW w AS (PARTITION BY key ORDER BY seq))
WHERE end_us - us <= 432000000000;
CREATE INDEX hits_key ON hits(key, n);
WITH RECURSIVE taken(key, n, us, end_us) AS (
  SELECT key, min(n), us, end_us FROM hits GROUP BY key
  UNION ALL
  SELECT h.key, h.n, h.us, h.end_us FROM taken t
  JOIN hits h ON h.key = t.key AND h.n = (SELECT min(n) FROM hits x WHERE x.key = t.key AND x.n >= t.n + 5))
SELECT key, us, end_us FROM taken;

-- rule second_offer
-- One run waits for the cancellation (sent_us), one for the next offer (taken_us): a newer one takes the place.
CREATE TEMP TABLE walk AS
SELECT key, us, type = 'O_SENT' AS sent, row_number() OVER (PARTITION BY key ORDER BY seq) AS n
FROM k WHERE type IN ('O_SENT', 'O_CANCELLED');
CREATE INDEX walk_key ON walk(key, n);
WITH RECURSIVE run(key, n, us, sent_us, taken_us, start_us) AS (
  SELECT key, 0, 0, NULL, NULL, NULL FROM walk WHERE n = 1
  UNION ALL
  SELECT w.key, w.n, w.us,
         CASE WHEN w.sent THEN w.us END,
         CASE WHEN w.sent THEN NULL WHEN w.us - r.sent_us <= 2592000000000 THEN r.sent_us ELSE r.taken_us END,
         CASE WHEN w.sent AND w.us - r.taken_us <= 2592000000000 THEN r.taken_us END
  FROM run r JOIN walk w ON w.key = r.key AND w.n = r.n + 1)
SELECT key, start_us, us FROM run WHERE start_us IS NOT NULL;

-- rule settled
CREATE TEMP TABLE steps(type);
INSERT INTO steps VALUES ('A_APPROVED'), ('A_REGISTERED'), ('A_ACTIVATED');
SELECT key, us, end_us FROM (
  SELECT a.key, a.us,
         (SELECT max(first_us) FROM (
            SELECT min(x.us) AS first_us FROM k x WHERE x.key = a.key AND x.seq > a.seq AND x.type <> a.type
                                                    AND x.type IN (SELECT type FROM steps) GROUP BY x.type)) AS end_us,
         (SELECT count(DISTINCT x.type) FROM k x WHERE x.key = a.key AND x.seq > a.seq AND x.type <> a.type
                                                   AND x.type IN (SELECT type FROM steps)) AS others
  FROM k a WHERE a.type IN (SELECT type FROM steps))
WHERE others = 2 AND end_us - us <= 3600000000;

-- rule declined_at_once
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'A_DECLINED' AND x.seq > a.seq)
WHERE a.type = 'A_SUBMITTED' AND b.us - a.us <= 60000000;
