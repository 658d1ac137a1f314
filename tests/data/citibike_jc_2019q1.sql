-- fields station_id, start_station_id, trip

-- rule round_trip
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'trip_ended' AND x.seq > a.seq
                                                  AND x.trip = a.trip AND x.station_id = a.station_id)
WHERE a.type = 'trip_started' AND b.us - a.us <= 7200000000;

-- rule moved_by_van
SELECT key, us, next_us FROM (
  SELECT *, lead(type) OVER w AS next_type, lead(us) OVER w AS next_us, lead(station_id) OVER w AS next_station
  FROM k WINDOW w AS (PARTITION BY key ORDER BY seq))
WHERE type = 'trip_ended' AND next_type = 'trip_started' AND next_station <> station_id;

-- rule idle
SELECT a.key, a.us, a.us + 1209600000000 FROM k a
WHERE a.type = 'trip_ended' AND a.us + 1209600000000 < (SELECT max(us) FROM e)
  AND NOT EXISTS (SELECT 1 FROM k x WHERE x.key = a.key AND x.type = 'trip_started' AND x.seq > a.seq
                                      AND x.us <= a.us + 1209600000000);

-- rule there_and_back
SELECT key, us, us3 FROM (
  SELECT key, us, type, station_id, lead(us, 3) OVER w AS us3,
         lead(type, 1) OVER w AS type1, lead(type, 2) OVER w AS type2, lead(type, 3) OVER w AS type3,
         lead(station_id, 1) OVER w AS station1, lead(station_id, 2) OVER w AS station2,
         lead(station_id, 3) OVER w AS station3
  FROM k WINDOW w AS (PARTITION BY key ORDER BY seq))
WHERE type = 'trip_started' AND type1 = 'trip_ended' AND type2 = 'trip_started' AND type3 = 'trip_ended'
  AND station2 = station1 AND station3 = station_id AND us3 - us <= 3600000000;

-- rule short_trip
CREATE INDEX e_trip ON e(trip, type, seq);
SELECT a.station_id, a.us, b.us FROM e a
JOIN e b ON b.seq = (SELECT min(x.seq) FROM e x WHERE x.trip = a.trip AND x.type = 'trip_ended' AND x.seq > a.seq
                                                  AND x.start_station_id = a.station_id)
WHERE a.type = 'trip_started' AND b.us - a.us <= 120000000;

-- rule station_runs_empty
CREATE TEMP TABLE hits AS
WITH steps(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n < 5)
SELECT station_id, ((us + 599999999) / 600000000 + n) * 600000000 AS t,
  count(*) FILTER (WHERE type = 'trip_started') AS taken, count(*) FILTER (WHERE type = 'trip_ended') AS returned
FROM e, steps WHERE station_id <> '' GROUP BY 1, 2 HAVING taken >= 8 AND taken > 2 * returned;
CREATE INDEX hits_station ON hits(station_id, t);
SELECT station_id, t, t + 1200000000 FROM hits AS first
WHERE NOT EXISTS (SELECT 1 FROM hits WHERE station_id = first.station_id AND t = first.t - 600000000)
  AND 2 = (SELECT count(*) FROM hits WHERE station_id = first.station_id AND t > first.t AND t <= first.t + 1200000000)
  AND t + 1200000000 < (SELECT max(us) FROM e);

-- rule far_fewer_trips
CREATE TEMP TABLE hits AS
WITH trips AS (
  SELECT (us + 3599999999) / 3600000000 AS hour, count(*) AS n FROM e WHERE type = 'trip_started' GROUP BY 1)
SELECT before.hour + 168 AS hour FROM trips AS before LEFT JOIN trips AS now ON now.hour = before.hour + 168
WHERE before.n >= 20 AND coalesce(now.n, 0) < before.n / 2.0;
SELECT '', hour * 3600000000, hour * 3600000000 FROM hits AS first
WHERE NOT EXISTS (SELECT 1 FROM hits WHERE hour = first.hour - 1) AND hour * 3600000000 < (SELECT max(us) FROM e);
