-- fields campaign_id, sales_value

-- rule coupon_after_campaign
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'coupon_redeemed' AND x.seq > a.seq
                                                  AND x.campaign_id = a.campaign_id)
WHERE a.type = 'campaign_received' AND b.us - a.us <= 5184000000000;

-- rule campaign_unused
SELECT a.key, a.us, b.us FROM k a
JOIN k b ON b.seq = (SELECT min(x.seq) FROM k x WHERE x.key = a.key AND x.type = 'campaign_expired' AND x.seq > a.seq
                                                  AND x.campaign_id = a.campaign_id)
WHERE a.type = 'campaign_received'
  AND NOT EXISTS (SELECT 1 FROM k c WHERE c.key = a.key AND c.type = 'coupon_redeemed' AND c.campaign_id = a.campaign_id
                                      AND c.seq > a.seq AND c.seq < b.seq);

-- rule coupon_brought_purchase
WITH orders AS (SELECT *, coalesce(lag(seq) OVER (PARTITION BY key ORDER BY seq), -1) AS before
                FROM k WHERE type = 'purchase' AND sales_value >= 5)
SELECT b.key, min(a.us), b.us FROM orders b
JOIN k a ON a.key = b.key AND a.type = 'coupon_redeemed' AND a.seq < b.seq AND a.seq > b.before
        AND b.us - a.us <= 86400000000
GROUP BY b.seq;

-- rule lapsed
SELECT key, us, us + 7776000000000 FROM (
  SELECT key, us, type, lead(us) OVER (PARTITION BY key ORDER BY seq) AS next_us FROM k)
WHERE type = 'purchase' AND coalesce(next_us - us > 7776000000000, 1)
  AND us + 7776000000000 < (SELECT max(us) FROM e);
