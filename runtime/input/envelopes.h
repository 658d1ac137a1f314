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
// Each takes one JSON object that the decoder has found well formed, and writes the lines of its events or rejects it.
#pragma once

#include <string_view>

#include "runtime/input/records.h"

namespace omen {

void write_cloudevent(std::string_view object, const Origin& origin, Records& out);
void write_segment(std::string_view object, const Origin& origin, Records& out);
void write_ga4(std::string_view object, const Origin& origin, Records& out);

}  // namespace omen
