-- fields product_id, category_code, user_session

-- rule viewed_carted_left
SELECT v.key, v.us, c.us + 600000000 FROM k v
JOIN k c ON c.seq = (SELECT min(x.seq) FROM k x WHERE x.key = v.key AND x.type = 'cart' AND x.product_id = v.product_id
                                                  AND x.seq > v.seq)
WHERE v.type = 'view' AND c.us - v.us <= 3600000000 AND c.us + 600000000 < (SELECT max(us) FROM e)
  AND NOT EXISTS (SELECT 1 FROM k p WHERE p.key = v.key AND p.type = 'purchase' AND p.product_id = c.product_id
                                      AND p.seq > c.seq AND p.us <= c.us + 600000000);

-- rule bought_in_one_visit
CREATE TEMP TABLE visits AS
SELECT seq, type, us, user_session AS key,
       coalesce(max(CASE type WHEN 'purchase' THEN seq END)
                  OVER (PARTITION BY user_session ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -1) AS before
FROM e WHERE user_session <> '';
CREATE INDEX visits_key ON visits(key, type, seq);
SELECT b.key, min(a.us), b.us FROM visits b
JOIN visits a ON a.key = b.key AND a.type = 'view' AND a.seq < b.seq AND a.seq > b.before AND b.us - a.us <= 900000000
WHERE b.type = 'purchase' GROUP BY b.seq;

-- rule three_of_a_category
SELECT key, us, end_us FROM (
  SELECT key, us, lead(us, 2) OVER w AS end_us,
         category_code = lead(category_code, 1) OVER w AND category_code = lead(category_code, 2) OVER w
         AND product_id <> lead(product_id, 1) OVER w AND product_id <> lead(product_id, 2) OVER w
         AND lead(product_id, 1) OVER w <> lead(product_id, 2) OVER w AS hit
  FROM k WHERE type = 'view' WINDOW w AS (PARTITION BY key ORDER BY seq))
WHERE hit AND end_us - us <= 600000000;

-- rule cart_left
-- Islands of carts: a purchase or ten minutes without a cart ends one; the second kind is a match.
WITH walk AS (
  SELECT *, lag(type) OVER w AS type_before, lag(us) OVER w AS us_before, lead(us) OVER w AS us_after
  FROM k WHERE type IN ('cart', 'purchase') WINDOW w AS (PARTITION BY key ORDER BY seq)),
island AS (
  SELECT *, sum(coalesce(type_before = 'purchase' OR us - us_before > 600000000, 1))
              OVER (PARTITION BY key ORDER BY seq) AS number
  FROM walk WHERE type = 'cart')
SELECT key, start_us, last_us + 600000000 FROM (
  SELECT key, min(us) AS start_us, max(us) AS last_us, max(seq) AS last_seq FROM island GROUP BY key, number) i
WHERE last_us + 600000000 < (SELECT max(us) FROM e)
  AND NOT EXISTS (SELECT 1 FROM k p WHERE p.key = i.key AND p.type = 'purchase' AND p.seq > last_seq
                                      AND p.us <= last_us + 600000000);
