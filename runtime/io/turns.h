// Turns: how soon the system lets the calling thread run when others want its core, too.
//
//   take_short_turns()   for a thread that others wait for and that has little to do at a time: it may interrupt those
//                        whose turns are longer, and is itself interrupted sooner (Linux 6.12: a slice of its own)
//
// A hint: it needs no privilege, and where the system does not know it, nothing comes of it.
// NOT HERE: which threads do so.
#pragma once

namespace omen {

void take_short_turns();

}  // namespace omen
