-- fields symbol, close, volume

-- rule v_shape
-- Islands of strictly falling bars; a start needs two more bars of its island, then two rising ones.
CREATE TEMP TABLE bars AS
SELECT symbol, us, close, n, sum(coalesce(close >= close_before, 1)) OVER (PARTITION BY symbol ORDER BY n) AS island FROM (
  SELECT symbol, us, close, row_number() OVER w AS n, lag(close) OVER w AS close_before
  FROM e WINDOW w AS (PARTITION BY symbol ORDER BY seq));
SELECT i.symbol, i.us, up.us
FROM (SELECT *, max(n) OVER (PARTITION BY symbol, island) AS bottom_n FROM bars) i
JOIN bars bottom ON bottom.symbol = i.symbol AND bottom.n = bottom_n
JOIN bars turn ON turn.symbol = i.symbol AND turn.n = bottom_n + 1
JOIN bars up ON up.symbol = i.symbol AND up.n = bottom_n + 2
WHERE bottom_n - i.n >= 2 AND turn.close > bottom.close AND up.close > turn.close AND up.us - i.us <= 1800000000;

-- rule volume_burst
SELECT symbol, us, next_us FROM (
  SELECT symbol, us, volume, lead(us) OVER w AS next_us, lead(volume) OVER w AS next_volume
  FROM e WINDOW w AS (PARTITION BY symbol ORDER BY seq))
WHERE next_volume >= 5 * volume;

-- rule five_up
CREATE TEMP TABLE hits AS
SELECT key, n, us, end_us FROM (
  SELECT symbol AS key, us, row_number() OVER w AS n, lead(us, 4) OVER w AS end_us,
         close < lead(close, 1) OVER w AND lead(close, 1) OVER w < lead(close, 2) OVER w
         AND lead(close, 2) OVER w < lead(close, 3) OVER w AND lead(close, 3) OVER w < lead(close, 4) OVER w AS rising
  FROM e WINDOW w AS (PARTITION BY symbol ORDER BY seq))
WHERE rising;
WITH RECURSIVE taken(key, n, us, end_us) AS (
  SELECT key, min(n), us, end_us FROM hits GROUP BY key
  UNION ALL
  SELECT h.key, h.n, h.us, h.end_us FROM taken t
  JOIN hits h ON h.key = t.key AND h.n = (SELECT min(n) FROM hits x WHERE x.key = t.key AND x.n >= t.n + 5))
SELECT key, us, end_us FROM taken;

-- rule one_percent
SELECT a.symbol, a.us, b.us FROM e a
JOIN e b ON b.seq = (SELECT min(x.seq) FROM e x WHERE x.symbol = a.symbol AND x.seq > a.seq AND x.close >= 1.01 * a.close
                                                  AND x.us - a.us BETWEEN 120000000 AND 300000000);
