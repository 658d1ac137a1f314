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
