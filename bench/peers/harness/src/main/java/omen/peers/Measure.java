package omen.peers;

import java.io.FileOutputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * One peer, one rule set, one way of getting at the events, in a process of its own, so that what the compiler has learnt of
 * one case does not help or hinder another.
 *
 * <p>The stream is run again and again, each time by a fresh engine: until the process is warm, then as often as is measured;
 * the median counts. The first runs are over a hundredth of the stream, then over more; an engine that takes too long stays
 * there.
 */
public final class Measure {
  private Measure() {}

  // PEER RULES memory|file EVENTS-FILE EVENTS WARM-SECONDS RUNS
  public static void main(String[] args) throws Exception {
    Peer peer = (Peer) Class.forName("omen.peers." + args[0]).getDeclaredConstructor().newInstance();
    boolean inMemory = args[2].equals("memory");
    Path path = Path.of(args[3]);
    long total = Long.parseLong(args[4]);
    double warmSeconds = Double.parseDouble(args[5]);
    Run[] runs = new Run[Integer.parseInt(args[6])];

    peer.prepare(RuleSet.named(args[1]));
    Case measured = new Case(peer, inMemory, path);
    // The next size as long as a run of the next size is likely to take three seconds at most.
    long[] sizes = sizes(total);
    int size = 0;
    double spent = 0;
    for (; size + 1 < sizes.length; ++size) {
      double more = (double) sizes[size + 1] / sizes[size];
      double seconds = measured.run(sizes[size]).seconds();
      if (seconds * more > 3) seconds = measured.run(sizes[size]).seconds(); // warmer
      if (seconds * more > 3) break;
      spent += seconds;
    }
    long events = sizes[size];
    Run run;
    do {
      run = measured.run(events);
      spent += run.seconds();
    } while (spent < warmSeconds);
    for (int i = 0; i < runs.length; ++i) {
      runs[i] = measured.run(events);
      if (runs[i].alerts != runs[0].alerts) throw new IllegalStateException("two runs, two counts");
    }
    Arrays.sort(runs, (a, b) -> Long.compare(a.nanos, b.nanos));
    Run median = runs[runs.length / 2];
    // One line, behind whatever the peer itself has printed.
    System.out.printf("%nmeasured %d %d %d %d %s%n", events, median.alerts, median.nanos, median.cpuNanos, peer.version());
    System.out.flush();
    Runtime.getRuntime().halt(0); // some peers leave threads behind
  }

  /** How many of the events may be run over, when all of them would take too long. */
  static long[] sizes(long total) {
    return new long[] {total / 100, total / 30, total / 10, total / 3, total};
  }

  private record Run(long alerts, long nanos, long cpuNanos) {
    double seconds() {
      return nanos * 1e-9;
    }
  }

  private static final class Case {
    private final Peer peer;
    private final boolean inMemory;
    private final Path path;
    private Events events;
    private long limit = 0;

    Case(Peer peer, boolean inMemory, Path path) {
      this.peer = peer;
      this.inMemory = inMemory;
      this.path = path;
    }

    Run run(long wanted) throws Exception {
      if (wanted != limit) {
        events = inMemory ? Events.inMemory(path, wanted) : Events.inFile(path, wanted);
        limit = wanted;
      }
      System.gc(); // what the run before has left is not to be cleared away in this one
      try (OutputStream out = inMemory ? OutputStream.nullOutputStream() : new FileOutputStream("/dev/null");
          Alerts alerts = new Alerts(out)) {
        Stopwatch stopwatch = new Stopwatch();
        peer.run(events, alerts, stopwatch);
        return new Run(alerts.count(), stopwatch.nanos(), stopwatch.cpuNanos());
      }
    }
  }
}
