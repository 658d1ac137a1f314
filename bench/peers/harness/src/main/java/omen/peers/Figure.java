package omen.peers;

import java.util.Comparator;
import java.util.List;

/** What was measured of an engine, or why nothing was. */
record Figure(long events, long alerts, long nanos, long cpuNanos, String version, String problem) {
  static Figure missing(String problem) {
    return new Figure(0, 0, 0, 0, "", problem);
  }

  static Figure median(List<Figure> figures) {
    return figures.stream().sorted(Comparator.comparingLong(Figure::nanos)).toList().get(figures.size() / 2);
  }

  boolean isMissing() {
    return problem != null;
  }

  double millionPerSecond() {
    return events * 1e3 / nanos;
  }

  /** Cores kept busy, garbage collector and compiler included. */
  double cores() {
    return (double) cpuNanos / nanos;
  }
}
