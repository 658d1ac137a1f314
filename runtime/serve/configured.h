// Configured: pipelines under a config (stream_config.h), and how they go on when another comes into force.
//
// Changing what a pipeline is made with means a new one that takes over all that is remembered. Events that wait for
// their time come at once when nothing holds events any more. What holds nothing back (rows of a table) is changed in
// place. A replay comes to the same, since all of it happens at the place of the record.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "runtime/model/status.h"
#include "runtime/serve/pipeline.h"
#include "runtime/serve/playback.h"
#include "runtime/serve/stream_config.h"
#include "runtime/serve/table_store.h"

namespace omen {

// What pipelines are made of beside rules and config.
struct Pipelines {
  PipelineOptions options;  // what a config does not say
  TableStore tables;

  // With its tables set: those that the config does not name are read from their files as they are.
  Result<std::unique_ptr<Pipeline>> make(const SharedRules& rules, const StreamConfig& config) const;
  // The one that goes on, at a place where release_held() is done with and matches are cleared; nothing when `pipeline`
  // itself does.
  Result<std::unique_ptr<Pipeline>> go_on(Pipeline& pipeline, const StreamConfig& before,
                                          const StreamConfig& after) const;
};

// Names of the tables of `program` that another program (or none) did not have, or had of other files or rows.
std::set<std::string> new_tables(const Program& program, const Program* before);

// A pipeline that plays a log for itself, under the config that the log says at each place. Of some tables it has rows
// from elsewhere, whatever the log says.
class Player {
 public:
  Player(const Pipelines& pipelines, SharedRules rules, StreamConfig config, std::map<std::string, std::string> fixed)
      : pipelines_(pipelines), rules_(std::move(rules)), config_(std::move(config)), fixed_(std::move(fixed)) {}

  Status begin();
  // The record of the log `sequence`: what it holds back comes to `note`.
  Status take_config(std::string_view text, uint64_t sequence, const Playback::Note& note);
  Pipeline& pipeline() { return *pipeline_; }
  std::unique_ptr<Pipeline> give() { return std::move(pipeline_); }

 private:
  StreamConfig fixed(StreamConfig config) const;

  const Pipelines& pipelines_;
  const SharedRules rules_;
  StreamConfig config_;
  const std::map<std::string, std::string> fixed_;
  std::unique_ptr<Pipeline> pipeline_;
};

// Lets come what is held and no longer would be, because of the record `sequence`. To be done before go_on().
void release_held(Pipeline& pipeline, const StreamConfig& before, const StreamConfig& after, uint64_t sequence);

}  // namespace omen
