// What `omen explain` says of mappings (E06xx).
#include "compiler/explain.h"

namespace omen {

std::span<const Explanation> mapping_explanations() {
  static constexpr Explanation all[] = {
      {"E0601", "a mapping says no type",
       "Every event has a type. It is a constant when all records are of one kind, else a member of the record, or "
       "one\n"
       "of several lines with `when`. `*: EXPR` may bring it along with all other members of an object.",
       "mapping shop {\n  ts: created_at\n}\nrule a { match order }",
       "mapping shop {\n  type: \"order\",\n  ts: created_at\n}\nrule a { match order }"},
      {"E0602", "a member of a mapping stands behind one that always counts",
       "Of several lines for one member the first whose `when` is true counts; one without `when` is always true, so\n"
       "it stands last.",
       "mapping shop {\n  type: topic,\n  type: \"order\" when exists(order_id)\n}\nrule a { match order }",
       "mapping shop {\n  type: \"order\" when exists(order_id),\n  type: topic\n}\nrule a { match order }"},
      {"E0603", "a mapping has the name of a format",
       "`--format NAME` chooses between them, so a mapping is not called auto, ndjson, json, csv, logfmt, "
       "cloudevents,\n"
       "segment or ga4.",
       "mapping csv { type: \"order\" }\nrule a { match order }",
       "mapping shop_csv { type: \"order\" }\nrule a { match order }"},
      {"E0604", "a mapping gives a member what it cannot be",
       "`type` is a text; `ts` a time, RFC 3339 text or a number since 1970; `id` a text or a number; what stands "
       "behind\n"
       "`*:` is an object.",
       "mapping shop {\n  type: 5\n}\nrule a { match order }",
       "mapping shop {\n  type: \"order\"\n}\nrule a { match order }"},
  };
  return all;
}

}  // namespace omen
