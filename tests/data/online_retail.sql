-- fields stock_code, quantity

-- rule taken_back
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'cancellation' AND x.seq > a.seq
                                                  AND x.stock_code = a.stock_code AND x.quantity <= -a.quantity)
WHERE a.type = 'purchase' AND a.quantity >= 100 AND b.us - a.us <= 1209600000000;

-- rule back_after_a_quarter
SELECT key, us, next_us FROM (
  SELECT key, us, lead(us) OVER (PARTITION BY key ORDER BY seq) AS next_us FROM k WHERE type = 'purchase')
WHERE next_us - us > 7776000000000;

-- rule many_cancellations
CREATE TEMP TABLE hits AS
SELECT key, n, us, end_us FROM (
  SELECT key, us, row_number() OVER w AS n, lead(us, 4) OVER w AS end_us
  FROM k WHERE type = 'cancellation' WINDOW w AS (PARTITION BY key ORDER BY seq))
WHERE end_us - us <= 3600000000;
WITH RECURSIVE taken(key, n, us, end_us) AS (
  SELECT key, min(n), us, end_us FROM hits GROUP BY key
  UNION ALL
  SELECT h.key, h.n, h.us, h.end_us FROM taken t
  JOIN hits h ON h.key = t.key AND h.n = (SELECT min(n) FROM hits x WHERE x.key = t.key AND x.n >= t.n + 5))
SELECT key, us, end_us FROM taken;

-- rule sold_out
SELECT key, us, us + 2592000000000 FROM (
  SELECT stock_code AS key, us, quantity, lead(us) OVER (PARTITION BY stock_code ORDER BY seq) AS next_us
  FROM e WHERE type = 'purchase' AND stock_code <> '')
WHERE quantity >= 500 AND coalesce(next_us - us > 2592000000000, 1) AND us + 2592000000000 < (SELECT max(us) FROM e);

-- rule first_in_half_a_year
SELECT key, us, us FROM (
  SELECT key, us, lag(us) OVER (PARTITION BY key ORDER BY seq) AS us_before FROM k WHERE type = 'purchase')
WHERE coalesce(us - us_before > 15552000000000, 1);
