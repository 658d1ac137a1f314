#include "runtime/core/action.h"

#include <openssl/evp.h>

#include <algorithm>

#include "runtime/core/json.h"
#include "runtime/core/write.h"
#include "runtime/model/status.h"
#include "runtime/model/time.h"

namespace omen {
namespace {

// Numbers and texts in one byte sequence from which each can be told.
void add_number(std::string& out, uint64_t number) {
  char bytes[8];  // the lowest first
  for (char& byte : bytes) {
    byte = static_cast<char>(number & 0xFF);
    number >>= 8;
  }
  out.append(bytes, sizeof(bytes));
}

void add_text(std::string& out, std::string_view text) {
  add_number(out, text.size());
  out += text;
}

}  // namespace

Actions::Actions(const Program& program, const Prepared& prepared, const CaptureStore& captures)
    : program_(program),
      prepared_(prepared),
      captures_(captures),
      digest_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      context_(EVP_MD_CTX_new()) {
  OMEN_ASSERT(digest_ != nullptr && context_ != nullptr);
}

Actions::~Actions() {
  EVP_MD_CTX_free(context_);
  EVP_MD_free(digest_);
}

void Actions::list_captures(const MatchView& match) {
  events_.clear();
  for (CaptureId id = match.captures; id != capture_none; id = captures_.at(id).previous) {
    events_.push_back(&captures_.at(id));
  }
  std::reverse(events_.begin(), events_.end());
}

std::string_view Actions::identity(const MatchView& match) {
  const RuleProgram& rule = program_.rules[match.rule];
  std::string& bytes = text_;
  bytes.clear();
  add_text(bytes, rule.name);
  add_text(bytes, rule.version);
  add_number(bytes, match.key.size());
  for (const std::string_view part : match.key) add_text(bytes, part);
  list_captures(match);
  for (const Capture* capture : events_) {
    add_number(bytes, capture->slot);
    const std::string_view id = capture->event->id();
    add_text(bytes, id);
    if (id.empty()) add_number(bytes, capture->event->place());
  }
  if (match.at_deadline) add_number(bytes, static_cast<uint64_t>(match.end_us));

  unsigned char hash[EVP_MAX_MD_SIZE];
  OMEN_ASSERT(EVP_DigestInit_ex2(context_, digest_, nullptr) == 1 &&
              EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1 &&
              EVP_DigestFinal_ex(context_, hash, nullptr) == 1);
  identity_.resize(32);
  for (size_t i = 0; i < 16; ++i) {
    constexpr char digits[] = "0123456789abcdef";
    identity_[2 * i] = digits[hash[i] >> 4];
    identity_[2 * i + 1] = digits[hash[i] & 15];
  }
  return identity_;
}

Evaluation Actions::evaluation_of(const MatchView& match) {
  scratch_.clear();
  key_.clear();
  for (const std::string_view part : match.key) key_.push_back(Value::of_text(part));
  Evaluation evaluation{program_, prepared_, scratch_, captures_};
  evaluation.bindings = match.captures;
  evaluation.history = match.history;
  evaluation.start_us = match.start_us;
  evaluation.end_us = match.end_us;
  evaluation.key = key_;
  evaluation.measures = match.values;
  return evaluation;
}

std::string_view Actions::text(const MatchView& match, const ActionProgram& alert) {
  text_.clear();
  render(alert.text, evaluation_of(match), text_);
  return text_;
}

void Actions::append_record(std::string& out, const MatchView& match, const ActionProgram& alert) {
  const RuleProgram& rule = program_.rules[match.rule];
  out += R"({"id":")";
  out += identity(match);
  out += R"(","rule":)";
  json::append_string(out, rule.name);
  out += R"(,"severity":")";
  out += severity_text(rule.severity);
  out += R"(","key":{)";
  for (size_t i = 0; i < match.key.size(); ++i) {
    if (i > 0) out += ',';
    json::append_string(out, rule.key_names[i]);
    out += ':';
    json::append_string(out, match.key[i]);
  }
  out += R"(},"start":")";
  append_rfc3339(out, match.start_us);
  out += R"(","end":")";
  append_rfc3339(out, match.end_us);
  out += R"(","text":)";
  json::append_string(out, text(match, alert));
  if (match.resolves) out += R"(,"resolved":true)";
  out += R"(,"bindings":{)";
  append_bindings(out, match);
  out += '}';
  append_measures(out, match);
  out += '}';
}

void Actions::append_measures(std::string& out, const MatchView& match) {
  const RuleProgram& rule = program_.rules[match.rule];
  if (!rule.measures) return;
  out += R"(,"measures":{)";
  for (size_t i = 0; i < match.values.size(); ++i) {
    if (i > 0) out += ',';
    json::append_string(out, rule.measures->measures[i].name);
    out += ':';
    append_json(out, match.values[i]);
  }
  out += '}';
}

// The captures are those that identity() has listed.
void Actions::append_bindings(std::string& out, const MatchView& match) {
  bool is_first_name = true;
  for (const NameProgram& name : program_.rules[match.rule].names) {
    if (!name.in_alert) continue;
    if (!is_first_name) out += ',';
    is_first_name = false;
    json::append_string(out, name.text);
    out += ":[";
    bool is_first_event = true;
    for (const Capture* capture : events_) {
      if ((name.slots >> capture->slot & 1) == 0) continue;
      if (!is_first_event) out += ',';
      is_first_event = false;
      out += capture->event->raw();
    }
    out += ']';
  }
}

void Actions::append_body(std::string& out, const MatchView& match, const ActionProgram& action) {
  append_json(out, evaluate(action.body, evaluation_of(match)));
}

}  // namespace omen
