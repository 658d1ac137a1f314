// omen load, plan, unload, list, show, pause, resume, status: the rules of a running service.
#include <fmt/format.h>
#include <simdjson.h>

#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/print.h"
#include "cli/serve_rules.h"
#include "cli/verbs.h"
#include "runtime/model/time.h"

namespace omen::cli {
namespace {

struct Options {
  std::string data = "omen-data";
  std::vector<std::string> rules;
  std::string name;
  bool json = false, replaces_all = false;
};

std::string text_of(simdjson::dom::element json, const char* member) {
  std::string_view text;
  return json[member].get(text) == simdjson::SUCCESS ? shown(text) : std::string();
}

uint64_t number_of(simdjson::dom::element json, const char* member) {
  uint64_t number = 0;
  return json[member].get(number) == simdjson::SUCCESS ? number : 0;
}

// Prints the reply: as it is with --json, else by `print`.
template <typename Print>
int print_reply(const char* verb, const Options& options, const Result<Reply>& reply, Print print) {
  if (!reply || reply.value().status != 200) return complain_of(verb, reply);
  if (options.json) {
    std::printf("%s\n", reply.value().body.c_str());
    return exit_ok;
  }
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  if (parser.parse(simdjson::padded_string(reply.value().body)).get(json) != simdjson::SUCCESS) {
    return complain_of(verb, Status::error("the answer is no JSON: does another program listen there?"));
  }
  print(json);
  return exit_ok;
}

std::string span_of_log(simdjson::dom::element rule) {
  int64_t horizon_us = 0;
  if (rule["horizon_us"].get(horizon_us) != simdjson::SUCCESS) {
    return "all of the log, for nothing bounds how far back it reaches";
  }
  return horizon_us == 0 ? "the present" : "the last " + duration_text(horizon_us) + " of the log";
}

std::string kept_state(simdjson::dom::element rule) {
  int64_t history_us = 0;
  if (rule["history_us"].get(history_us) != simdjson::SUCCESS) return "its state goes on";
  return "its state goes on; history of " + duration_text(history_us) + " is made from the log";
}

void print_changes(simdjson::dom::element json) {
  bool in_force = false;
  if (json["in_force"].get(in_force) != simdjson::SUCCESS) in_force = false;
  simdjson::dom::array rules;
  if (json["rules"].get(rules) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element rule : rules) {
    const std::string fate = text_of(rule, "fate");
    const std::string what =
        fate == "kept"      ? kept_state(rule)
        : fate == "changed" ? "its state is made anew from " + span_of_log(rule) + "; old alerts are not raised again"
        : fate == "added"   ? "its state is made from " + span_of_log(rule) + "; old alerts are not raised"
                            : "its state goes";
    std::printf("%-8s %-32s %s\n", fate.c_str(), text_of(rule, "rule").c_str(), what.c_str());
  }
  std::printf(in_force ? "in force\n" : "nothing has been changed; `omen load` does it\n");
}

int send_rules(const char* verb, const char* path, const Options& options) {
  const auto rules = read_rule_set(options.rules);
  if (!rules) return complain_of(verb, Status::error(rules.message()));
  std::string body = rule_set_text(rules.value());
  if (options.replaces_all) body.insert(1, "\"replaces_all\":true,");
  return print_reply(verb, options, call_service(options.data, "POST", path, body), print_changes);
}

void print_rules(simdjson::dom::element json) {
  simdjson::dom::array rules;
  if (json["rules"].get(rules) != simdjson::SUCCESS) return;
  std::printf("%-28s %-9s %-7s %10s %10s  %s\n", "RULE", "SEVERITY", "STATE", "KEYS", "MATCHES", "FILE");
  for (const simdjson::dom::element rule : rules) {
    std::printf("%-28s %-9s %-7s %10s %10s  %s\n", text_of(rule, "name").c_str(), text_of(rule, "severity").c_str(),
                text_of(rule, "state").c_str(), grouped(number_of(rule, "keys")).c_str(),
                grouped(number_of(rule, "matches")).c_str(), text_of(rule, "file").c_str());
  }
}

void print_status(simdjson::dom::element json) {
  for (const auto [name, value] : json.get_object()) {
    if (!value.is_object() && !value.is_array()) {
      std::printf("%-20s %s\n", std::string(name).c_str(), simdjson::minify(value).c_str());
      continue;
    }
    if (value.is_object()) {
      for (const auto [inner, number] : value.get_object()) {
        std::printf("%-20s %s\n", (std::string(name) + "." + std::string(inner)).c_str(),
                    simdjson::minify(number).c_str());
      }
      continue;
    }
    for (const simdjson::dom::element lane : value.get_array()) {
      std::printf("destination %s (%s): %s delivered, %s failed%s%s\n", text_of(lane, "name").c_str(),
                  text_of(lane, "kind").c_str(), grouped(number_of(lane, "delivered")).c_str(),
                  grouped(number_of(lane, "failed")).c_str(),
                  text_of(lane, "last_error").empty() ? "" : ", last error: ", text_of(lane, "last_error").c_str());
    }
  }
}

struct Verb {
  Command app;
  std::shared_ptr<Options> options;
};

Verb add_verb(Command app, const char* name, const char* what, const char* example) {
  Verb verb{app.add_subcommand(name, what), std::make_shared<Options>()};
  verb.app.footer(
      fmt::format("Example:\n  {}\n\nExit codes: 0 done; 1 the service refused, and says why; 2 wrong usage; 3 no "
                  "service listens there.",
                  example));
  add_data_option(verb.app, verb.options->data);
  verb.app.add_flag("--json", verb.options->json, "The service's answer as it is");
  return verb;
}

}  // namespace

void add_control(Command app, int& exit_code) {
  const Verb load = add_verb(app, "load", "Put rule files into force in a running service, all or nothing",
                             "omen load rules/churn.omen");
  const Verb plan =
      add_verb(app, "plan", "Say what loading rule files would do to each rule, and do nothing", "omen plan rules/");
  for (const Verb& verb : {load, plan}) {
    verb.app.add_option("RULES", verb.options->rules, "Rule files, or folders of them").required();
    verb.app.add_flag("--replace-all", verb.options->replaces_all, "Files that are not named are unloaded");
  }
  load.app.callback([&exit_code, o = load.options] { exit_code = send_rules("load", "/v1/rules", *o); });
  plan.app.callback([&exit_code, o = plan.options] { exit_code = send_rules("plan", "/v1/plan", *o); });

  const Verb list = add_verb(app, "list", "The rules of a running service", "omen list");
  list.app.callback([&exit_code, o = list.options] {
    exit_code = print_reply("list", *o, call_service(o->data, "GET", "/v1/rules"), print_rules);
  });
  const Verb status = add_verb(app, "status", "How a running service is", "omen status --json");
  status.app.callback([&exit_code, o = status.options] {
    exit_code = print_reply("status", *o, call_service(o->data, "GET", "/v1/status"), print_status);
  });

  const auto add_named = [&](const char* name, const char* what, const char* example, const char* method,
                             const char* path, auto print) {
    const Verb verb = add_verb(app, name, what, example);
    verb.app.add_option("NAME", verb.options->name, "A rule, or a rule file as `omen list` shows it").required();
    verb.app.callback([&exit_code, o = verb.options, name, method, path, print] {
      exit_code = print_reply(name, *o, call_service(o->data, method, path + query_text({{"name", o->name}})), print);
    });
  };
  add_named("show", "A rule of a running service with the text of its file", "omen show churn_risk", "GET", "/v1/rule",
            [](simdjson::dom::element json) {
              std::string_view text;
              if (json["text"].get(text) == simdjson::SUCCESS) std::printf("%s", std::string(text).c_str());
              print_rules(json);
            });
  add_named("unload", "Take a rule file, or the only rule of one, out of force", "omen unload rules/churn.omen",
            "DELETE", "/v1/rule", print_changes);
  add_named("pause", "Let a rule raise nothing until it is resumed; its state goes on", "omen pause churn_risk", "POST",
            "/v1/pause", [](simdjson::dom::element) { std::printf("paused\n"); });
  add_named("resume", "Let a paused rule raise alerts again", "omen resume churn_risk", "POST", "/v1/resume",
            [](simdjson::dom::element) { std::printf("active\n"); });
}

}  // namespace omen::cli
