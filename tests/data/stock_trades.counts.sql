-- fields name

-- rule three
CREATE TEMP TABLE a AS SELECT seq, us FROM e WHERE type = 'SELL' AND name = 'MSFT';
CREATE TEMP TABLE b AS SELECT seq, us FROM e WHERE type = 'BUY' AND name = 'ORCL';
CREATE TEMP TABLE c AS SELECT seq, us FROM e WHERE type = 'BUY' AND name = 'CSCO';
CREATE INDEX b_seq ON b(seq);
CREATE INDEX c_seq ON c(seq);
CREATE INDEX c_us ON c(us, seq);
SELECT count(*) FROM a JOIN b ON b.seq > a.seq AND b.us <= a.us + 10000000
JOIN c ON c.seq > b.seq AND c.us BETWEEN a.us AND a.us + 10000000;

-- rule three_in_an_hour
-- Between a start and an end stand as many matches as there are purchases of the second.
CREATE TEMP TABLE an AS SELECT a.seq, a.us, (SELECT count(*) FROM b WHERE b.seq < a.seq) AS n FROM a;
CREATE TEMP TABLE cn AS SELECT c.seq, c.us, (SELECT count(*) FROM b WHERE b.seq < c.seq) AS n FROM c;
CREATE INDEX cn_us ON cn(us, seq, n);
SELECT sum(cn.n - an.n) FROM an JOIN cn ON cn.us BETWEEN an.us AND an.us + 3600000000 AND cn.seq > an.seq;

-- rule either_second
CREATE TEMP TABLE o AS SELECT seq, us FROM e WHERE name = 'ORCL';
CREATE INDEX o_seq ON o(seq);
SELECT count(*) FROM a JOIN o ON o.seq > a.seq AND o.us <= a.us + 10000000
JOIN c ON c.seq > o.seq AND c.us BETWEEN a.us AND a.us + 10000000;

-- rule undisturbed
CREATE TEMP TABLE s AS SELECT seq FROM e WHERE type = 'SELL' AND name = 'CSCO';
CREATE INDEX s_seq ON s(seq);
SELECT count(*) FROM a JOIN b ON b.seq > a.seq AND b.us <= a.us + 10000000
JOIN c ON c.seq > b.seq AND c.us BETWEEN a.us AND a.us + 10000000
WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.seq > b.seq AND s.seq < c.seq);

-- rule several_second
-- Of n purchases in between one, two or three.
SELECT sum(n + n * (n - 1) / 2 + n * (n - 1) * (n - 2) / 6) FROM
(SELECT cn.n - an.n AS n FROM an JOIN cn ON cn.us BETWEEN an.us AND an.us + 10000000 AND cn.seq > an.seq);

-- rule nine
-- Of each start and each event that may be its last so far: how many ways lead there.
CREATE TEMP TABLE t1 AS SELECT us AS start_us, seq, 1 AS n FROM a;
CREATE TEMP TABLE x AS SELECT type || ' ' || name AS what, us, seq FROM e;
CREATE INDEX x_us ON x(what, us, seq);
CREATE TEMP TABLE t2 AS SELECT t.start_us, x.seq, sum(t.n) AS n FROM t1 t JOIN x ON what = 'BUY ORCL' AND x.us BETWEEN t.start_us AND t.start_us + 10000000 AND x.seq > t.seq GROUP BY 1, 2;
CREATE TEMP TABLE t3 AS SELECT t.start_us, x.seq, sum(t.n) AS n FROM t2 t JOIN x ON what = 'BUY CSCO' AND x.us BETWEEN t.start_us AND t.start_us + 10000000 AND x.seq > t.seq GROUP BY 1, 2;
CREATE TEMP TABLE t4 AS SELECT t.start_us, x.seq, sum(t.n) AS n FROM t3 t JOIN x ON what = 'SELL AMAT' AND x.us BETWEEN t.start_us AND t.start_us + 10000000 AND x.seq > t.seq GROUP BY 1, 2;
CREATE TEMP TABLE t5 AS SELECT t.start_us, x.seq, sum(t.n) AS n FROM t4 t JOIN x ON what = 'BUY INTC' AND x.us BETWEEN t.start_us AND t.start_us + 10000000 AND x.seq > t.seq GROUP BY 1, 2;
CREATE TEMP TABLE t6 AS SELECT t.start_us, x.seq, sum(t.n) AS n FROM t5 t JOIN x ON what = 'SELL RIMM' AND x.us BETWEEN t.start_us AND t.start_us + 10000000 AND x.seq > t.seq GROUP BY 1, 2;
CREATE TEMP TABLE t7 AS SELECT t.start_us, x.seq, sum(t.n) AS n FROM t6 t JOIN x ON what = 'BUY QQQ' AND x.us BETWEEN t.start_us AND t.start_us + 10000000 AND x.seq > t.seq GROUP BY 1, 2;
CREATE TEMP TABLE t8 AS SELECT t.start_us, x.seq, sum(t.n) AS n FROM t7 t JOIN x ON what = 'SELL IPIX' AND x.us BETWEEN t.start_us AND t.start_us + 10000000 AND x.seq > t.seq GROUP BY 1, 2;
SELECT sum(t.n) FROM t8 t JOIN x ON what = 'BUY DELL' AND x.us BETWEEN t.start_us AND t.start_us + 10000000 AND x.seq > t.seq;
