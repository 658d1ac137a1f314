-- fields name, volume, price

-- rule sold_bought_none
CREATE TEMP TABLE large AS
SELECT name AS key, seq, us, type = 'BUY' AS bought, row_number() OVER w AS n,
       coalesce(max(CASE type WHEN 'BUY' THEN seq END) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -1) AS before
FROM e WHERE volume >= 1000 AND name <> '' WINDOW w AS (PARTITION BY name ORDER BY seq);
CREATE INDEX large_key ON large(key, bought, seq);
CREATE INDEX large_n ON large(key, n);
SELECT b.key, min(a.us), b.us FROM large b
JOIN large a ON a.key = b.key AND a.bought = 0 AND a.seq < b.seq AND a.seq > b.before AND b.us - a.us <= 5000000
WHERE b.bought = 1 GROUP BY b.seq;

-- rule sold_bought_single
-- One run at a time: sold_us is its start; a sale while it is alive begins none.
WITH RECURSIVE run(key, n, us, sold_us, start_us) AS (
  SELECT key, 0, 0, NULL, NULL FROM large WHERE n = 1
  UNION ALL
  SELECT l.key, l.n, l.us,
         CASE WHEN l.bought THEN NULL WHEN l.us - r.sold_us <= 5000000 THEN r.sold_us ELSE l.us END,
         CASE WHEN l.bought AND l.us - r.sold_us <= 5000000 THEN r.sold_us END
  FROM run r JOIN large l ON l.key = r.key AND l.n = r.n + 1)
SELECT key, start_us, us FROM run WHERE start_us IS NOT NULL;

-- rule sold_bought_latest
SELECT b.key, max(a.us), b.us FROM large b
JOIN large a ON a.key = b.key AND a.bought = 0 AND a.seq < b.seq AND a.seq > b.before AND b.us - a.us <= 5000000
WHERE b.bought = 1 GROUP BY b.seq;

-- rule sold_bought_starts
SELECT a.key, a.us, b.us FROM large a
JOIN large b ON b.seq = (SELECT min(x.seq) FROM large x WHERE x.key = a.key AND x.bought = 1 AND x.seq > a.seq)
WHERE a.bought = 0 AND b.us - a.us <= 5000000;

-- rule rising
-- Two places: one waits for the purchase (one_us, one_price), one for the last sale (two_us, two_price).
CREATE TEMP TABLE trades AS
SELECT name AS key, us, type = 'BUY' AS bought, volume, price, row_number() OVER (PARTITION BY name ORDER BY seq) AS n
FROM e WHERE name <> '';
CREATE INDEX trades_key ON trades(key, n);
WITH RECURSIVE run(key, n, us, one_us, one_price, two_us, two_price, start_us) AS (
  SELECT key, 0, 0, NULL, NULL, NULL, NULL, NULL FROM trades WHERE n = 1
  UNION ALL
  SELECT t.key, t.n, t.us,
         CASE WHEN NOT bought AND volume >= 500 THEN t.us
              WHEN bought AND price > one_price AND t.us - one_us <= 60000000 THEN NULL ELSE one_us END,
         CASE WHEN NOT bought AND volume >= 500 THEN price ELSE one_price END,
         CASE WHEN bought AND price > one_price AND t.us - one_us <= 60000000 THEN one_us
              WHEN NOT bought AND price > two_price AND t.us - two_us <= 60000000 THEN NULL ELSE two_us END,
         CASE WHEN bought AND price > one_price AND t.us - one_us <= 60000000 THEN price ELSE two_price END,
         CASE WHEN NOT bought AND price > two_price AND t.us - two_us <= 60000000 THEN two_us END
  FROM run r JOIN trades t ON t.key = r.key AND t.n = r.n + 1)
SELECT key, start_us, us FROM run WHERE start_us IS NOT NULL;

-- rule dearer
CREATE INDEX e_name ON e(name, type, us);
SELECT a.name, a.us, b.us FROM e a
JOIN e b ON b.seq = (SELECT min(x.seq) FROM e x WHERE x.name = a.name AND x.type = 'BUY' AND x.seq > a.seq
                        AND x.us BETWEEN a.us AND a.us + 10000000 AND x.price >= 1.002 * a.price)
WHERE a.type = 'SELL' AND a.volume >= 500 AND a.name <> '';
