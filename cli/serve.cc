// omen serve: rules in a running engine that loses nothing.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/load.h"
#include "cli/memory.h"
#include "cli/print.h"
#include "cli/rule_compiler.h"
#include "cli/serve_log.h"
#include "cli/serve_metrics.h"
#include "cli/serve_rules.h"
#include "cli/verbs.h"
#include "runtime/io/stop.h"
#include "runtime/model/time.h"
#include "runtime/outbox/fetch.h"
#include "runtime/serve/control_routes.h"
#include "runtime/serve/followed_file.h"
#include "runtime/serve/hook_config.h"
#include "runtime/serve/listeners.h"
#include "runtime/serve/service.h"
#include "runtime/serve/sns_desk.h"

namespace omen::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> rules;
  std::string config, data = "omen-data";
  std::vector<std::string> http, lines, follow;
  std::string certificate, key, tokens;
  std::string durability = "fsync", retain_for, snapshot_every = "60s";
  uint64_t retain_bytes = 0, reserve_bytes = 0;
  std::vector<std::string> hooks, sns_topics;
  bool watch = false, acks = false;
  std::string log_format = "text", log_level = "info";
  OrderOptions order;
  ServiceOptions service;
};

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen serve: %s\n", problem.c_str());
  return exit_code;
}

Result<Durability> durability_of(const std::string& text) {
  Durability out;
  if (text == "fsync") return out;
  if (text == "off") {
    out.mode = Durability::Mode::off;
    return out;
  }
  const auto interval_us = parse_duration(text);
  if (!interval_us || *interval_us <= 0) {
    return Status::error("--durability: fsync, off, or how often to sync, such as 200ms");
  }
  out.mode = Durability::Mode::interval;
  out.interval_us = *interval_us;
  return out;
}

Status resolve(Options& options) {
  if (options.order.max_ahead.empty()) options.order.max_ahead = "1 day";
  const auto order = resolve_order(options.order);
  if (!order) return Status::error(order.message());
  options.service.pipeline.order = order.value();
  const auto durability = durability_of(options.durability);
  if (!durability) return Status::error(durability.message());
  options.service.log.durability = durability.value();
  const auto snapshot_us = parse_duration(options.snapshot_every);
  if (!snapshot_us) return Status::error("--snapshot-every: a duration such as 60s");
  options.service.snapshot_us = *snapshot_us;
  options.service.snapshot_apart_us = std::min(options.service.snapshot_apart_us, *snapshot_us / 2);
  if (options.retain_bytes > 0) options.service.retention.bytes_max = options.retain_bytes;
  if (!options.retain_for.empty()) {
    const auto retain_us = parse_duration(options.retain_for);
    if (!retain_us) return Status::error("--retain-for: a duration such as \"30 days\"");
    options.service.retention.age_us_max = *retain_us;
  }
  for (const std::string& topic : options.sns_topics) {
    if (!is_topic_arn(topic)) {
      return Status::error("`" + topic + "` is no topic of SNS: write arn:aws:sns:REGION:ACCOUNT:NAME");
    }
  }
  options.service.data = options.data;
  options.service.delivery.omen_version = options.service.store.omen_version = OMEN_VERSION;
  return Status::ok();
}

// Always the control socket; what the options name beside it.
std::vector<ListenConfig> listen_configs(const Options& options) {
  std::vector<ListenConfig> configs;
  ListenConfig control;
  control.address = "unix:" + options.data + "/omen.sock";
  configs.push_back(control);
  const auto add = [&](const std::string& address, ListenConfig::Protocol protocol) {
    ListenConfig config;
    config.protocol = protocol;
    config.address = address;
    if (!address.starts_with("unix:")) {  // those have no TLS: the others' certificate is not for them
      config.certificate_path = options.certificate;
      config.key_path = options.key;
    }
    config.has_acks = protocol == ListenConfig::Protocol::lines && options.acks;
    configs.push_back(config);
  };
  for (const std::string& address : options.http) add(address, ListenConfig::Protocol::http);
  for (const std::string& address : options.lines) add(address, ListenConfig::Protocol::lines);
  return configs;
}

// Asks for a change to what the rule files say now, and tells the log what came of it.
void reload(Service& service, const std::vector<std::string>& paths, ServeLog& log, const char* why) {
  auto rules = read_rule_set(paths);
  if (!rules) return log.problem(fmt::format("{}: the rules stay as they are: {}", why, rules.message()));
  service.ask([rules = std::move(rules.value()), &log, why](Service& writer) {
    RuleSet next = started_with(rules, writer.rules());
    if (next == writer.rules()) return log.say(fmt::format("{}: nothing has changed", why));
    writer.change_rules(std::move(next), [&log, why](const Result<std::vector<RuleChange>>& changes) {
      if (!changes) return log.problem(fmt::format("{}: the rules stay as they are:\n{}", why, changes.message()));
      log.say(fmt::format("{}: {}", why, changes_line(changes.value())));
    });
  });
}

int serve(Options& options) {
  if (Status resolved = resolve(options); !resolved) return complain(resolved.message(), exit_usage);
  if (options.rules.empty()) options.rules = {fs::is_directory("rules") ? "rules" : "."};
  const auto rules = read_rule_set(options.rules);
  if (!rules) return complain(rules.message(), exit_usage);
  if (const auto compiled = compile_rules(rules.value().files); !compiled)
    return complain(compiled.message(), exit_failed);

  ServeLog log(options.log_format == "json", options.log_level);
  Subscribers subscribers;
  Metrics metrics;
  TokenStore tokens;
  if (!options.tokens.empty()) {
    if (Status loaded = tokens.load(options.tokens); !loaded) return complain(loaded.message(), exit_usage);
  }
  std::vector<HookConfig> hooks;
  for (const std::string& words : options.hooks) {
    auto hook = parse_hook(words, environment_variable);
    if (!hook) return complain(hook.message(), exit_usage);
    hooks.push_back(std::move(hook.value()));
  }
  for (const ListenConfig& config : listen_configs(options)) {
    if (Status safe = validate(config, !tokens.is_empty()); !safe) return complain(safe.message(), exit_usage);
  }
  options.service.say = [&](const std::string& line, bool is_problem) {
    is_problem ? log.problem(line) : log.say(line);
  };
  options.service.publish = [&](std::span<const Message> messages) {
    std::vector<SharedAlert> alerts;
    for (const Message& message : messages) {
      if (message.is_record)
        alerts.push_back(std::make_shared<const AlertText>(AlertText{message.alert, message.body}));
    }
    subscribers.publish(alerts);
  };

  if (Status reserved = reserve_memory(options.reserve_bytes); !reserved)
    return complain(reserved.message(), exit_usage);
  // Bodies and batches come from the system and go back to it. By itself glibc takes ever larger ones from its heaps,
  // which under overload grow for minutes by what lies between them.
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  catch_stop_signals();
  std::signal(SIGCHLD, SIG_DFL);  // inherited as ignored, how children have ended would be lost
  catch_reload_signal();
  const auto began = std::chrono::steady_clock::now();
  RuleCompiler compiler;
  options.service.compile_change = [&](const auto& before, const auto& after) {
    return compiler.compile_change(before, after);
  };
  auto opened = Service::open(
      options.service, [&](const auto& files) { return compiler.compile(files); }, rules.value());
  if (!opened) return complain(opened.message(), exit_usage);
  Service& service = *opened.value();
  const auto view = [&] { return service.view(); };
  add_service_metrics(metrics, view);

  Status ended = Status::ok();
  std::thread writer([&] { ended = service.run(); });
  std::unique_ptr<SnsDesk> sns;
  const auto join = [&] {
    if (sns != nullptr) sns->stop();
    service.stop();
    writer.join();
  };
  HttpContext context{service.intake(), tokens, metrics, subscribers};
  context.program = [view] { return view()->mappings; };
  context.not_ready = [view]() -> std::string {
    const auto now = view();
    return !now->is_ready ? "the service starts or ends" : now->is_full ? "the disk is full" : "";
  };
  context.log = [&](const std::string& line) { log.say(line); };
  context.hooks = hooks;
  if (!options.sns_topics.empty()) {
    const auto get = [](const std::string& url, const std::atomic<bool>& is_over) {
      return fetch(url, {"omen/" OMEN_VERSION}, is_over);
    };
    sns = std::make_unique<SnsDesk>(options.sns_topics, get, context.log, metrics);
    context.sns = sns.get();
  }
  context.more_routes = control_routes(service);
  auto listeners = Listeners::start(listen_configs(options), context);
  if (!listeners) {
    join();
    return complain(listeners.message(), exit_usage);
  }
  std::vector<std::unique_ptr<FollowedFile>> followed;
  for (const std::string& path : options.follow) {
    FollowOptions follow;
    follow.path = path;
    if (path != "-") follow.position_path = options.data + "/follow-" + position_name(path);
    follow.log = context.log;
    auto file = FollowedFile::start(service.intake(), std::move(follow));
    if (!file) {
      join();
      return complain(file.message(), exit_usage);
    }
    followed.push_back(std::move(file.value()));
  }
  const double took_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  log.say(fmt::format("{} rules of {} in force; data in {}; durability {}; ready after {:.2f} s",
                      service.view()->rules.size(), fmt::join(options.rules, ", "), options.data, options.durability,
                      took_s));
  for (const std::string& address : listeners.value()->addresses()) log.say("listens on " + address);

  RuleWatch watch(options.rules);
  while (stop_signal() == 0 && !service.has_ended()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (take_reload_signal()) {
      reload(service, options.rules, log, "SIGHUP");
      if (Status reloaded = listeners.value()->reload_certificates(); !reloaded) {
        log.problem("SIGHUP: the certificate stays what it is: " + reloaded.message());
      }
    }
    if (options.watch && watch.has_changed()) reload(service, options.rules, log, "the rule files have changed");
    if (Status refreshed = tokens.refresh(); !refreshed) log.problem(refreshed.message());
  }
  if (stop_signal() != 0) log.say("asked to stop: takes no more events, syncs, makes a snapshot");
  listeners.value()->stop(std::chrono::milliseconds(2000));
  for (const auto& file : followed) file->stop();
  join();
  subscribers.close();
  followed.clear();
  if (!ended) return complain(ended.message(), exit_output);
  log.say("stopped; everything is on the disk");
  return exit_ok;
}

}  // namespace

void add_serve(Command app, int& exit_code) {
  Command verb = app.add_subcommand(
      "serve", "Rules in a running engine: events by sockets and HTTP, alerts delivered, nothing lost");
  verb.footer(
      "All that is kept lives in the data folder: the log of events, the outbox, snapshots. Killed at any moment, the\n"
      "service goes on where it was. Without --http and --lines it can be reached by its Unix socket alone,\n"
      "DATA/omen.sock, which also `omen load`, `list`, `outbox` and the like speak to.\n\n"
      "Examples:\n"
      "  omen serve rules/                                         events by POST to omen-data/omen.sock\n"
      "  omen serve rules/ --http 127.0.0.1:8080 --watch\n"
      "  curl -d '{\"type\":\"login\",\"user\":\"u1\"}' http://127.0.0.1:8080/v1/events\n"
      "  omen serve rules/ --lines 127.0.0.1:7000 --durability 200ms --retain-for \"30 days\"\n"
      "  omen serve --config omen.toml\n\n"
      "SIGTERM ends it within 10 s, SIGHUP reads the rules again.\n"
      "Exit codes: 0 stopped as asked; 1 the rules have errors; 2 wrong usage, or something that is named cannot be "
      "opened;\n4 the disk or the store failed: nothing was acknowledged after it.");
  auto options = std::make_shared<Options>();
  verb.add_option("--config", options->config, "Read options from this TOML file, by their long names")
      .type_name("FILE");
  verb.add_option("RULES", options->rules, "Rule files, or folders of them; rules/ or this folder when none is given");
  verb.add_option("--data", options->data, "The folder of all that is kept").capture_default_str().type_name("DIR");
  verb.add_option("--http", options->http, "Listen for HTTP here: ADDRESS:PORT or unix:PATH; may be repeated")
      .once_each()
      .type_name("ADDRESS");
  verb.add_option("--lines", options->lines, "Listen for lines of JSON here; may be repeated")
      .once_each()
      .type_name("ADDRESS");
  verb.add_flag("--acks", options->acks, "Acknowledge each line with its durable sequence");
  verb.add_option("--follow", options->follow, "Read this file as it grows, or - for standard input; may be repeated")
      .once_each()
      .type_name("FILE");
  verb.add_option("--tls-cert", options->certificate, "Certificate and its chain, PEM").type_name("FILE");
  verb.add_option("--tls-key", options->key, "Its key, PEM").type_name("FILE");
  verb.add_option("--tokens", options->tokens, "Tokens as `omen token` keeps them").type_name("FILE");
  verb.add_option("--hook", options->hooks,
                  "Events of somebody's webhook at /v1/hooks/NAME: \"NAME mapping=M signature=github secret=env:VAR\"; "
                  "may be repeated (docs/http.md)")
      .once_each()
      .type_name("WORDS");
  verb.add_option(
          "--sns-topic", options->sns_topics,
          "Take messages of these topics of AWS SNS only, by their signatures, and confirm their subscriptions; "
          "may be repeated. In a file: topics of [sns]")
      .once_each()
      .type_name("ARN");
  add_order_options(verb, options->order);
  verb.option("--max-ahead").description("Reject events further ahead of the wall clock; 1 day when not given");
  add_limit_options(verb, options->service.pipeline.limits);
  verb.add_flag("--strict-types", options->service.pipeline.strict_types,
                "An event of a type that is not declared is a violation too");
  verb.add_option("--shards", options->service.pipeline.shards,
                  "Divide the keys among so many engines, a thread each: the alerts are the same")
      .between(1, shards_max)
      .capture_default_str()
      .type_name("N");
  add_reserve_option(verb, options->reserve_bytes);
  verb.add_option("--durability", options->durability, "fsync: acknowledge when on the disk; a duration; or off")
      .capture_default_str();
  verb.add_option("--snapshot-every", options->snapshot_every, "How often the state is written")
      .capture_default_str()
      .type_name("DURATION");
  verb.add_option("--retain-bytes", options->retain_bytes, "The log keeps at most this much").type_name("BYTES");
  verb.add_option("--retain-for", options->retain_for, "The log keeps events this long").type_name("DURATION");
  verb.add_option("--quarantine-bytes", options->service.quarantine_bytes_max,
                  "The quarantine keeps at most this much; 256 MB when not given")
      .as_size()
      .type_name("BYTES");
  verb.add_flag("--watch", options->watch, "Read the rules again when their files change");
  verb.add_flag("--allow-exec", options->service.delivery.allow_exec, "Destinations of kind exec may run commands");
  verb.add_option("--log-format", options->log_format, "text or json").one_of({"text", "json"}).capture_default_str();
  verb.add_option("--log-level", options->log_level, "info or warning")
      .one_of({"info", "warning"})
      .capture_default_str();
  verb.callback([options, verb, &exit_code] {
    const Status read = verb.read_config(options->config, {{"sns.topics", "--sns-topic"}});
    exit_code = read ? serve(*options) : complain(read.message(), exit_usage);
  });
}

}  // namespace omen::cli
