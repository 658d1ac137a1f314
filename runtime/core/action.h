// Action: what comes of a match: its identity and the alert record.
//
// The identity is a hash of the rule's name and version, the key, and each event of the match at its step: by its
// `id`, or by its place in the stream. A match that an absence completed has its end in it too. So a replay of the
// stream gives the same identities, and nothing is delivered twice.
//
// Texts are made in memory that is reused: nothing is allocated when warm.
//
// NOT HERE: which matches are raised (engine), where alerts go (io).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/evaluate.h"
#include "runtime/core/match_view.h"

struct evp_md_st;
struct evp_md_ctx_st;

namespace omen {

class Actions {
 public:
  Actions(const Program& program, const Prepared& prepared, const CaptureStore& captures);
  ~Actions();
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  // 32 hexadecimal digits. Valid until the next call.
  std::string_view identity(const MatchView& match);
  // The alert's text. Valid until the next call.
  std::string_view text(const MatchView& match, const ActionProgram& alert);
  // Appends the alert record: one JSON object without a line feed (section 7 of docs/language.md).
  void append_record(std::string& out, const MatchView& match, const ActionProgram& alert);
  // Appends the action's body as JSON: of a `send` or an `emit` that has one.
  void append_body(std::string& out, const MatchView& match, const ActionProgram& action);

 private:
  Evaluation evaluation_of(const MatchView& match);
  void append_measures(std::string& out, const MatchView& match);
  void append_bindings(std::string& out, const MatchView& match);
  void list_captures(const MatchView& match);

  const Program& program_;
  const Prepared& prepared_;
  const CaptureStore& captures_;
  evp_md_st* digest_;
  evp_md_ctx_st* context_;
  Scratch scratch_;
  std::vector<Value> key_;
  std::vector<const Capture*> events_;  // of the match, oldest first
  std::string identity_;
  std::string text_;
};

}  // namespace omen
