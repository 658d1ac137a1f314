// omen outbox, omen alerts: what a running service has to deliver and has delivered, and alerts as they come.
#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "runtime/io/stop.h"

namespace omen::cli {
namespace {

struct Options {
  std::string data = "omen-data";
  std::string id, destination, rule, key, state, since, limit;
  bool json = false, of_any_state = false, follow = false;
};

std::string query(const Options& options) {
  return query_text({{"id", options.id},
                     {"destination", options.destination},
                     {"rule", options.rule},
                     {"key", options.key},
                     {"state", options.state},
                     {"since", options.since},
                     {"limit", options.limit},
                     {"delivered", options.of_any_state ? "true" : ""}});
}

std::string text_of(simdjson::dom::element json, const char* member) {
  std::string_view text;
  if (json[member].get(text) == simdjson::SUCCESS) return shown(text);
  simdjson::dom::element value;
  return json[member].get(value) == simdjson::SUCCESS ? std::string(simdjson::minify(value)) : std::string();
}

void print_row(simdjson::dom::element row, bool in_full) {
  std::printf("%-36s %-9s %-14s %-20s %s\n", text_of(row, "id").c_str(), text_of(row, "state").c_str(),
              text_of(row, "destination").c_str(), text_of(row, "rule").c_str(), text_of(row, "text").c_str());
  const std::string error = text_of(row, "last_error");
  if (!in_full) {
    if (!error.empty()) std::printf("  after %s tries: %s\n", text_of(row, "attempts").c_str(), error.c_str());
    return;
  }
  std::printf("  key %s, match ended %s, committed %s at record %s of the log\n", text_of(row, "key").c_str(),
              text_of(row, "end").c_str(), text_of(row, "created").c_str(), text_of(row, "sequence").c_str());
  simdjson::dom::array attempts;
  if (row["attempts_made"].get(attempts) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element attempt : attempts) {
    std::printf("  %s  %6s ms  %s %s\n", text_of(attempt, "at").c_str(), text_of(attempt, "took_ms").c_str(),
                text_of(attempt, "status").c_str(), text_of(attempt, "error").c_str());
  }
  const std::string next = text_of(row, "next");
  if (next != "null") std::printf("  next try %s\n", next.c_str());
}

int print_rows(const Options& options, const Result<Reply>& reply, bool in_full) {
  if (!reply || reply.value().status != 200) return complain_of("outbox", reply);
  if (options.json) {
    std::printf("%s\n", reply.value().body.c_str());
    return exit_ok;
  }
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  simdjson::dom::array rows;
  if (parser.parse(simdjson::padded_string(reply.value().body)).get(json) != simdjson::SUCCESS ||
      json["rows"].get(rows) != simdjson::SUCCESS) {
    return complain_of("outbox", Status::error("the answer is no list of rows"));
  }
  for (const simdjson::dom::element row : rows) print_row(row, in_full);
  return exit_ok;
}

int change(const Options& options, const std::string& what) {
  const auto reply = call_service(options.data, "POST", "/v1/outbox/" + what + query(options));
  if (!reply || reply.value().status != 200) return complain_of("outbox", reply);
  std::printf("%s\n", reply.value().body.c_str());
  return exit_ok;
}

// Server-sent events: of each the lines that begin with "data: ".
int follow(const Options& options) {
  catch_stop_signals();
  std::string pending;
  const bool readable = isatty(STDOUT_FILENO) == 1 && !options.json;
  const Status done = stream_service(options.data, "/v1/alerts/stream", [&](std::string_view piece) {
    pending += piece;
    for (size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      std::string line = pending.substr(0, end);
      pending.erase(0, end + 1);
      if (!line.starts_with("data: ")) continue;
      line.erase(0, 6);
      std::string out;
      if (readable) {
        append_readable(out, line, has_colour(STDOUT_FILENO));
      } else {
        out = line + '\n';
      }
      std::fputs(out.c_str(), stdout);
      std::fflush(stdout);
    }
    return stop_signal() == 0;
  });
  if (!done && stop_signal() == 0) return complain_of("alerts", Status::error(done.message()));
  return exit_ok;
}

constexpr const char* exit_codes =
    "\n\nExit codes: 0 done; 1 the service refused, and says why; 2 wrong usage; 3 no service listens there.";

void add_filter(Command verb, Options& options) {
  verb.add_option("--destination", options.destination, "Only those of this destination");
  verb.add_option("--rule", options.rule, "Only those of this rule");
  verb.add_option("--key", options.key, "Only those of this key, as JSON: {\"user_id\":\"u1\"}");
  verb.add_option("--since", options.since, "Only those committed since this time, or within this duration");
}

}  // namespace

void add_outbox(Command app, int& exit_code) {
  auto options = std::make_shared<Options>();
  Command verb = app.add_subcommand("outbox", "What a running service has to deliver, and has delivered");
  verb.require_subcommand();
  verb.footer(std::string("Examples:\n  omen outbox list --state dead\n  omen outbox show 3f2a\n"
                          "  omen outbox retry --destination crm\n  omen outbox redrive --destination crm --since 2h") +
              exit_codes);
  const auto add = [&](const char* name, const char* what) {
    Command sub = verb.add_subcommand(name, what);
    add_data_option(sub, options->data);
    return sub;
  };
  Command list = add("list", "Rows, newest first");
  add_filter(list, *options);
  list.add_option("--state", options->state, "due, delivered, dead, held or dropped");
  list.add_option("--limit", options->limit, "At most so many; 100 when not given");
  list.add_flag("--json", options->json, "The service's answer as it is");
  list.callback([&exit_code, options] {
    exit_code = print_rows(*options, call_service(options->data, "GET", "/v1/outbox" + query(*options)), false);
  });
  Command show = add("show", "A row with every attempt, by its id or its alert's, or how one begins");
  show.add_option("ID", options->id).required();
  show.add_flag("--json", options->json, "The service's answer as it is");
  show.callback([&exit_code, options] {
    exit_code = print_rows(*options, call_service(options->data, "GET", "/v1/outbox/" + options->id), true);
  });
  for (const char* name : {"retry", "drop", "redrive"}) {
    const std::string what = name;
    Command sub = add(name, what == "retry"  ? "Make dead, held and due rows due now"
                            : what == "drop" ? "Give rows up that are not delivered"
                                             : "Deliver again, delivered rows too: the same ids and bodies");
    sub.add_option("ID", options->id, "Only this row or alert");
    add_filter(sub, *options);
    sub.callback([&exit_code, options, what] {
      options->of_any_state = what == "redrive";
      if (what != "retry" && options->id.empty() && options->destination.empty() && options->rule.empty() &&
          options->since.empty()) {
        std::fprintf(stderr, "omen outbox %s: say which rows: an ID, --destination, --rule or --since\n", what.c_str());
        exit_code = exit_usage;
        return;
      }
      exit_code = change(*options, what == "redrive" ? "retry" : what);
    });
  }
  Command release = add("release", "Send again to a destination that is on hold");
  release.add_option("DESTINATION", options->destination).required();
  release.callback([&exit_code, options] { exit_code = change(*options, "release"); });
}

void add_alerts(Command app, int& exit_code) {
  auto options = std::make_shared<Options>();
  Command verb = app.add_subcommand("alerts", "Alerts of a running service: those that were, or as they come");
  verb.footer(std::string("Examples:\n  omen alerts --follow\n  omen alerts --rule churn_risk --since \"1 day\"") +
              exit_codes);
  add_data_option(verb, options->data);
  verb.add_flag("--follow", options->follow, "Those that come from now on, until it is stopped");
  add_filter(verb, *options);
  verb.add_flag("--json", options->json, "As JSON on a terminal, too");
  verb.callback([&exit_code, options] {
    exit_code = options->follow
                    ? follow(*options)
                    : print_rows(*options, call_service(options->data, "GET", "/v1/outbox" + query(*options)), false);
  });
}

}  // namespace omen::cli
