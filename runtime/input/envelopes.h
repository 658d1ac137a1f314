// Envelopes: how others wrap their events, each turned into Omen's own form: `type`, `ts`, `id` and fields.
//
//   CloudEvents 1.0   type; time -> ts; source and id -> id; the members of `data` are the fields; the attributes stand
//                     under `ce`. A member of data that is called type, ts, id or ce stands under `ce.data`.
//   Segment           the `event` of a track, else page, identify, screen, group or alias -> type; timestamp -> ts, by
//                     the sender's clock put right; messageId -> id; all members stay, and user_id and anonymous_id
//                     stand beside userId and anonymousId. A batch is its messages, with its context in each.
//   GA4               a row of the export to BigQuery: event_name -> type; event_timestamp -> ts; all members stay, but
//                     event_params is `params`, and it and user_properties are objects: params.page_location
//
// And what comes over HTTP only (push.cc):
//   Pub/Sub           message.data, out of its base64: an event of Omen's form, or the field `data`; messageId -> id,
//                     publishTime -> ts, attributes.type -> type where the event has none; the rest under `pubsub`
//   SNS               the same of Message, MessageId and Timestamp; the rest under `sns`
//   EventBridge       detail-type -> type; the members of `detail` are the fields; the rest under `aws`
//   GA4 collect       each of `events`: name -> type, timestamp_micros -> ts; client_id, user_id, params stay
//
// Each takes one JSON object that the decoder has found well formed, and writes the lines of its events or rejects it.
#pragma once

#include <cstddef>
#include <string_view>

#include "runtime/input/records.h"

namespace omen {

// Limit on what one record unfolds to, for what its events share stands in each: further ones are rejected, too_long.
inline constexpr size_t unfolded_bytes_max = 16u << 20;

void write_cloudevent(std::string_view object, const Origin& origin, Records& out);
void write_segment(std::string_view object, const Origin& origin, Records& out);
void write_ga4(std::string_view object, const Origin& origin, Records& out);
void write_pubsub(std::string_view object, const Origin& origin, Records& out);
void write_sns(std::string_view object, const Origin& origin, Records& out);
void write_eventbridge(std::string_view object, const Origin& origin, Records& out);
void write_ga4_collect(std::string_view object, const Origin& origin, Records& out);

}  // namespace omen
