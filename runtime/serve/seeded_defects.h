// Seeded defects: what the service must not do, done on purpose, so that the crash tests show that they would notice.
// Only tests/omen-seeded-tests is compiled with OMEN_SEEDED_DEFECTS; everywhere else all are false for the compiler.
#pragma once

namespace omen {

struct SeededDefects {
  bool acknowledges_before_sync = false;
  bool commits_watermark_first = false;      // in a transaction of its own, before the rows
  bool accepts_newer_snapshot = false;       // one with S > W
  bool snapshots_before_checkpoint = false;  // all snapshots may be newer than the W that a power cut leaves
  bool raises_nothing_again = false;         // of what recovery plays, committed or not
};

#ifdef OMEN_SEEDED_DEFECTS
extern SeededDefects seeded;
#else
inline constexpr SeededDefects seeded;
#endif

}  // namespace omen
