-- fields org:group, impact

-- rule reopened
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'Accepted' AND x.seq > a.seq)
WHERE a.type = 'Completed' AND b.us - a.us <= 2592000000000;

-- rule ping_pong
SELECT a.key, a.us, c.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'Queued' AND x.seq > a.seq
                                                  AND x."org:group" <> a."org:group")
JOIN k c ON c.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'Queued' AND x.seq > b.seq
                                                  AND x."org:group" = a."org:group")
WHERE a.type = 'Queued' AND c.us - a.us <= 604800000000;

-- rule stuck
SELECT a.key, a.us, a.us + 172800000000 FROM k a
WHERE a.type = 'Queued' AND a.impact = 'High' AND a.us + 172800000000 < (SELECT max(us) FROM e)
  AND NOT EXISTS (SELECT 1 FROM k x WHERE x.key = a.key AND x.type = 'Accepted' AND x.seq > a.seq
                                      AND x.us <= a.us + 172800000000);

-- rule handed_on
SELECT key, us, end_us FROM (
  SELECT key, us, lead(us, 2) OVER w AS end_us,
         "org:group" <> lead("org:group", 1) OVER w AND lead("org:group", 1) OVER w <> lead("org:group", 2) OVER w AS hit
  FROM k WHERE type = 'Accepted' WINDOW w AS (PARTITION BY key ORDER BY seq))
WHERE hit;
