// Turns: how soon the system lets the calling thread run when others want its core, too.
//
//   take_short_turns()   for a thread that others wait for and that has little to do at a time: it may interrupt those
//                        whose turns are longer, and is itself interrupted sooner (Linux 6.12: a slice of its own)
//   stand_back()         for a thread with much to do that nobody waits for: it gets a tenth of a core
//                        that others want, too (a niceness of its own)
//
// Hints: they need no privilege, and where the system does not know them, nothing comes of them.
// NOT HERE: which threads do so.
#pragma once

namespace omen {

void take_short_turns();
void stand_back();

}  // namespace omen
